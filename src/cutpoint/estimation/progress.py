"""The rate of a link, read off the acknowledgements of what is under way."""

from collections import deque
from math import ceil, inf, log2

from cutpoint.estimation.link import BandwidthEstimate

_SPAN_S = 0.02
"""Acknowledgements are taken together until they span this: one alone is mostly noise."""

_LEAST_ON_LINK_S = 2e-4
"""Below this a single message's time on the link cannot be told from the round trip."""

_STRETCH_S = 0.06
"""What the link does now is read off stretches of this length, of twice and of four times it:
shorter ones show its jitter, longer ones a link so slow that pieces come singly."""

_IDLE_S = 0.3
"""After so long without a word TCP begins anew, with a window of `_FIRST_WINDOW_BYTES`."""

_FIRST_WINDOW_BYTES = 10 * 1460
_MOST_ROUNDS = 4
"""Round trips that opening the window is believed to take at most; it doubles with each."""

_NUM_GAPS, _NUM_ODD = 200, 3
_TIMES_GAP = 2
"""Where acknowledgements have paused for longer before, stretches are twice as long as they have:
a link that loses packets is silent now and then. The longest pauses of all count for nothing,
lest a collapse be taken for a habit."""


class ProgressMeter:
    """
    Turns sends and acknowledgements of one direction into observed rates.

    The spacing of acknowledgements does not contain the round trip, so rate and
    delay stay apart. What is sent after idle begins a new busy period, whose first
    acknowledgement only marks its begin. After a longer silence TCP opens its window anew:
    in as many round trips as that takes, pauses between acknowledgements are its doing and not
    the link's, and do not count.

    Parameters
    ----------
    estimate
        Told each observed rate.
    """

    def __init__(self, estimate: BandwidthEstimate) -> None:
        self._estimate = estimate
        self._under_way_bytes = 0
        self._began_at_s = 0.0
        self._mark_at_s: float | None = None
        self._since_mark_bytes = 0
        self._busy_s = 0.0
        self._last_at_s = -inf
        self._opening_s = inf
        self._sent: deque[tuple[float, int]] = deque()
        self._passed: deque[tuple[float, int]] = deque()
        self._gaps_s: deque[float] = deque(maxlen=_NUM_GAPS)
        self._is_observed = False

    @property
    def under_way_bytes(self) -> int:
        """Bytes sent and not yet acknowledged."""
        return self._under_way_bytes

    def sent(self, size_bytes: int, at_s: float) -> None:
        """Note that bytes were handed to the link."""
        if self._under_way_bytes == 0:
            self._began_at_s = at_s
            self._mark_at_s = None
            self._is_observed = False
            self._opening_s = inf if at_s - self._last_at_s > _IDLE_S else 0.0
            self._sent.clear()
            self._passed.clear()
        self._under_way_bytes += size_bytes
        self._sent.append((at_s, size_bytes))

    def acknowledged(self, size_bytes: int, at_s: float, round_trip_s: float | None) -> None:
        """
        Note that bytes have reached the other side.

        Parameters
        ----------
        round_trip_s
            Of an empty message, as believed now. A piece sent that long before its turn
            was not waited for by the link: where little may be under way on a long
            link, most of the time between acknowledgements is the link's idling.
        """
        self._under_way_bytes = max(self._under_way_bytes - size_bytes, 0)
        is_over = self._under_way_bytes == 0
        sent_at_s = self._sent.popleft()[0] if self._sent else at_s
        self._pass(size_bytes, at_s)
        last_at_s, self._last_at_s = self._last_at_s, at_s
        if self._mark_at_s is None:
            self._restart(at_s)
            if is_over:
                self._observe_single(size_bytes, at_s, round_trip_s)
            return
        self._since_mark_bytes += size_bytes
        begun_at_s = max(last_at_s, min(sent_at_s + (round_trip_s or 0.0), at_s))
        took_s = at_s - begun_at_s
        self._busy_s += took_s - self._waited_for_window_s(size_bytes, took_s, round_trip_s or 0.0)
        is_enough = self._busy_s >= _SPAN_S or self._estimate.bytes_per_s is None
        if is_enough or (is_over and not self._is_observed):
            self._estimate.observe(self._since_mark_bytes, self._busy_s, at_s)
            self._is_observed = True
            self._restart(at_s)

    def dropped(self) -> None:
        """Forget what is under way: the connection is gone."""
        self._under_way_bytes = 0

    def stalled(self, at_s: float) -> None:
        """
        Learn from silence.

        Pieces arrive in order: no more has passed than was acknowledged and the oldest
        piece under way. A short silence is weighed against what passed before it: it may
        be a jolt, and if it is more, the next acknowledgements will tell.
        """
        if self._under_way_bytes:
            heard_s = at_s - self._began_at_s
            silent_s = heard_s if self._mark_at_s is None else at_s - self._last_at_s
            span_s = min(max(silent_s, 4 * self._stretch_s()), heard_s)
            if span_s > 0:
                most_bytes = self._most_over(span_s, at_s) * span_s
                self._estimate.observe_at_most(most_bytes, span_s, at_s)

    def most_bytes_per_s(self, at_s: float, round_trip_s: float) -> float | None:
        """
        Give what the link has carried at most over the latest stretch.

        Needs no new acknowledgement: their absence brings it down. So a link that has
        collapsed is noticed before the first piece is through.

        Parameters
        ----------
        round_trip_s
            Of an empty message: nothing can have been heard of the first piece before.

        Returns
        -------
        float or None
            ``None`` while nothing is under way, or for too short a time.
        """
        if self._under_way_bytes == 0:
            return None
        heard_from_s = self._began_at_s + round_trip_s
        stretch_s = self._stretch_s()
        if at_s - heard_from_s < stretch_s:
            return None
        silent_s = at_s - max(self._last_at_s, heard_from_s)
        spans_s = (stretch_s, 2 * stretch_s, 4 * stretch_s, max(silent_s, stretch_s))
        return min(self._most_over(min(span_s, at_s - heard_from_s), at_s) for span_s in spans_s)

    @property
    def _oldest_bytes(self) -> int:
        return self._sent[0][1] if self._sent else 0

    def _stretch_s(self) -> float:
        """Give how long a stretch must be to show more than the link's habits."""
        gaps_s = sorted(self._gaps_s)[:-_NUM_ODD]
        return max(_STRETCH_S, _TIMES_GAP * gaps_s[-1] if gaps_s else 0.0)

    def _most_over(self, span_s: float, at_s: float) -> float:
        """Give what has passed at most in the latest stretch of this length, per second."""
        passed_bytes = sum(
            size_bytes for passed_at_s, size_bytes in self._passed if passed_at_s > at_s - span_s
        )
        return (passed_bytes + self._oldest_bytes) / span_s

    def _pass(self, size_bytes: int, at_s: float) -> None:
        if self._passed:
            self._gaps_s.append(at_s - self._passed[-1][0])
        self._passed.append((at_s, size_bytes))
        if self._passed[0][0] >= at_s - 4 * _STRETCH_S:
            return  # so much is always kept; to look for the longest pause takes its time
        longest_s = 4 * max(_STRETCH_S, _TIMES_GAP * max(self._gaps_s, default=0.0))
        while self._passed[0][0] < at_s - longest_s:
            self._passed.popleft()

    def _waited_for_window_s(self, size_bytes: int, took_s: float, round_trip_s: float) -> float:
        """Give how much of a piece's time TCP's window explains; it is used up by that."""
        rate = self._estimate.bytes_per_s
        if self._opening_s <= 0 or rate is None:
            return 0.0
        if self._opening_s == inf:
            opened_bytes = max(rate * round_trip_s, _FIRST_WINDOW_BYTES)
            rounds = ceil(log2(opened_bytes / _FIRST_WINDOW_BYTES))
            self._opening_s = min(rounds, _MOST_ROUNDS) * round_trip_s
        waited_s = min(max(took_s - size_bytes / rate, 0.0), self._opening_s)
        self._opening_s -= waited_s
        return waited_s

    def _restart(self, at_s: float) -> None:
        self._mark_at_s = at_s
        self._since_mark_bytes = 0
        self._busy_s = 0.0

    def _observe_single(self, size_bytes: int, at_s: float, round_trip_s: float | None) -> None:
        on_link_s = at_s - self._began_at_s - (round_trip_s or 0.0)
        self._estimate.observe(size_bytes, max(on_link_s, _LEAST_ON_LINK_S), at_s)
