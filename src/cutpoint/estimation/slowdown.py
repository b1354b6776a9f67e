"""How much slower the device runs than when it was profiled."""

from math import exp, log

_WEIGHT = 0.3
_BOUND = 20.0
"""One measurement moves the estimate by no more than a factor of this."""


class SlowdownEstimator:
    """The device's execution time / profiled time: heat, other work, another power mode."""

    def __init__(self) -> None:
        self._log_ratio = 0.0

    def observe(self, duration_s: float, profiled_s: float) -> None:
        """Learn from one head; times of zero say nothing."""
        if duration_s <= 0 or profiled_s <= 0:
            return
        ratio = min(max(duration_s / profiled_s, 1 / _BOUND), _BOUND)
        self._log_ratio += _WEIGHT * (log(ratio) - self._log_ratio)

    @property
    def factor(self) -> float:
        """The ratio as believed now; 1 before anything was measured."""
        return exp(self._log_ratio)
