"""Objects that one user at a time may have, kept for the next: any thread takes and gives back."""

from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

_MOST_KEPT = 8


class Pool(Generic[T]):
    """
    Hands each object to one user at a time, and makes more as they are needed.

    Parameters
    ----------
    make
        Makes one.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._kept: list[T] = []  # append and pop of a list are atomic

    def take(self) -> T:
        """Give one that nobody else has."""
        try:
            return self._kept.pop()
        except IndexError:
            return self._make()

    def give_back(self, one: T) -> None:
        """Take one back that is not used any more."""
        if len(self._kept) < _MOST_KEPT:
            self._kept.append(one)
