"""A stage: what a worker runs at a time, for one request or for several as one batch."""

from collections.abc import Callable, Hashable, Sequence
from typing import Protocol

from cutpoint.graph import Arrays


class Stage(Protocol):
    """
    One step of the tails of a model; requests that come to the same one meet there.

    Two stages are the same if they are the same object.
    """

    @property
    def can_batch(self) -> bool:
        """Whether several requests may run as one at all."""

    def kin(self, values: Arrays) -> Hashable | None:
        """Give what requests must have in common to run as one; ``None`` if this one cannot."""

    def time_s(self, size: float) -> float:
        """Give what a batch of this size takes on the idle server; 1 is the request timed."""

    def run(self, batch: Sequence[Arrays], is_stopped: Callable[[], bool]) -> list[Arrays]:
        """
        Run for each of a batch; give what was made for each.

        Parameters
        ----------
        batch
            The values each request has so far.
        is_stopped
            Asked where there is a place to stop; once true, what is made may be less.
        """
