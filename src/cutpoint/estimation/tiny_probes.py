"""DIAMOND's measure of the link, reconstructed: two tiny probes, and every real transfer."""

import numpy as np
from numpy.typing import NDArray

from cutpoint.estimation.probing_link import ProbeTimer, is_telling, symmetric
from cutpoint.records import LinkConditions, ProbeRequest, ProbeSample

_MOST_VARIANCE = 1e4
"""Of both terms at first, and at most, beside a sample's of 1: as good as unknown."""

_LEAST_SHARE = 1e-4
"""A rate by which a large probe takes less than this share of the fixed time is none."""


class TinyProbes:
    """
    Fixed time and rate of a link, fitted recursively to tiny probes and real transfers.

    Parameters
    ----------
    small_bytes, large_bytes
        Payloads of the two probes.
    idle_s
        They are sent where nothing was transferred for so long.
    forgetting
        Weight that a sample keeps with each one that follows.

    Notes
    -----
    J. Ahn, Y. Lee, J. Ahn and J. Ko, "Server load and network-aware adaptive deep learning
    inference offloading for edge platforms", Internet of Things 21 (2023) 100644. A
    reconstruction: that the profiling is light, and run by the client, is said; sizes of
    probes, formula and period are not known, and are ours. ``T = a + s/B`` by recursive least
    squares with exponential forgetting.
    """

    def __init__(
        self,
        small_bytes: int = 1024,
        large_bytes: int = 16 * 1024,
        idle_s: float = 0.5,
        forgetting: float = 0.9,
    ) -> None:
        if not 0 <= small_bytes < large_bytes or not 0 < forgetting <= 1:
            raise ValueError(
                f"probes of {small_bytes} and {large_bytes} bytes, forgetting {forgetting}: "
                "the second is larger, and forgetting above 0 and at most 1"
            )
        self._sizes = (small_bytes, large_bytes)
        self._forgetting = forgetting
        self._timer = ProbeTimer(idle_s)
        self._fitted: NDArray[np.float64] = np.zeros(2)
        self._covariance: NDArray[np.float64] | None = None
        self._first_bytes: float | None = None
        self._is_told_apart = False
        self._believed: tuple[float, float] | None = None

    def __repr__(self) -> str:
        return f"<TinyProbes: {self.bandwidth_bytes_per_s} bytes/s after {self.message_s} s>"

    @property
    def bandwidth_bytes_per_s(self) -> float | None:
        """Rate as fitted; ``None`` before both sizes were seen."""
        return None if self._believed is None else self._believed[1]

    @property
    def message_s(self) -> float | None:
        """Fixed time of a message and its answer, the ``a``; ``None`` before the first fit."""
        return None if self._believed is None else self._believed[0]

    def next_probe(self, at_s: float) -> ProbeRequest | None:
        """Give the two probes, where nothing was transferred for a while."""
        return ProbeRequest(self._sizes) if self._timer.is_due(at_s) else None

    def sensed(self, sample: ProbeSample) -> None:
        """Learn from a probe."""
        self._fit(sample.size_bytes, sample.duration_s)

    def transferred(self, size_bytes: float, duration_s: float, at_s: float) -> None:
        """Learn from a real transfer, for which nothing had to be sent."""
        if is_telling(size_bytes, duration_s):
            self._timer.put_off(at_s)
            self._fit(size_bytes, duration_s)

    def conditions(self) -> LinkConditions | None:
        """Give the link: rate, and half of the fixed time each way."""
        if self._believed is None:
            return None
        message_s, bandwidth_bytes_per_s = self._believed
        return symmetric(bandwidth_bytes_per_s, message_s)

    def _fit(self, size_bytes: float, duration_s: float) -> None:
        """Take a step of recursive least squares, ``T = a + c·s``."""
        if not is_telling(size_bytes, duration_s):
            return
        large_bytes = self._sizes[1]
        if self._first_bytes is None or self._covariance is None:
            self._first_bytes = size_bytes
            self._covariance = _MOST_VARIANCE * np.eye(2)
        self._is_told_apart |= size_bytes != self._first_bytes
        row = np.array([1.0, size_bytes / large_bytes])
        shared = self._covariance @ row
        gain = shared / (self._forgetting + row @ shared)
        self._fitted = self._fitted + gain * (duration_s - row @ self._fitted)
        self._covariance = (self._covariance - np.outer(gain, shared)) / self._forgetting
        # However long one size alone was seen: what cannot be told apart is not forgotten for ever.
        self._covariance *= min(1.0, _MOST_VARIANCE / float(np.trace(self._covariance)))
        self._keep_possible(size_bytes / large_bytes)
        if self._is_told_apart:
            message_s, large_s = (float(each) for each in self._fitted)
            self._believed = message_s, large_bytes / large_s

    def _keep_possible(self, size: float) -> None:
        """
        Replace a fit in which either term is negative.

        The sample's size alone cannot tell which of the two has changed: both do by the same
        factor, from what was believed before.

        Parameters
        ----------
        size
            Of the sample, in large probes.
        """
        message_s, large_s = (float(each) for each in self._fitted)
        if message_s >= 0 and large_s > _LEAST_SHARE * message_s:
            return
        took_s = max(message_s + size * large_s, 1e-9)
        before_s = np.array([1.0, 1.0])
        if self._believed is not None:
            before_s = np.array([self._believed[0], self._sizes[1] / self._believed[1]])
        self._fitted = before_s * (took_s / float(before_s @ np.array([1.0, size])))
