"""How much slower the device runs than when it was profiled."""

from math import exp, inf, log

_WEIGHT = 0.3
_TELLING_S = 0.002
"""Time from which a run says enough: of shorter ones the start is the larger part. A belief that
is off by as much is off."""

_FADES_S = 30.0
"""While the device computes nothing, nothing is known of its speed: belief fades to 1."""

_NOISE = log(1.25)
"""Runs differ by so much with nothing to blame: what is within it counts as it is."""

_BOUND = 20.0
"""One measurement moves the estimate by no more than a factor of this."""


class SlowdownEstimator:
    """
    The device's execution time / profiled time: heat, other work, another power mode.

    A rise by more than a quarter counts as far as the run before shows it too: one that lost its
    core for a moment by chance would be believed of the next ones. The first run counts in full,
    and so does a fall.
    """

    def __init__(self) -> None:
        self._log_ratio = 0.0
        self._previous = inf
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
        is_telling = duration_s >= _TELLING_S or profiled_s >= _TELLING_S
        share = 1.0 if is_telling else max(duration_s, profiled_s) / _TELLING_S
        ratio = log(min(max(duration_s / profiled_s, 1 / _BOUND), _BOUND))
        believed = self._believed(at_s)
        told = min(ratio, max(self._previous, believed + _NOISE))
        self._log_ratio = believed + _WEIGHT * share * (told - believed)
        self._at_s = at_s
        if is_telling:
            self._previous = ratio

    def observe_at_most(self, duration_s: float, profiled_s: float, at_s: float) -> None:
        """
        Learn from a short work beside the segments, as encoding is: it tells of falls alone.

        Where rows are taken that compute nothing here, a belief too high would last, and keep
        those away that would show it. What takes longer than believed may have done so for
        reasons of its own.

        Parameters
        ----------
        duration_s, profiled_s, at_s
            As of a run.
        """
        if duration_s <= 0 or profiled_s <= 0:
            return
        ratio, believed = log(max(duration_s / profiled_s, 1 / _BOUND)), self._believed(at_s)
        if ratio + _NOISE < believed:
            off_s = exp(believed) * profiled_s - duration_s
            self._log_ratio = believed + _WEIGHT * min(1.0, off_s / _TELLING_S) * (ratio - believed)
            self._at_s = at_s

    def factor(self, at_s: float) -> float:
        """Give the ratio as believed at a time; 1 before anything was measured."""
        return exp(self._believed(at_s))

    def _believed(self, at_s: float) -> float:
        age_s = at_s - self._at_s
        return self._log_ratio * exp(-age_s / _FADES_S) if age_s > 0 else self._log_ratio
