"""Requests that were let in and are on their way: they have a place in the queue, for a while."""

import itertools
from collections.abc import Callable

_KEPT_S = 0.05
"""A place is kept for so long: an upload over a fast link, or the first words of a slow one."""


class Coming:
    """
    Counts requests between their first piece and their last.

    Between the two others come: if each were let in because there is room for one, all
    but one would upload everything to be refused. Whose upload takes longer has no place
    kept, so that nobody can hold the queue without using it. One thread only.
    """

    def __init__(self) -> None:
        self._numbers = itertools.count()
        self._until_s: dict[int, float] = {}

    def __repr__(self) -> str:
        return f"<Coming: {len(self._until_s)} requests>"

    def count(self, at_s: float) -> int:
        """Give how many places are kept."""
        while self._until_s:  # the oldest comes first
            number = next(iter(self._until_s))
            if self._until_s[number] > at_s:
                break
            del self._until_s[number]
        return len(self._until_s)

    def expect(self, at_s: float) -> Callable[[], None]:
        """Keep a place; gives what gives it back, now or never, once or often."""
        number = next(self._numbers)
        self._until_s[number] = at_s + _KEPT_S

        def came() -> None:
            self._until_s.pop(number, None)

        return came
