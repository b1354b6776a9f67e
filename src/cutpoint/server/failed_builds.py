"""Tails that could not be built: told before they are tried again, and not tried too often."""

from collections.abc import Callable
from dataclasses import dataclass

from cutpoint.graph import Cut

_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 60.0
"""A tail whose building failed is not built again before; the pause doubles with each failure."""

Candidate = Callable[[], Cut]
"""Gives the cut behind which a tail is wanted; may take long."""


@dataclass
class _Failure:
    """A build that failed: of what, how often in a row, and when it may be tried again."""

    candidate: Candidate
    num_failed: int
    again_s: float
    is_told: bool = False


class FailedBuilds:
    """
    Failures by the names of the tails, the latest last.

    Parameters
    ----------
    clock
        Seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._failures: dict[str, _Failure] = {}

    def __repr__(self) -> str:
        return f"<FailedBuilds: {len(self._failures)}>"

    @property
    def names(self) -> tuple[str, ...]:
        """Tails whose last build failed, the latest last."""
        return tuple(self._failures)

    def note(self, name: str, candidate: Candidate) -> None:
        """Note one more failure."""
        before = self._failures.pop(name, None)
        num_failed = before.num_failed + 1 if before else 1
        pause_s = min(_FIRST_PAUSE_S * 2.0 ** min(num_failed - 1, 10), _LONGEST_PAUSE_S)
        self._failures[name] = _Failure(candidate, num_failed, self._clock() + pause_s)

    def forget(self, name: str) -> None:
        """Forget the failures of a tail: it was built, or nobody knows it any more."""
        self._failures.pop(name, None)

    def retried(self, name: str) -> Candidate | None:
        """Give what failed if it may be tried again; ``None`` if it is to be told, once more."""
        failure = self._failures[name]
        if failure.is_told and self._clock() >= failure.again_s:
            return failure.candidate
        failure.is_told = True
        return None
