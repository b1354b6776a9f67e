"""What of an answer's time was whose, at a server that is not ours."""

from cutpoint.client.foreign_load import ForeignLoad
from cutpoint.client.offload import Offload
from cutpoint.client.untold_times import UntoldTimes
from cutpoint.estimation import LinkEstimator

_LEAST_S = 1e-4


class PlainTimes:
    """
    Splits what answers took into wait, tail and link, and teaches the link its part.

    Parameters
    ----------
    link
        What is believed of the link.
    load
        What the server's statistics say, where it has any.
    untold
        What is found out where it has none.
    """

    def __init__(self, link: LinkEstimator, load: ForeignLoad, untold: UntoldTimes) -> None:
        self._link = link
        self._load = load
        self._untold = untold

    def not_on_link_s(self, offload: Offload, at_s: float) -> float:
        """Give the server's time where it varies with the input: what the link does not explain."""
        took_s = at_s - (offload.first_sent_at_s or at_s)
        link = self._link.conditions()
        if link is None:
            return max(took_s, _LEAST_S)
        upload_s = offload.request.chunker.size_bytes / link.bandwidth_up_bytes_per_s
        return max(took_s - link.round_trip_s - upload_s, _LEAST_S)

    def learned(self, offload: Offload, idle_s: float, at_s: float) -> tuple[float, float]:
        """Give wait and tail, and learn of the link what is left, unless neither is known."""
        if self._load.told(at_s) is not None:
            wait_s, tail_s = self._server_s(offload, idle_s, at_s)
        else:
            untold_s = self._untold.tail_s(offload, idle_s, at_s)
            if untold_s is None:
                return 0.0, idle_s
            wait_s, tail_s = 0.0, untold_s
        self._learn(offload, wait_s, tail_s, at_s)
        return wait_s, tail_s

    def _server_s(self, offload: Offload, idle_s: float, at_s: float) -> tuple[float, float]:
        """Give wait and tail as the server's statistics say, no more than the answer took."""
        load = self._load.told(at_s)
        if load is None or not idle_s:
            return 0.0, idle_s
        wait_s, tail_s = load.wait_s or 0.0, idle_s * (load.slowdown or 1.0)
        away_s = at_s - (offload.first_sent_at_s or at_s) - (self._link.round_trip_s or 0.0)
        share = min(max(away_s, idle_s) / (wait_s + tail_s), 1.0)
        return wait_s * share, tail_s * share

    def _learn(self, offload: Offload, wait_s: float, tail_s: float, at_s: float) -> None:
        """Learn of the link what the server does not explain, where that is more than its load."""
        took_s = at_s - (offload.first_sent_at_s or at_s)
        on_link_s = took_s - wait_s - tail_s - (self._link.round_trip_s or 0.0)
        load_s = wait_s + abs(tail_s - offload.idle_s)  # a mean of many, and a little old
        if tail_s and (on_link_s >= load_s or not load_s):
            self._link.up.observe(offload.request.chunker.size_bytes, max(on_link_s, _LEAST_S))
