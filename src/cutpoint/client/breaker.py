"""When to leave a server alone, and when to try it again."""

import numpy as np

_FIRST_S = 0.25
_LONGEST_S = 5.0
_MISSES = 2
"""Failures in a row after which it is left alone."""


class Breaker:
    """
    Keeps requests from a server that answers late, wrongly or not at all.

    After `_MISSES` failures in a row the server is left alone for a time that
    doubles with every further failure, with jitter; then it is tried again. Requests
    side by side that fail together count once.

    Parameters
    ----------
    rng
        Source of the jitter.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._failures = 0
        self._open_until_s = 0.0
        self._reason = ""

    def reason(self, at_s: float) -> str | None:
        """Give why the server is left alone at a time; ``None`` if it may be tried."""
        return self._reason if at_s < self._open_until_s else None

    def succeeded(self) -> None:
        """Take note of an answer in time."""
        self._failures = 0
        self._open_until_s = 0.0

    def failed(self, at_s: float, reason: str) -> None:
        """Take note that no answer came, a late one or a wrong one."""
        if at_s < self._open_until_s:
            return
        self._failures += 1
        if self._failures >= _MISSES:
            doubled = _FIRST_S * 2.0 ** min(self._failures - _MISSES, 10)
            self.hold(at_s, min(doubled, _LONGEST_S) * float(self._rng.uniform(0.5, 1.0)), reason)

    def hold(self, at_s: float, duration_s: float, reason: str) -> None:
        """Leave the server alone for a time, as it asked for."""
        if at_s + duration_s > self._open_until_s:
            self._open_until_s = at_s + duration_s
            self._reason = reason
