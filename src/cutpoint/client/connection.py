"""What the session needs of a server, whatever sort of server it is."""

from typing import Protocol

from cutpoint.client.offload import Offload
from cutpoint.cost import HostCosts
from cutpoint.graph import Arrays, Cut
from cutpoint.records import LinkConditions, LoadConditions


class Connection(Protocol):
    """
    A server that can be offloaded to, or the reason why not.

    Implementations own their threads and sockets; every method may be called from
    any thread and none waits for the network, except `wait_until_ready`.
    """

    address: str

    @property
    def unavailable(self) -> str | None:
        """Why the server cannot be used now; ``None`` when it can."""
        ...

    @property
    def costs(self) -> HostCosts | None:
        """What the server's tails take when idle; ``None`` before it told."""
        ...

    @property
    def tails(self) -> frozenset[str]:
        """Ids of the cuts whose tails it holds, ``server-only`` included."""
        ...

    def link(self) -> LinkConditions | None:
        """Give the link as believed now."""
        ...

    def load(self, at_s: float) -> LoadConditions:
        """Give the load as believed at a time."""
        ...

    def offload(self, cut: Cut, values: Arrays, remaining_s: float | None) -> Offload:
        """
        Send the crossing values of a cut; the answer comes as events of the offload.

        Raises
        ------
        TransportError
            If the server cannot be used now.
        """
        ...

    def cancel(self, offload: Offload, at_s: float) -> None:
        """Send no more of a request, and tell the server to drop it."""
        ...

    def wait_until_ready(self, timeout_s: float) -> None:
        """
        Wait until the server can be used.

        Raises
        ------
        CutpointError
            The reason why it cannot, when the time has passed.
        """
        ...

    def close(self) -> None:
        """End every thread and socket."""
        ...
