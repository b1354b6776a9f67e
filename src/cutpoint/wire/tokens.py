"""Bearer tokens in files: read, and read again when they change."""

import logging
import os
from pathlib import Path

from cutpoint.exceptions import ConnectError

_log = logging.getLogger(__name__)

HEADER = "authorization"
_SCHEME = "Bearer "


class TokenFile:
    """
    Tokens of a file, one per line; lines that begin with ``#`` are comments.

    A change is seen at the next use. A file that cannot be read any more, or that is caught
    half-written, leaves the tokens as they were.

    Parameters
    ----------
    path
        Of the file.

    Raises
    ------
    ConnectError
        If it cannot be read or holds no token.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path)
        self._state = self._seen()
        self._tokens = read_tokens(path)

    def __repr__(self) -> str:
        return f"<TokenFile {str(self._path)!r}: {len(self._tokens)} tokens>"

    def tokens(self) -> tuple[str, ...]:
        """Give the tokens as the file holds them now."""
        state = self._seen()
        if state != self._state:
            self._state = state
            try:
                self._tokens = read_tokens(self._path)
            except ConnectError as error:
                _log.warning("%s; the tokens read before stay in force", error)
        return self._tokens

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
    name = os.fspath(path)
    try:
        text = Path(path).read_text("ascii")
    except OSError as error:
        raise ConnectError(f"cannot read token file {name!r}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConnectError(f"token file {name!r} holds more than ASCII: {_ADVICE}") from None
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
