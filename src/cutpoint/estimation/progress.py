"""The rate of a link, read off the acknowledgements of what is under way."""

from collections import deque

from cutpoint.estimation.link import BandwidthEstimate

_SPAN_S = 0.02
"""Acknowledgements are taken together until they span this: one alone is mostly noise."""

_LEAST_ON_LINK_S = 2e-4
"""Below this a single message's time on the link cannot be told from the round trip."""


class ProgressMeter:
    """
    Turns sends and acknowledgements of one direction into observed rates.

    The spacing of acknowledgements does not contain the round trip, so rate and
    delay stay apart. What is sent after idle begins a new busy period, whose first
    acknowledgement only marks its begin.

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
        self._last_at_s = 0.0
        self._sent_at_s: deque[float] = deque()
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
            self._sent_at_s.clear()
        self._under_way_bytes += size_bytes
        self._sent_at_s.append(at_s)

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
        sent_at_s = self._sent_at_s.popleft() if self._sent_at_s else at_s
        last_at_s, self._last_at_s = self._last_at_s, at_s
        if self._mark_at_s is None:
            self._restart(at_s)
            if is_over:
                self._observe_single(size_bytes, at_s, round_trip_s)
            return
        self._since_mark_bytes += size_bytes
        begun_at_s = max(last_at_s, min(sent_at_s + (round_trip_s or 0.0), at_s))
        self._busy_s += at_s - begun_at_s
        is_enough = self._busy_s >= _SPAN_S or self._estimate.bytes_per_s is None
        if is_enough or (is_over and not self._is_observed):
            self._estimate.observe(self._since_mark_bytes, self._busy_s, at_s)
            self._is_observed = True
            self._restart(at_s)

    def dropped(self) -> None:
        """Forget what is under way: the connection is gone."""
        self._under_way_bytes = 0

    def stalled(self, at_s: float) -> None:
        """Learn from silence: what is under way has taken at least this long."""
        since_s, size_bytes = self._began_at_s, self._under_way_bytes
        if self._mark_at_s is not None:
            since_s, size_bytes = self._mark_at_s, size_bytes + self._since_mark_bytes
        if self._under_way_bytes:
            self._estimate.observe_at_most(size_bytes, at_s - since_s, at_s)

    def _restart(self, at_s: float) -> None:
        self._mark_at_s = at_s
        self._since_mark_bytes = 0
        self._busy_s = 0.0

    def _observe_single(self, size_bytes: int, at_s: float, round_trip_s: float | None) -> None:
        on_link_s = at_s - self._began_at_s - (round_trip_s or 0.0)
        self._estimate.observe(size_bytes, max(on_link_s, _LEAST_ON_LINK_S), at_s)
