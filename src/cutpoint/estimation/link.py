"""What the link is like now, from real transfers and tiny probes."""

from collections import deque
from math import copysign, exp, inf, log
from statistics import median

from cutpoint.estimation.variability import Variability
from cutpoint.records import LinkConditions

_NEWS = 0.03
"""Variance of the logarithm of a rate that is to be reckoned with however steady it was: with it
what says enough moves the belief by 0.6 of the way."""

_TELLING_VARIANCE, _CLOCK_S = 0.02, 5e-4
"""How sure an observation is at best, and how well its time on the link can be told: two threads
and an interpreter are on its way."""

_WAKING_S = 2e-3
"""What the threads on the way of a probe take more than those of an empty one, at most ..."""

_TIMES_JITTER, _MOST_WAKING_S = 2.0, 8e-3
"""... or so many times what round trips vary by: on a busy machine each message is held up."""

_BOUND_VARIANCE, _MOST_RISE = 4.0, log(16.0)
"""While all that was seen took less than a jolt does, the rate may be far higher, and no lower:
but two acknowledgements that were held up come together, which shows no rate at all."""

_JOLT_S = 0.1
_MOST_STEP = log(4.0)
_WITNESS = log(2.0)
"""What takes less than this may have met a jolt, or what was held up by one: at first it counts for
no more than a factor of four, until the next one says the same."""

