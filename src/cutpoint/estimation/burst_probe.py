"""LoADPart's measure of the link: a burst of about one second, and the mean of the latest."""

from collections import deque
from math import trunc

from cutpoint.estimation.probing_link import ProbeTimer, is_telling, symmetric
from cutpoint.records import LinkConditions, ProbeRequest, ProbeSample
from cutpoint.units import mbit_per_s

_STEP_BYTES = 128 * 1024
"""Per Mbit/s of the mean: about one second of traffic."""

_FIRST_BYTES = _MOST_BYTES = 1024 * 1024


class BurstProbe:
    """
    Rate of a link by bursts: bytes of each over its whole time, and the mean of the latest.

    Parameters
    ----------
    every_s
        Between the begins of two bursts; none begins while one is under way.
    window
        Bursts of which the mean is taken.

    Notes
    -----
    Of the code of the multi-user successor of H. Liu, W. Zheng, L. Li and M. Guo, "LoADPart:
    Load-Aware Dynamic Partition of Deep Neural Networks for Edge Offloading", ICDCS 2022
    (``MeasureBandWidth``): 1 MiB first, then ``max(trunc(mean in Mbit/s), 1)`` times 128 KiB, at
    most 1 MiB; the rate is the bytes over the wall time of the call, round trip and handling
    inside; a first-in-first-out window and its arithmetic mean. Period and window are options
    there whose values are not known; these are ours. A reconstruction as far as the paper goes:
    its own text was not at hand. It is heavy, as published: a burst fills a slow link for a
    second.
    """

    def __init__(self, every_s: float = 1.0, window: int = 8) -> None:
        self._timer = ProbeTimer(every_s)
        self._latest: deque[float] = deque(maxlen=window)

    def __repr__(self) -> str:
        return f"<BurstProbe: {self.bandwidth_bytes_per_s} bytes/s>"

    @property
    def bandwidth_bytes_per_s(self) -> float | None:
        """Mean of the latest bursts; ``None`` before the first."""
        return sum(self._latest) / len(self._latest) if self._latest else None

    def next_probe(self, at_s: float) -> ProbeRequest | None:
        """Give a burst, where it is time for one."""
        return ProbeRequest((self._size_bytes(),)) if self._timer.is_due(at_s) else None

    def sensed(self, sample: ProbeSample) -> None:
        """Learn from a burst."""
        if sample.size_bytes > 0 and is_telling(sample.size_bytes, sample.duration_s):
            self._latest.append(sample.size_bytes / sample.duration_s)

    def transferred(self, size_bytes: float, duration_s: float, at_s: float) -> None:
        """Learn nothing: a thread of its own measures, whatever else is sent."""

    def conditions(self) -> LinkConditions | None:
        """Give the link: one rate, round trips inside it."""
        return symmetric(self.bandwidth_bytes_per_s)

    def _size_bytes(self) -> int:
        mean = self.bandwidth_bytes_per_s
        if mean is None:
            return _FIRST_BYTES
        return min(max(trunc(mbit_per_s(mean)), 1) * _STEP_BYTES, _MOST_BYTES)
