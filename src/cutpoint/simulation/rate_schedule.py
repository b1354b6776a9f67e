"""The rate of an emulated link over time, and when a transfer over it ends.

Pure: time is an argument, counted in seconds from when the link was started.
"""

import math
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, count


@dataclass(frozen=True)
class RateSchedule:
    """
    How many bytes per second a link carries, over time.

    Parameters
    ----------
    phases
        Pairs ``(duration_s, bandwidth_bytes_per_s)``, in order, the first one
        from time 0. A bandwidth of 0 is an outage. Unless ``repeat``, the
        last phase lasts for ever, whatever its duration (``math.inf`` is fine).
    repeat
        Whether the phases begin anew after the last one.

    Raises
    ------
    ValueError
        If there is no phase, a duration is not above 0, or a bandwidth is
        negative or not finite.

    Examples
    --------
    >>> step = RateSchedule(phases=((1.0, 1000.0), (1.0, 4000.0)))
    >>> step.finish_s(0.5, 2500)
    1.5
    """

    phases: tuple[tuple[float, float], ...]
    repeat: bool = False

    def __post_init__(self) -> None:
        if not self.phases:
            raise ValueError("phases must have at least one (duration_s, bandwidth_bytes_per_s)")
        for phase_idx, (duration_s, bandwidth_bytes_per_s) in enumerate(self.phases):
            is_last = phase_idx == len(self.phases) - 1
            longest_s = math.inf if is_last and not self.repeat else math.nextafter(math.inf, 0)
            if not 0 < duration_s <= longest_s:
                raise ValueError(
                    f"phase {phase_idx}: duration_s must be above 0 and finite (infinite only in "
                    f"the last phase of a schedule that does not repeat), got {duration_s}"
                )
            if not 0 <= bandwidth_bytes_per_s < math.inf:
                raise ValueError(
                    f"phase {phase_idx}: bandwidth_bytes_per_s must be at least 0 and finite, "
                    f"got {bandwidth_bytes_per_s}"
                )

    @classmethod
    def constant(cls, bandwidth_bytes_per_s: float) -> "RateSchedule":
        """One rate for ever; raises ValueError like the class itself."""
        return cls(phases=((math.inf, bandwidth_bytes_per_s),))

    def bandwidth_at(self, t_s: float) -> float:
        """Bytes per second at ``t_s``; a phase includes its first instant, not its last."""
        _, phase_idx = self._position(t_s)
        return self.phases[phase_idx][1]

    def sent_bytes(self, start_s: float, end_s: float) -> float:
        """
        Bytes the link carries from ``start_s`` to ``end_s``, if it is kept busy.

        Raises
        ------
        ValueError
            If ``start_s`` is negative, or ``end_s`` is before it or not finite.
        """
        if not start_s <= end_s < math.inf:
            raise ValueError(f"end_s must be finite and at least {start_s} (start_s), got {end_s}")
        total_bytes, at_s = 0.0, start_s
        if self.repeat:
            num_cycles = math.floor((end_s - start_s) / self._cycle_s)
            total_bytes = num_cycles * self._cycle_bytes
            at_s = min(start_s + num_cycles * self._cycle_s, end_s)
        for span_end_s, bandwidth_bytes_per_s in self._spans(at_s):
            until_s = min(span_end_s, end_s)
            total_bytes += bandwidth_bytes_per_s * (until_s - at_s)
            at_s = until_s
            if span_end_s >= end_s:
                break
        return total_bytes

    def finish_s(self, start_s: float, size_bytes: float) -> float:
        """
        When the last byte leaves, if ``size_bytes`` start at ``start_s`` and nothing is ahead.

        Returns
        -------
        float
            Seconds on the schedule's own time line; ``math.inf`` if the
            schedule ends in an outage that the transfer does not outrun.

        Raises
        ------
        ValueError
            If ``start_s`` or ``size_bytes`` is negative.

        Notes
        -----
        O(phases), however often the schedule repeats: whole cycles are skipped.
        """
        if size_bytes < 0:
            raise ValueError(f"size_bytes must be at least 0, got {size_bytes}")
        if size_bytes == 0:
            return start_s
        at_s, left_bytes = start_s, float(size_bytes)
        if self.repeat:
            if self._cycle_bytes == 0:
                return math.inf
            # One cycle less than fits, so that the end is the earliest one: an outage may follow.
            num_cycles = max(math.ceil(left_bytes / self._cycle_bytes) - 1, 0)
            at_s += num_cycles * self._cycle_s
            left_bytes = max(left_bytes - num_cycles * self._cycle_bytes, 0.0)
        for span_end_s, bandwidth_bytes_per_s in self._spans(at_s):
            if bandwidth_bytes_per_s > 0:
                span_bytes = bandwidth_bytes_per_s * (span_end_s - at_s)
                if left_bytes <= span_bytes:
                    return at_s + left_bytes / bandwidth_bytes_per_s
                left_bytes -= span_bytes
            at_s = span_end_s
        return math.inf

    @cached_property
    def _cycle_s(self) -> float:
        return math.fsum(duration_s for duration_s, _ in self.phases)

    @cached_property
    def _cycle_bytes(self) -> float:
        return math.fsum(duration_s * bandwidth for duration_s, bandwidth in self.phases)

    @cached_property
    def _phase_ends_s(self) -> tuple[float, ...]:
        ends_s = list(accumulate(duration_s for duration_s, _ in self.phases))
        ends_s[-1] = self._cycle_s if self.repeat else math.inf
        return tuple(ends_s)

    def _position(self, t_s: float) -> tuple[float, int]:
        """Start of the cycle that holds ``t_s``, and the phase there."""
        if not 0 <= t_s < math.inf:
            raise ValueError(f"the time must be at least 0 and finite, got {t_s}")
        offset_s = math.fmod(t_s, self._cycle_s) if self.repeat else t_s
        phase_idx = min(bisect_right(self._phase_ends_s, offset_s), len(self.phases) - 1)
        return t_s - offset_s, phase_idx

    def _spans(self, start_s: float) -> Iterator[tuple[float, float]]:
        """Yield end and rate of the rest of the phase at ``start_s``, then of those after it."""
        cycle_start_s, first_idx = self._position(start_s)
        for phase_idx in count(first_idx):
            num_cycles, idx = divmod(phase_idx, len(self.phases))
            if num_cycles and not self.repeat:
                return
            base_s = cycle_start_s + (num_cycles * self._cycle_s if num_cycles else 0.0)
            # Rounding may put the end of a phase just before its own start.
            yield max(base_s + self._phase_ends_s[idx], start_s), self.phases[idx][1]
