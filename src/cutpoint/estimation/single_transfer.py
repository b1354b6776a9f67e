"""Neurosurgeon's measure of the link: one transfer of the size of an input, the latest counts."""

from cutpoint.estimation.probing_link import ProbeTimer, is_telling, symmetric
from cutpoint.records import LinkConditions, ProbeRequest, ProbeSample

INPUT_BYTES = 224 * 224 * 3 * 4
"""A float32 picture as its nets take it."""


class SingleTransfer:
    """
    Rate of a link by its latest transfer, a real one or a probe of the size of an input.

    Parameters
    ----------
    size_bytes
        Of a probe.
    every_s
        A probe is sent where nothing was transferred for so long.

    Notes
    -----
    Y. Kang et al., "Neurosurgeon: Collaborative Intelligence Between the Cloud and Mobile Edge",
    ASPLOS 2017, takes the present bandwidth for given. A reconstruction: how it was measured is not
    known; public re-implementations send one probe of the size of the input before each job, and
    take its bytes over its time, round trip inside, unsmoothed.
    """

    def __init__(self, size_bytes: int = INPUT_BYTES, every_s: float = 1.0) -> None:
        self._size_bytes = size_bytes
        self._timer = ProbeTimer(every_s)
        self.bandwidth_bytes_per_s: float | None = None

    def __repr__(self) -> str:
        return f"<SingleTransfer: {self.bandwidth_bytes_per_s} bytes/s>"

    def next_probe(self, at_s: float) -> ProbeRequest | None:
        """Give a probe, where nothing was transferred for a while."""
        return ProbeRequest((self._size_bytes,)) if self._timer.is_due(at_s) else None

    def sensed(self, sample: ProbeSample) -> None:
        """Learn from a probe."""
        self.transferred(sample.size_bytes, sample.duration_s, sample.at_s)

    def transferred(self, size_bytes: float, duration_s: float, at_s: float) -> None:
        """Learn from a real transfer."""
        if size_bytes > 0 and is_telling(size_bytes, duration_s):
            self.bandwidth_bytes_per_s = size_bytes / duration_s
            self._timer.put_off(at_s)

    def conditions(self) -> LinkConditions | None:
        """Give the link: one rate, round trips inside it."""
        return symmetric(self.bandwidth_bytes_per_s)
