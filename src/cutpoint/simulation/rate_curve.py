"""The bytes that a link has carried by a time, as a curve that is read both ways.

The same as `RateSchedule.sent_bytes` and `RateSchedule.finish_s`, which go through the phases one
by one: here they are looked up, for one transfer or for thousands at once.
"""

import math
from bisect import bisect_left, bisect_right
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from cutpoint.simulation.rate_schedule import RateSchedule

Floats = NDArray[np.float64]

_ROUNDING = 1e-12
"""Share of all bytes by which a transfer may miss the begin of an outage: that is rounding."""


class RateCurve:
    """
    A rate schedule, summed up.

    Parameters
    ----------
    schedule
        Of one direction of a link.
    """

    def __init__(self, schedule: RateSchedule) -> None:
        durations_s = [duration_s for duration_s, _ in schedule.phases]
        rates = [rate for _, rate in schedule.phases]
        if not schedule.repeat:
            durations_s[-1] = math.inf
        amounts = [
            0.0 if rate == 0 else duration_s * rate
            for duration_s, rate in zip(durations_s, rates, strict=True)
        ]
        self.has_outages = 0 in rates
        self._rates = rates
        self._starts_s = [0.0, *accumulate(durations_s[:-1])]
        self._carried_bytes = [0.0, *accumulate(amounts)]
        self._is_repeating = schedule.repeat
        self._cycle_s = self._starts_s[-1] + durations_s[-1] if schedule.repeat else math.inf
        self._cycle_bytes = self._carried_bytes[-1]
        self._last_live = max((i for i, rate in enumerate(rates) if rate > 0), default=-1)
        self._arrays = (
            np.array(self._starts_s),
            np.array(self._rates),
            np.array(self._carried_bytes),
        )

    def __repr__(self) -> str:
        return f"<RateCurve: {len(self._rates)} phases>"

    def carried_bytes(self, t_s: float) -> float:
        """Give what a busy link has carried by a time, from time 0."""
        base_bytes, offset_s = 0.0, t_s
        if self._is_repeating:
            cycles = t_s // self._cycle_s
            base_bytes, offset_s = cycles * self._cycle_bytes, t_s - cycles * self._cycle_s
        phase = bisect_right(self._starts_s, offset_s) - 1
        within_s = offset_s - self._starts_s[phase]
        return base_bytes + self._carried_bytes[phase] + self._rates[phase] * within_s

    def time_of(self, carried_bytes: float) -> float:
        """Give the earliest time by which so much was carried; ``math.inf`` if that never is."""
        base_s, left_bytes = 0.0, carried_bytes * (1 - _ROUNDING)
        if left_bytes <= 0:
            return 0.0
        if self._last_live < 0:
            return math.inf
        if self._is_repeating:
            cycles = max(math.ceil(left_bytes / self._cycle_bytes) - 1, 0)
            base_s, left_bytes = cycles * self._cycle_s, left_bytes - cycles * self._cycle_bytes
        elif left_bytes > self._cycle_bytes:
            return math.inf
        phase = bisect_left(self._carried_bytes, left_bytes, 1) - 1
        if phase > self._last_live:
            phase = self._last_live
        within_s = (left_bytes - self._carried_bytes[phase]) / self._rates[phase]
        return base_s + self._starts_s[phase] + within_s

    def finish_s(self, start_s: float, size_bytes: float) -> float:
        """Give when a transfer ends that has the link for itself; as `RateSchedule.finish_s`."""
        if size_bytes <= 0 or start_s == math.inf:
            return start_s
        return max(self.time_of(self.carried_bytes(start_s) + size_bytes), start_s)

    def rate_at(self, t_s: float) -> float:
        """Give the bytes per second at a time."""
        offset_s = t_s % self._cycle_s if self._is_repeating else t_s
        return self._rates[bisect_right(self._starts_s, offset_s) - 1]

    def all_carried_bytes(self, t_s: Floats) -> Floats:
        """Give `carried_bytes` of each time of an array, of its shape."""
        starts_s, rates, carried_bytes = self._arrays
        cycles = np.zeros_like(t_s)
        if self._cycle_s < math.inf:
            cycles = np.floor(t_s / self._cycle_s)
        offset_s = t_s - cycles * (self._cycle_s if self._cycle_s < math.inf else 0.0)
        phases = np.maximum(np.searchsorted(starts_s, offset_s, "right") - 1, 0)
        base_bytes = cycles * (self._cycle_bytes if self._cycle_s < math.inf else 0.0)
        within_bytes = rates[phases] * (offset_s - starts_s[phases])
        summed: Floats = base_bytes + carried_bytes[phases] + within_bytes
        return summed

    def all_finish_s(self, start_s: Floats, size_bytes: Floats) -> Floats:
        """
        Give `finish_s` of each transfer of arrays that broadcast.

        Returns
        -------
        array
            Of the shape they broadcast to; ``inf`` where a transfer never ends.
        """
        start_s, size_bytes = np.broadcast_arrays(start_s, size_bytes)
        never = np.isinf(start_s)
        begun_s = np.where(never, 0.0, start_s)
        found_s = self._all_times_of(self.all_carried_bytes(begun_s) + size_bytes)
        finish_s = np.where(size_bytes > 0, np.maximum(found_s, begun_s), begun_s)
        return np.where(never, np.inf, finish_s)

    def _all_times_of(self, wanted_bytes: Floats) -> Floats:
        starts_s, rates, carried_bytes = self._arrays
        if self._last_live < 0:
            return np.full(wanted_bytes.shape, np.inf)
        left_bytes = wanted_bytes * (1 - _ROUNDING)
        base_s, never = np.zeros_like(left_bytes), left_bytes > self._cycle_bytes
        if self._cycle_s < math.inf:
            cycles = np.maximum(np.ceil(left_bytes / self._cycle_bytes) - 1, 0.0)
            left_bytes = left_bytes - cycles * self._cycle_bytes
            base_s, never = cycles * self._cycle_s, np.zeros_like(never)
        found = np.searchsorted(carried_bytes[1:], left_bytes, "left")
        phases = np.minimum(found, self._last_live)
        with np.errstate(divide="ignore", invalid="ignore"):
            within_s = (left_bytes - carried_bytes[phases]) / rates[phases]
        times_s = np.where(left_bytes > 0, base_s + starts_s[phases] + within_s, base_s)
        return np.where(never, np.inf, times_s)
