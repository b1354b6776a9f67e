"""What a server that tells no times took of an answer, and what its link did."""

from collections.abc import Callable

from cutpoint.client.offload import Offload
from cutpoint.estimation import Blame, LinkEstimator

Slow = Callable[[float, float, float, float], None]
"""Told of a tail that took long: now, when its request began, what it took, and takes when idle."""


class UntoldTimes:
    """
    Splits late answers of one connection into link and server.

    Parameters
    ----------
    link
        What is believed of the link.
    probe_bytes
        Of one probe.
    on_slow
        Told what is found out of an answer that was late, or that was given up.
    """

    def __init__(self, link: LinkEstimator, probe_bytes: int, on_slow: Slow) -> None:
        self._link = link
        self._on_slow = on_slow
        self._blame = Blame(probe_bytes)
        self._late: Offload | None = None
        self._took_s = 0.0

    @property
    def wants_probe(self) -> bool:
        """Whether the link is to be measured now, though it is not idle."""
        return self._blame.wants_probe

    def tail_s(self, offload: Offload, idle_s: float, at_s: float) -> float | None:
        """Give the server's part of an answer; ``None`` while it is being found out."""
        self._blame.trust(self._link.up.bytes_per_s)
        took_s = at_s - (offload.first_sent_at_s or at_s)
        tail_s = self._split(offload, took_s, idle_s, at_s)
        if tail_s is None:
            self._late, self._took_s = offload, took_s
        return tail_s

    def given_up(self, offload: Offload, at_s: float) -> None:
        """Take note that no answer was waited for any longer: it took so long at least."""
        tail_s = self.tail_s(offload, offload.expected_idle_s, at_s)
        if tail_s is not None:
            self._tell(offload, tail_s, at_s)

    def probed(self, bytes_per_s: float, at_s: float) -> None:
        """Take what the link was just measured to carry: a late answer is split by it then."""
        self._blame.probed(bytes_per_s, at_s)
        late, self._late = self._late, None
        if late is not None:
            tail_s = self._split(late, self._took_s, late.expected_idle_s, at_s)
            if tail_s is not None:
                self._tell(late, tail_s, at_s)

    def _split(self, offload: Offload, took_s: float, idle_s: float, at_s: float) -> float | None:
        size_bytes = offload.request.chunker.size_bytes
        round_trip_s = self._link.round_trip_s or 0.0
        return self._blame.answered(took_s, size_bytes, round_trip_s, idle_s, at_s)

    def _tell(self, offload: Offload, tail_s: float, at_s: float) -> None:
        idle_s = offload.expected_idle_s
        if tail_s > idle_s > 0:
            self._on_slow(at_s, offload.first_sent_at_s or at_s, tail_s, idle_s)
