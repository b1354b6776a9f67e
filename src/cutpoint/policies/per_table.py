"""What a policy makes of a table once, and keeps while that table is decided on."""

from collections.abc import Callable
from typing import Generic, TypeVar

from cutpoint.cost import CutTable
from cutpoint.policies.policy import Situation

_MOST_TABLES = 64
"""Tables that are kept; there is one for each server and bucket of sizes."""

Made = TypeVar("Made")


class PerTable(Generic[Made]):
    """
    Something made of each table and server that is decided on.

    Parameters
    ----------
    make
        Takes a table, and the server's address or ``""``.

    Notes
    -----
    Tables are told apart by identity: a table that was compiled anew is another one. A kept
    table cannot be collected, so no other one gets its id.
    """

    def __init__(self, make: Callable[[CutTable, str], Made]) -> None:
        self._make = make
        self._kept: dict[tuple[int, str], tuple[CutTable, Made]] = {}

    def of(self, situation: Situation) -> Made:
        """Give what was made of the situation's table, made now if there is none."""
        table, server = situation.table, situation.server or ""
        found = self._kept.get((id(table), server))
        if found is None:
            while len(self._kept) >= _MOST_TABLES:
                del self._kept[next(iter(self._kept))]
            found = self._kept[id(table), server] = table, self._make(table, server)
        return found[1]
