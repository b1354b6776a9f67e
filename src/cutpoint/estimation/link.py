"""What the link is like now, from real transfers and tiny probes."""

from collections import deque
from math import exp, log
from statistics import median

from cutpoint.records import LinkConditions

_FULL_WEIGHT = 0.6
"""How far a transfer that says enough moves the estimate."""

_TELLING_S = 0.02
"""Link time (believed or measured) from which a transfer says enough."""

_NUM_ROUND_TRIPS = 9

_NUM_TELLING_ANSWERS = 3
"""The median of fewer is whatever one of them met by chance."""

_MOST_ANSWER_S = 0.003
"""Most that an answer is believed to take beside round trip and bytes: what is more is not the
work of either end on it, but a rate that was mistaken."""

_DOUBT = 0.1
"""Share of the way to the other direction's rate that each round trip leads a slower one."""


class BandwidthEstimate:
    """
    Sustained rate of one direction.

    A moving average of the logarithm, so that a rise and a fall by the same factor
    are followed equally fast. A transfer counts by the link time it took or should
    have taken: tiny ones on a fast link say little.
    """

    def __init__(self) -> None:
        self.bytes_per_s: float | None = None
        self.observed_at_s = float("-inf")

    def observe(self, size_bytes: float, duration_s: float, at_s: float = 0.0) -> None:
        """
        Learn from a transfer.

        Parameters
        ----------
        size_bytes
            Bytes that passed the bottleneck ...
        duration_s
            ... in this time, the fixed time of a message not included.
        at_s
            When it was over: tells how old the belief is.
        """
        if size_bytes <= 0 or duration_s <= 0:
            return
        self.observed_at_s = at_s
        rate = size_bytes / duration_s
        if self.bytes_per_s is None:
            self.bytes_per_s = rate
            return
        expected_s = size_bytes / self.bytes_per_s
        weight = _FULL_WEIGHT * min(1.0, max(expected_s, duration_s) / _TELLING_S)
        self.bytes_per_s = exp((1 - weight) * log(self.bytes_per_s) + weight * log(rate))

    def observe_at_most(self, size_bytes: float, duration_s: float, at_s: float = 0.0) -> None:
        """Learn that bytes have *not* passed in this time: the rate is at most their ratio."""
        if duration_s <= 0 or size_bytes <= 0:
            return
        if self.bytes_per_s is None or size_bytes / duration_s < self.bytes_per_s:
            self.observe(size_bytes, duration_s, at_s)


class LinkEstimator:
    """
    The link to one server as believed now.

    Notes
    -----
    Simple on purpose: rate and round trip are taken apart by construction (rates
    from the spacing of acknowledgements, round trips from tiny messages).
    """

    def __init__(self) -> None:
        self.up = BandwidthEstimate()
        self.down = BandwidthEstimate()
        self._round_trips_s: deque[float] = deque(maxlen=_NUM_ROUND_TRIPS)
        self._answers_s: deque[float] = deque(maxlen=_NUM_ROUND_TRIPS)

    def observe_answer(self, duration_s: float, size_bytes: float) -> None:
        """
        Learn what an answer takes beside its way: a probe is answered with less ado.

        Parameters
        ----------
        duration_s
            From the end of the server's work to the outputs being here.
        size_bytes
            Of the outputs.
        """
        link = self.conditions()
        if link is not None:
            way_s = self._half_round_trip_s + size_bytes / link.bandwidth_down_bytes_per_s
            self._answers_s.append(duration_s - way_s)

    def observe_round_trip(self, duration_s: float) -> None:
        """
        Learn from a tiny message and its answer, the other side's work not included.

        Only answers tell of the way down, and none come while the device computes alone
        because that way is believed to be slow: so the belief fades with each probe.
        """
        if duration_s > 0:
            self._round_trips_s.append(duration_s)
            self._doubt_down()
            self._doubt_answer()

    def _doubt_answer(self) -> None:
        """Let what answers took beside their way fade too: it may be why none come any more."""
        for index, answer_s in enumerate(self._answers_s):
            self._answers_s[index] = (1 - _DOUBT) * answer_s

    def _doubt_down(self) -> None:
        up, down = self.up.bytes_per_s, self.down.bytes_per_s
        if up is not None and down is not None and down < up:
            self.down.bytes_per_s = exp((1 - _DOUBT) * log(down) + _DOUBT * log(up))

    def forget(self) -> None:
        """Drop the round trips: the connection is a new one, perhaps over another path."""
        self._round_trips_s.clear()
        self._answers_s.clear()

    @property
    def round_trip_s(self) -> float | None:
        """Median of the latest round trips; ``None`` before the first."""
        latest = tuple(self._round_trips_s)  # another thread may forget them meanwhile
        return median(latest) if latest else None

    @property
    def least_round_trip_s(self) -> float | None:
        """Least of the latest round trips: the link without queues."""
        latest = tuple(self._round_trips_s)
        return min(latest) if latest else None

    def conditions(self) -> LinkConditions | None:
        """
        Give the link as believed now; ``None`` before anything was measured.

        A direction nothing was measured in is taken to be like the other one.
        """
        round_trip_s = self.round_trip_s
        up = self.up.bytes_per_s or self.down.bytes_per_s
        if round_trip_s is None or up is None:
            return None
        down = self.down.bytes_per_s or up
        return LinkConditions(up, down, round_trip_s / 2, round_trip_s / 2 + self._answer_s)

    @property
    def _half_round_trip_s(self) -> float:
        return (self.round_trip_s or 0.0) / 2

    @property
    def _answer_s(self) -> float:
        latest = tuple(self._answers_s)
        if len(latest) < _NUM_TELLING_ANSWERS:
            return 0.0
        return min(max(median(latest), 0.0), _MOST_ANSWER_S)
