"""Bearer tokens in files: read, and read again when they change."""

import logging
import os
import time
from collections.abc import Callable
from pathlib import Path

from cutpoint.exceptions import ConnectError

_log = logging.getLogger(__name__)

HEADER = "authorization"
_SCHEME = "Bearer "

_SETTLED_S = 1.0
"""A changed file whose last line is not ended is still being written until this long after."""

_SHORTEST = 16
"""Characters of a token; of shorter ones the log tells, for they can be guessed."""


class TokenFile:
    """
    Tokens of a file, one per line; lines that begin with ``#`` are comments.

    A change is seen at the next use, or a second later where the last line has no end: the
    rest of it may be on its way. A file that cannot be read any more, or that is caught
    half-written, leaves the tokens as they were.

    Parameters
    ----------
    path
        Of the file.
    clock
        Seconds.

    Raises
    ------
    ConnectError
        If it cannot be read or holds no token.
    """

    def __init__(
        self, path: str | os.PathLike[str], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._path = Path(path)
        self._clock = clock
        self._state = self._coming = self._seen()
        self._came_at_s = clock()
        self._tokens = read_tokens(path)
        self._warn_of_short()

    def __repr__(self) -> str:
        return f"<TokenFile {str(self._path)!r}: {len(self._tokens)} tokens>"

    def tokens(self) -> tuple[str, ...]:
        """Give the tokens as the file holds them now."""
        state = self._seen()
        if state != self._state:
            try:
                self._take(state)
            except ConnectError as error:
                self._state = state
                _log.warning("%s; the tokens read before stay in force", error)
        return self._tokens

    def _take(self, state: tuple[int, ...] | None) -> None:
        """Read the file as it is now, unless it looks as if more of it were to come."""
        if state != self._coming:
            self._coming, self._came_at_s = state, self._clock()
        text = _read(self._path)
        if not text.endswith("\n") and self._clock() - self._came_at_s < _SETTLED_S:
            return
        self._tokens = _parsed(text, os.fspath(self._path))
        self._state = state
        self._warn_of_short()

    def _warn_of_short(self) -> None:
        for number, token in enumerate(self._tokens, 1):
            if len(token) < _SHORTEST:
                _log.warning(
                    "token %d of %r has fewer than %d characters and can be guessed: %s",
                    number, os.fspath(self._path), _SHORTEST, _ADVICE,
                )  # fmt: skip

    def _seen(self) -> tuple[int, ...] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino


def read_tokens(path: str | os.PathLike[str]) -> tuple[str, ...]:
    """
    Give the tokens in a file, at least one.

    Raises
    ------
    ConnectError
        If it cannot be read, holds none, or a line is no token. The tokens are not repeated.
    """
    return _parsed(_read(path), os.fspath(path))


def _read(path: str | os.PathLike[str]) -> str:
    name = os.fspath(path)
    try:
        return Path(path).read_text("ascii")
    except OSError as error:
        raise ConnectError(f"cannot read token file {name!r}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConnectError(f"token file {name!r} holds more than ASCII: {_ADVICE}") from None


def _parsed(text: str, name: str) -> tuple[str, ...]:
    lines = [line.strip() for line in text.splitlines()]
    tokens = tuple(line for line in lines if line and not line.startswith("#"))
    if not tokens:
        raise ConnectError(f"token file {name!r} holds no token: {_ADVICE}")
    for number, token in enumerate(tokens, 1):
        if any(not "!" <= letter <= "~" for letter in token):
            raise ConnectError(
                f"token {number} of {name!r} holds a space or a control character: {_ADVICE}"
            )
    return tokens


_ADVICE = "write one per line, such as `openssl rand -hex 32` prints"


def bearer(token: str) -> str:
    """Give the header's value that shows a token."""
    return _SCHEME + token


def shown(value: str | bytes) -> str | None:
    """Give the token that a header's value shows; ``None`` if it shows none."""
    text = value.decode("latin-1") if isinstance(value, bytes) else value
    scheme, _, token = text.partition(" ")
    return token if scheme.lower() == "bearer" and token else None
