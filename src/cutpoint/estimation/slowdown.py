"""How much slower the device runs than when it was profiled."""

from math import exp, log

_WEIGHT = 0.3
_TELLING_S = 0.002
"""Time from which a run says enough: of shorter ones the start is the larger part."""

_FADES_S = 30.0
"""While the device computes nothing, nothing is known of its speed: belief fades to 1."""

_BOUND = 20.0
"""One measurement moves the estimate by no more than a factor of this."""


class SlowdownEstimator:
    """The device's execution time / profiled time: heat, other work, another power mode."""

    def __init__(self) -> None:
        self._log_ratio = 0.0
        self._at_s = 0.0

    def observe(self, duration_s: float, profiled_s: float, at_s: float) -> None:
        """
        Learn from what ran on the device; times of zero say nothing.

        Parameters
        ----------
        duration_s, profiled_s
            What it took, and takes by the profile.
        at_s
            When it was over.
        """
        if duration_s <= 0 or profiled_s <= 0:
            return
        ratio = min(max(duration_s / profiled_s, 1 / _BOUND), _BOUND)
        believed = log(self.factor(at_s))
        weight = _WEIGHT * min(1.0, max(duration_s, profiled_s) / _TELLING_S)
        self._log_ratio = believed + weight * (log(ratio) - believed)
        self._at_s = at_s

    def factor(self, at_s: float) -> float:
        """Give the ratio as believed at a time; 1 before anything was measured."""
        age_s = max(at_s - self._at_s, 0.0)
        return exp(self._log_ratio * exp(-age_s / _FADES_S))
