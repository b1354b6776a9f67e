"""The file a command may be configured by: TOML, one key per option."""

import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import Any

from cutpoint.exceptions import ConfigurationError

# Of the same making; the second is installed where Python does not bring the first.
tomllib = import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")

ENVIRONMENT_PREFIX = "CUTPOINT_SERVE_"
"""Of the variable that stands for an option: ``--max-waiting`` is CUTPOINT_SERVE_MAX_WAITING."""

_LONGEST_BYTES = 1 << 20
"""No configuration is longer; something else was named by mistake."""

_Kind = type | tuple[type, ...]


@dataclass(frozen=True)
class ConfigurationFile:
    """
    What a file sets, and at which line.

    Parameters
    ----------
    path
        The file.
    values
        By key, as TOML has them.
    lines
        Where each key is, where that is known.
    """

    path: Path
    values: Mapping[str, Any]
    lines: Mapping[str, int]

    def place(self, key: str) -> str:
        """Say where a key is: ``serve.toml:3``."""
        line = self.lines.get(key)
        return f"{self.path}:{line}" if line else str(self.path)


def read_configuration(path: Path) -> ConfigurationFile:
    """
    Read a file.

    Raises
    ------
    ConfigurationError
        If it cannot be read or is not TOML; says where.
    """
    try:
        with path.open("rb") as opened:
            content = opened.read(_LONGEST_BYTES + 1)
        text = content.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"configuration {path} cannot be read: {error}") from error
    if len(content) > _LONGEST_BYTES:
        raise ConfigurationError(f"configuration {path} is longer than 1 MB: is it the right file?")
    try:
        values = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigurationError(f"configuration {path} is not TOML: {error}") from error
    return ConfigurationFile(path, values, _lines(text, values))


def check_known(word: str, place: str, known: Iterable[str]) -> None:
    """
    Refuse a word that is none of those that are known.

    Raises
    ------
    ConfigurationError
        Naming the word, where it is, and the one that may have been meant.
    """
    words = sorted(known)
    if word in words:
        return
    near = get_close_matches(word, words, 1)
    meant = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(words)}"
    raise ConfigurationError(f"{place}: there is no setting {word!r}: {meant}")


def check_kind(key: str, value: Any, kinds: _Kind, wanted: str, place: str) -> None:
    """
    Refuse a value of another type than the option's.

    Raises
    ------
    ConfigurationError
        Naming the key, where it is, and what it takes.
    """
    is_flag = isinstance(value, bool)  # which Python takes for a number too
    if isinstance(value, kinds) and is_flag == (kinds is bool):
        return
    raise ConfigurationError(f"{place}: {key} = {value!r}: it takes {wanted}")


def _lines(text: str, keys: Iterable[str]) -> dict[str, int]:
    """Find the line of each key: the reader of TOML does not tell."""
    found: dict[str, int] = {}
    for key in keys:
        written = re.escape(key)
        pattern = rf"^[ \t]*(?:\[+[ \t]*)?[\"']?{written}[\"']?[ \t]*[=.\]]"
        match = re.search(pattern, text, re.MULTILINE)
        if match is not None:
            found[key] = text.count("\n", 0, match.start()) + 1
    return found
