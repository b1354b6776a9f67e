"""Uploads under way in an exact run: each acknowledgement is heard when it comes."""

from collections.abc import Iterator, Sequence
from heapq import heappop, heappush
from math import inf

from cutpoint.estimation import ProgressMeter
from cutpoint.simulation.learner import Learner

_AHEAD_S = 0.04
"""Link time under way beyond the round trip, as the client's outbox lets leave."""


class Flights:
    """
    The uploads of inferences that are under way side by side, each alone in its world.

    Parameters
    ----------
    learner
        Whose estimate of the way up hears of them.

    Notes
    -----
    A client has one link, over which its uploads take turns, and one meter for it. Inferences of
    an exact run do not meet, so here each has a meter of its own.
    """

    def __init__(self, learner: Learner) -> None:
        self._learner = learner
        self._coming: list[tuple[float, int, ProgressMeter, int]] = []
        self._meters: list[ProgressMeter] = []
        self._num = 0

    def __repr__(self) -> str:
        return f"<Flights: {len(self._meters)} uploads under way>"

    def begin(self, at_s: float, size_bytes: float, until_s: float = inf) -> None:
        """
        Begin an upload.

        Parameters
        ----------
        until_s
            When it is called off: what has not left by then never does.
        """
        meter = ProgressMeter(self._learner.link.up)
        self._meters.append(meter)
        come = self._learner.acknowledgements(at_s, size_bytes)
        for acknowledged_s, piece_bytes in self._that_left(come, until_s):
            meter.sent(piece_bytes, at_s)
            self._num += 1
            heappush(self._coming, (acknowledged_s, self._num, meter, piece_bytes))

    def _that_left(
        self, come: Sequence[tuple[float, int]], until_s: float
    ) -> Iterator[tuple[float, int]]:
        """Give the pieces that were acknowledged by a time, and those under way then."""
        link = self._learner.link
        most_bytes = (link.up.bytes_per_s or 0.0) * ((link.round_trip_s or 0.0) + _AHEAD_S)
        under_way_bytes = 0
        for acknowledged_s, piece_bytes in come:
            if acknowledged_s > until_s:
                if under_way_bytes and under_way_bytes + piece_bytes > most_bytes:
                    return
                under_way_bytes += piece_bytes
            yield acknowledged_s, piece_bytes

    def until(self, now_s: float) -> Iterator[float]:
        """Hear the acknowledgements that come until now, in order; gives when each came."""
        while self._coming and self._coming[0][0] <= now_s:
            at_s, _, meter, piece_bytes = heappop(self._coming)
            meter.acknowledged(piece_bytes, at_s, self._learner.link.least_round_trip_s)
            yield at_s

    def most_bytes_per_s(self, now_s: float) -> float | None:
        """Give what the way up carries at most, by the uploads that are under way now."""
        self._meters = [meter for meter in self._meters if meter.under_way_bytes]
        round_trip_s = self._learner.link.round_trip_s or 0.0
        bounds = (meter.most_bytes_per_s(now_s, round_trip_s) for meter in self._meters)
        return min((bound for bound in bounds if bound is not None), default=None)
