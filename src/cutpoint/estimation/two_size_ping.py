"""DADS's measure of the link: two pings of different sizes."""

from cutpoint.estimation.probing_link import ProbeTimer, is_telling, symmetric
from cutpoint.records import LinkConditions, ProbeRequest, ProbeSample


class TwoSizePing:
    """
    Rate of a link by two pings: the difference of sizes over that of response times.

    Parameters
    ----------
    small_bytes, large_bytes
        Payloads of the two.
    every_s
        Between two pairs.

    Notes
    -----
    C. Hu, W. Bao, D. Wang and F. Liu, "Dynamic Adaptive DNN Surgery for Inference Acceleration on
    the Edge", INFOCOM 2019, section II-C: ``B = Δsize / Δresponse time``, "as in DASH". Its section
    IV names another tool for the same; sizes and period are not given and are ours. A real ping
    carries its payload back as well; these are acknowledged in a few bytes, so that the way up
    alone is measured. As published, nothing is smoothed: a pair whose larger ping was not the
    slower one says nothing.
    """

    def __init__(
        self, small_bytes: int = 1024, large_bytes: int = 16 * 1024, every_s: float = 1.0
    ) -> None:
        if not 0 <= small_bytes < large_bytes:
            raise ValueError(f"sizes of {small_bytes} and {large_bytes} bytes: the latter is more")
        self._sizes = (small_bytes, large_bytes)
        self._timer = ProbeTimer(every_s)
        self._small_s: float | None = None
        self.bandwidth_bytes_per_s: float | None = None

    def __repr__(self) -> str:
        return f"<TwoSizePing: {self.bandwidth_bytes_per_s} bytes/s>"

    def next_probe(self, at_s: float) -> ProbeRequest | None:
        """Give the two pings, where it is time for them."""
        if not self._timer.is_due(at_s):
            return None
        self._small_s = None
        return ProbeRequest(self._sizes)

    def sensed(self, sample: ProbeSample) -> None:
        """Learn from a ping; the larger one of a pair gives the rate."""
        if not is_telling(sample.size_bytes, sample.duration_s):
            return
        small_bytes, large_bytes = self._sizes
        if sample.size_bytes == small_bytes:
            self._small_s = sample.duration_s
        elif sample.size_bytes == large_bytes and self._small_s is not None:
            longer_s, self._small_s = sample.duration_s - self._small_s, None
            if longer_s > 0:
                # Section II-C: B = (difference of sizes) / (difference of response times).
                self.bandwidth_bytes_per_s = (large_bytes - small_bytes) / longer_s

    def transferred(self, size_bytes: float, duration_s: float, at_s: float) -> None:
        """Learn nothing: the paper's monitor pings, whatever else is sent."""

    def conditions(self) -> LinkConditions | None:
        """Give the link: one rate and no fixed time, as in the paper's model."""
        return symmetric(self.bandwidth_bytes_per_s)
