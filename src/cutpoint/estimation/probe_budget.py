"""How large the probes of an idle link are, and how far apart: what they may cost is bounded."""

from math import inf

IDLE_BYTES_PER_S = 2000.0
"""What watching over an idle server may cost, all bytes of both directions that TCP carries."""

_LINK_S = 0.002
"""The larger of the two probes is to take about this long ..."""

_LEAST_BYTES, _FIRST_BYTES, _MOST_BYTES = 256, 1024, 1024
"""... within these bounds, and the second where nothing is known of the rate: smaller ones more
often find out sooner what has changed than larger ones tell more of it."""

_RECHECK_EVERY, _MOST_RECHECK_BYTES = 4, 8 * 1024
"""One probe in so many is larger where the small ones are too quick to tell how fast a link is."""

_LEAST_LARGE_BYTES, _MOST_LARGE_BYTES = 2 * 1024, 32 * 1024

PAIR_BYTES = 450
"""Of both probes and their acknowledgements beside the larger one's payload, the server's word on
its load and gRPC's own pings included."""

_SAVED_BYTES_PER_S = 0.8 * IDLE_BYTES_PER_S
"""The rest of what watching may cost is for health checks on a connection of their own."""

_MOST_SAVED_BYTES = 6 * _SAVED_BYTES_PER_S
_LEAST_PAUSE_S = 0.2
"""However much was saved."""


_CHECK_EVERY_S, _CHECK_BYTES = 2.0, 800
"""Health checks of a server that is heard, and twice what one takes there and back."""


def probe_bytes(bytes_per_s: float | None, *, is_large: bool = False) -> int:
    """
    Give the payload of the larger probe.

    Parameters
    ----------
    bytes_per_s
        Rate as believed; ``None`` where nothing is.
    is_large
        For the few that measure a connection which is new or in doubt: ten times as telling.
    """
    if is_large:
        wanted_bytes = 10 * _LINK_S * (bytes_per_s or 0.0)
        return int(min(max(wanted_bytes, _LEAST_LARGE_BYTES), _MOST_LARGE_BYTES))
    if bytes_per_s is None:
        return _FIRST_BYTES
    return int(min(max(bytes_per_s * _LINK_S, _LEAST_BYTES), _MOST_BYTES))


class ProbeBudget:
    """
    How soon an idle link may be probed again.

    What is not spent while requests are under way is saved, up to some seconds' worth: a link that
    was just left alone because it collapsed is looked at most often, for that is when it is
    most likely to come back.
    """

    def __init__(self) -> None:
        self._saved_bytes = 0.0
        self._at_s: float | None = None
        self._num = 0

    def __repr__(self) -> str:
        return f"<ProbeBudget: {self._saved_bytes:.0f} bytes at {self._at_s} s>"

    def payload_bytes(self, bytes_per_s: float | None) -> int:
        """Give the payload of the next probe's larger message."""
        if bytes_per_s is None or self._num % _RECHECK_EVERY != _RECHECK_EVERY - 1:
            return probe_bytes(bytes_per_s)
        wanted_bytes = min(int(bytes_per_s * _LINK_S), _MOST_RECHECK_BYTES)
        return max(wanted_bytes, probe_bytes(bytes_per_s))

    def next_s(self, used_s: float, bytes_per_s: float | None) -> float:
        """
        Give from when on a link may be probed.

        Parameters
        ----------
        used_s
            When anything crossed it last.
        bytes_per_s
            As believed.
        """
        if self._at_s is None:
            self._at_s = used_s
        missing_bytes = PAIR_BYTES + self.payload_bytes(bytes_per_s) - self._saved_bytes
        return max(used_s + _LEAST_PAUSE_S, self._at_s + missing_bytes / _SAVED_BYTES_PER_S)

    def spend(self, at_s: float, bytes_per_s: float | None) -> None:
        """Take note of a probe."""
        since_s = 0.0 if self._at_s is None else max(at_s - self._at_s, 0.0)
        saved = min(self._saved_bytes + since_s * _SAVED_BYTES_PER_S, _MOST_SAVED_BYTES)
        self._saved_bytes = saved - PAIR_BYTES - self.payload_bytes(bytes_per_s)
        self._at_s = at_s
        self._num += 1


def check_pause_s(bytes_per_s: float | None) -> float:
    """
    Give how long a server that is heard needs no health check.

    Of what a slow link carries checks take no more than a hundredth.
    """
    rate = inf if bytes_per_s is None else bytes_per_s
    return max(_CHECK_EVERY_S, 100 * _CHECK_BYTES / rate)
