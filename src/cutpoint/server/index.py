"""What the repository's index tells beside the models that are served."""

from collections.abc import Iterable
from threading import Lock
from typing import NamedTuple


class IndexRow(NamedTuple):
    """
    A model as the repository's index lists it.

    Parameters
    ----------
    name, version
        Version 0 is none in particular.
    state
        ``READY``, ``LOADING`` or ``UNAVAILABLE``, as Triton says it.
    reason
        Why it is unavailable.
    """

    name: str
    version: int
    state: str
    reason: str = ""


class Notes:
    """
    What is being loaded, and what could not be; thread-safe.

    Of each name the last note is kept.
    """

    def __init__(self) -> None:
        self._rows: dict[str, IndexRow] = {}
        self._lock = Lock()

    def __repr__(self) -> str:
        return f"<Notes: {len(self._rows)}>"

    @property
    def rows(self) -> tuple[IndexRow, ...]:
        """Everything that is noted."""
        with self._lock:
            return tuple(self._rows.values())

    @property
    def problems(self) -> dict[str, str]:
        """Why models are unavailable, by name."""
        return {row.name: row.reason for row in self.rows if row.reason}

    def loading(self, name: str, version: int) -> None:
        """Note that a version is being loaded."""
        self._note(IndexRow(name, version, "LOADING"))

    def failed(self, name: str, version: int, reason: str) -> None:
        """Note why a version cannot be served."""
        self._note(IndexRow(name, version, "UNAVAILABLE", reason))

    def forget(self, name: str) -> None:
        """Drop what is noted of a name."""
        with self._lock:
            self._rows.pop(name, None)

    def keep(self, names: Iterable[str]) -> None:
        """Drop what is noted of all others."""
        kept = set(names)
        with self._lock:
            self._rows = {name: row for name, row in self._rows.items() if name in kept}

    def _note(self, row: IndexRow) -> None:
        with self._lock:
            self._rows[row.name] = row
