"""One direction of a link that several transfers share."""

from collections.abc import Callable
from functools import partial
from heapq import heappop, heappush
from itertools import count
from typing import Any

from cutpoint.simulation.rate_curve import RateCurve
from cutpoint.simulation.virtual_clock import VirtualClock

Passed = Callable[[], None]


class Passage:
    """A transfer on a lane; `passed` is called when its last byte has left the bottleneck."""

    __slots__ = ("is_dropped", "passed")

    def __init__(self, passed: Passed) -> None:
        self.passed = passed
        self.is_dropped = False


class SharedLane:
    """
    The bottleneck of one direction: transfers side by side get equal shares of its rate.

    Parameters
    ----------
    clock
        Of the simulation.
    curve
        Its rate.

    Notes
    -----
    Equal sharing by virtual work: all transfers under way advance alike, so each has a target
    on one common scale, and the next to end is the one with the least (A. K. Parekh and
    R. G. Gallager, "A generalized processor sharing approach to flow control in integrated
    services networks", 1993). A transfer costs O(log n), however many share the lane.
    """

    def __init__(self, clock: VirtualClock, curve: RateCurve) -> None:
        self._clock = clock
        self._curve = curve
        self._numbers = count()
        self._targets: list[tuple[float, int, Passage]] = []
        self._num_sharing = 0
        self._work_bytes = 0.0
        self._carried_bytes = 0.0
        self._edition = 0
        self._is_settling = False

    def __repr__(self) -> str:
        return f"<SharedLane: {self._num_sharing} transfers>"

    def send(self, size_bytes: float, passed: Passed) -> Passage:
        """Begin a transfer; it shares the lane from now on."""
        passage = Passage(passed)
        if not self._is_settling:  # else that was done this very moment
            self._advance()
        target = self._work_bytes + size_bytes
        heappush(self._targets, (target, next(self._numbers), passage))
        self._num_sharing += 1
        self._settle()
        return passage

    def drop(self, passage: Passage) -> None:
        """Send no more of a transfer; nothing happens if it has passed."""
        if passage.is_dropped:
            return
        passage.is_dropped = True
        self._advance()
        self._num_sharing -= 1
        self._settle()

    def _advance(self) -> None:
        """Note what has passed since the last time that something changed."""
        carried_bytes = self._curve.carried_bytes(self._clock.now_s)
        if self._num_sharing:
            self._work_bytes += (carried_bytes - self._carried_bytes) / self._num_sharing
        else:
            self._work_bytes = 0.0  # a scale that begins anew does not lose its last digits
        self._carried_bytes = carried_bytes

    def _settle(self) -> None:
        """Wait for the next transfer that ends; what was waited for before is void."""
        if self._is_settling:
            return  # whoever lets transfers leave settles when all have
        self._edition += 1
        targets = self._targets
        while targets and targets[0][2].is_dropped:
            heappop(targets)
        if not targets:
            return
        left_bytes = (targets[0][0] - self._work_bytes) * self._num_sharing
        left_s = 0.0
        if left_bytes > 0:
            left_s = self._curve.time_of(self._carried_bytes + left_bytes) - self._clock.now_s
        then = partial(self._leave, self._edition)
        self._clock.later(left_s if left_s > 0 else 0.0, then)

    def _leave(self, edition: int, _: Any) -> None:
        """Let those leave whose last byte has passed."""
        if edition != self._edition:
            return
        self._advance()
        targets, self._is_settling = self._targets, True
        # Its time has come, though rounding may say that a millionth of a byte is left.
        if self._work_bytes < targets[0][0]:
            self._work_bytes = targets[0][0]
        while targets and (targets[0][2].is_dropped or targets[0][0] <= self._work_bytes):
            passage = heappop(targets)[2]
            if passage.is_dropped:
                continue
            passage.is_dropped = True
            self._num_sharing -= 1
            passage.passed()
        self._is_settling = False
        self._settle()
