"""How requests reach one server: as frames to a peer, or whole to any other."""

from typing import Protocol

from cutpoint.client.decoding import Decoding
from cutpoint.client.offload import Offload
from cutpoint.cost import HostCosts
from cutpoint.records import ProbeRequest


class Transport(Protocol):
    """
    An open connection to a server that is ready.

    It ends once and for good: what was under way fails, and `ended` says why.
    """

    costs: HostCosts
    tails: frozenset[str]
    decoding: Decoding
    takes_pieces: bool
    """Whether a request may begin to leave before all of it is encoded."""

    last_heard_s: float
    """When anything came from the server last, on the session's clock."""

    @property
    def waits_since_s(self) -> float | None:
        """Since when something under way was not heard of; ``None`` while nothing is."""
        ...

    @property
    def ended(self) -> str | None:
        """Why the connection is over; ``None`` while it is open."""
        ...

    def send(self, offload: Offload) -> None:
        """Begin to send a request; failures come as events of the offload."""
        ...

    def more(self, offload: Offload) -> None:
        """Take note that more of a request is encoded."""
        ...

    def cancel(self, offload: Offload, at_s: float, *, is_late: bool = True) -> None:
        """
        Drop a request here and at the server.

        Parameters
        ----------
        is_late
            Whether its answer is overdue, which tells something; else nobody waits for it any more.
        """
        ...

    def remaining_s(self, offload: Offload, at_s: float) -> float | None:
        """Give what is left of an upload at the rate now seen, at least, if that can be told."""
        ...

    def most_bytes_per_s(self, at_s: float) -> float | None:
        """Give what the way up carries at most by what is under way, if that can be told."""
        ...

    def probe(self) -> None:
        """Measure the link, if nothing was sent for a while."""
        ...

    def measure(self) -> None:
        """Measure the link now: what comes back is a sign of life."""
        ...

    def probe_for(self, request: ProbeRequest) -> None:
        """Send the probes that a policy asks for, one after the other."""
        ...

    def is_probing(self) -> bool:
        """Tell whether those of an earlier request are under way."""
        ...

    def close(self, reason: str) -> None:
        """End it."""
        ...