_HORIZON_S = 0.1
"""Over which a link is foretold: a transfer that is decided on now."""

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

    A recursive weighted fit of its logarithm, so that a rise and a fall by the same factor
    are followed equally fast. An observation counts by how sure it is: by the link time it took
    or should have taken, for tiny ones on a fast link say little. And it counts by how unsure the
    belief has become: the older that is, and the more this link has changed in such a time
    before, the less it holds against what is seen now.

    Attributes
    ----------
    bytes_per_s
        As believed; ``None`` before the first transfer.
    observed_at_s
        When it was observed last.
    variability
        How far it has moved with time so far.
    """

    def __init__(self) -> None:
        self.bytes_per_s: float | None = None
        self.observed_at_s = -inf
        self.variability = Variability()
        self._surprise = 0.0
        self._is_bound = False

    def __repr__(self) -> str:
        return f"<BandwidthEstimate: {self.bytes_per_s} bytes/s>"

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
        age_s, self.observed_at_s = at_s - self.observed_at_s, at_s
        rate = size_bytes / duration_s
        if self.bytes_per_s is None:
            self.bytes_per_s = rate
            self._is_bound = duration_s < _JOLT_S
        else:
            on_link_s = max(size_bytes / self.bytes_per_s, duration_s)
            variance = _TELLING_VARIANCE + (_CLOCK_S / on_link_s) ** 2
            unsure = _NEWS + self.variability.variance(age_s)
            surprise = log(rate / self.bytes_per_s)
            if self._is_bound and surprise > 0:
                unsure += _BOUND_VARIANCE
                surprise = min(surprise, _MOST_RISE)
                self._is_bound = duration_s < _JOLT_S
            else:
                self._is_bound = False
                surprise = self._step(surprise, duration_s)
            self.bytes_per_s *= exp(unsure / (unsure + variance) * surprise)
        self.variability.observe(self.bytes_per_s, at_s)

    def _step(self, surprise: float, duration_s: float) -> float:
        """Give how far an observation is believed to be off: in one step, only so far."""
        before, self._surprise = self._surprise, surprise
        is_witnessed = before * surprise > 0 and abs(before) >= _WITNESS
        if duration_s >= _JOLT_S or is_witnessed or abs(surprise) <= _MOST_STEP:
            return surprise
        return copysign(_MOST_STEP, surprise)

    def confirm(self, at_s: float) -> None:
        """Take note that what is believed still explains what is seen."""
        if self.bytes_per_s is not None:
            self.observed_at_s = at_s
            self.variability.observe(self.bytes_per_s, at_s)

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
        self._median_s: float | None = None
        self._answers_s: deque[float] = deque(maxlen=_NUM_ROUND_TRIPS)
        self._least_down: deque[float] = deque(maxlen=_NUM_ROUND_TRIPS)
        self._late_s = 0.0

    def observe_probe(self, size_bytes: float, duration_s: float, at_s: float) -> None:
        """
        Learn from a small message by how much later than an empty one before it was answered.

        Being woken makes that longer and never shorter: one that is later than believed counts as
        the less late of it and the one before, and by a little is no news, lest probes of a
        kilobyte hold a fast link for a slow one.
        """
        rate = self.up.bytes_per_s
        expected_s = duration_s if rate is None else size_bytes / rate
        before_s, self._late_s = self._late_s, duration_s - expected_s
        late_s = min(self._late_s, max(before_s, 0.0)) if self._late_s > 0 else self._late_s
        if 0 <= late_s < self._waking_s and rate is not None:
            self.up.confirm(at_s)
        else:
            self.up.observe(size_bytes, expected_s + late_s, at_s)

    @property
    def _waking_s(self) -> float:
        """What a probe may be later than an empty one for no doing of the link's."""
        jitter_s = (self.round_trip_s or 0.0) - (self.least_round_trip_s or 0.0)
        return min(max(_WAKING_S, _TIMES_JITTER * jitter_s), _MOST_WAKING_S)

    def observe_answer(self, duration_s: float, size_bytes: float) -> None:
        """
        Learn what an answer takes beside its way: a probe is answered with less ado.

        One that comes in a single piece says no rate, but how much the way down carries at least.

        Parameters
        ----------
        duration_s
            From the end of the server's work to the outputs being here.
        size_bytes
            Of the outputs.
        """
        if duration_s > 0 and size_bytes > 0:
            on_link_s = max(duration_s - (self.least_round_trip_s or 0.0) / 2, _CLOCK_S)
            self._least_down.append(size_bytes / on_link_s)
        round_trip_s, up = self._median_s, self.up.bytes_per_s or self.down.bytes_per_s
        if round_trip_s is not None and up is not None:
            way_s = round_trip_s / 2 + size_bytes / self._down_bytes_per_s(up)
            self._answers_s.append(duration_s - way_s)

    def observe_round_trip(self, duration_s: float) -> None:
        """
        Learn from a tiny message and its answer, the other side's work not included.

        Only answers tell of the way down, and none come while the device computes alone
        because that way is believed to be slow: so the belief fades with each probe.
        """
        if duration_s > 0:
            self._round_trips_s.append(duration_s)
            latest = tuple(self._round_trips_s)  # another thread may forget them meanwhile
            self._median_s = median(latest) if latest else None
            self._doubt_down()
            self._doubt_answer()

    def _doubt_answer(self) -> None:
        """Let what answers took beside their way fade too: it may be why none come any more."""
        latest = tuple(self._answers_s)  # another thread may learn of one meanwhile
        self._answers_s = deque(((1 - _DOUBT) * each for each in latest), self._answers_s.maxlen)

    def _doubt_down(self) -> None:
        up, down = self.up.bytes_per_s, self.down.bytes_per_s
        if up is not None and down is not None and down < up:
            self.down.bytes_per_s = exp((1 - _DOUBT) * log(down) + _DOUBT * log(up))

    def forget(self) -> None:
        """Drop the round trips: the connection is a new one, perhaps over another path."""
        self._round_trips_s.clear()
        self._median_s = None
        self._answers_s.clear()
        self._least_down.clear()

    @property
    def round_trip_s(self) -> float | None:
        """Median of the latest round trips; ``None`` before the first."""
        return self._median_s  # kept, for it is asked for with every decision and every answer

    @property
    def least_round_trip_s(self) -> float | None:
        """Least of the latest round trips: the link without queues."""
        latest = tuple(self._round_trips_s)
        return min(latest) if latest else None

    def conditions(
        self, at_s: float | None = None, most_bytes_per_s: float | None = None
    ) -> LinkConditions | None:
        """
        Give the link as believed now; ``None`` before anything was measured.

        A direction nothing was measured in is taken to be like the other one; the way down
        carries what the latest answers show it to, however slow the way up is meanwhile.

        Parameters
        ----------
        at_s
            Now: the older the belief, the further the link may have moved. ``None`` for a moment
            after the latest observation.
        most_bytes_per_s
            What the way up carries at most, by what is under way now and was not acknowledged;
            see `ProgressMeter.most_bytes_per_s`.
        """
        round_trip_s = self.round_trip_s
        up = self.up.bytes_per_s or self.down.bytes_per_s
        if round_trip_s is None or up is None:
            return None
        down = self._down_bytes_per_s(up)
        if most_bytes_per_s is not None:
            up = min(up, most_bytes_per_s)
        one_way_s = round_trip_s / 2
        return LinkConditions(up, down, one_way_s, one_way_s + self._answer_s, self._spread(at_s))

    def _spread(self, at_s: float | None) -> float:
        """Give how far the way up may have moved: those of its age have, and a transfer's time."""
        age_s = 0.0 if at_s is None else max(at_s - self.up.observed_at_s, 0.0)
        return float(self.up.variability.variance(age_s + _HORIZON_S) ** 0.5)

    def _down_bytes_per_s(self, up_bytes_per_s: float) -> float:
        """Give the rate of the way down, with what the way up does where nothing else is known."""
        return max(self.down.bytes_per_s or up_bytes_per_s, *tuple(self._least_down), 0.0)

    @property
    def _answer_s(self) -> float:
        latest = tuple(self._answers_s)
        if len(latest) < _NUM_TELLING_ANSWERS:
            return 0.0
        return min(max(median(latest), 0.0), _MOST_ANSWER_S)
