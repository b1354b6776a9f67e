"""What is known of one model at one bucket of sizes: the graph, the device, and each server."""

from collections.abc import Callable, Collection, Sequence

from cutpoint.client.decoding import NO_DECODING, Decoding
from cutpoint.client.server_belief import ServerBelief
from cutpoint.client.table_rules import TableRules
from cutpoint.cost import CutTable, HostCosts
from cutpoint.estimation import SlowdownEstimator
from cutpoint.graph import Cut, Graph, Sizes
from cutpoint.graph.size_bucket import Bucket


class ShapeBucket:
    """
    Sizes that are planned alike.

    Parameters
    ----------
    key
        Of the bucket.
    graph
        Bound to sizes of this bucket.
    cuts
        Those this device holds.
    device
        Costs of this device at these sizes.
    bound_at
        Gives the graph bound to other sizes: those a server was measured at.
    rules
        What goes into the tables.
    """

    def __init__(
        self,
        key: Bucket,
        graph: Graph,
        cuts: Sequence[Cut],
        device: HostCosts,
        *,
        bound_at: Callable[[Sizes], Graph],
        rules: TableRules,
    ) -> None:
        self.key = key
        self.graph = graph
        self.device = device
        self.slowdown = SlowdownEstimator()
        self._cuts = cuts
        self._bound_at = bound_at
        self._rules = rules
        self._servers: dict[str, ServerBelief] = {}

    def __repr__(self) -> str:
        return f"<ShapeBucket of {self.graph.name}: {dict(self.graph.sizes)}>"

    @property
    def edition(self) -> object:
        """Another one whenever tables given before are outdated."""
        return self._rules.edition

    def table(
        self,
        costs: HostCosts | None,
        tails: Collection[str],
        server: str = "",
        decoding: Decoding = NO_DECODING,
    ) -> CutTable:
        """
        Give the table of what both hosts hold, at these sizes.

        Parameters
        ----------
        costs, tails
            What the server told of itself, at the sizes it was measured at.
        server
            Its address: what is learnt of one says nothing of another.
        decoding
            What it makes of encoded values.
        """
        return self._at(server).table(costs, tails, decoding)

    def observe_server(self, cut: Cut, idle_s: float, server: str = "") -> None:
        """
        Learn what a tail takes on the idle server at these sizes.

        Parameters
        ----------
        idle_s
            As the server reports it with an answer; 0 where it tells nothing.
        server
            Its address.
        """
        self._at(server).observe(cut, idle_s)

    def _at(self, server: str) -> ServerBelief:
        found = self._servers.get(server)
        if found is None:
            found = self._servers[server] = ServerBelief(
                self.graph,
                self._cuts,
                self.device,
                bound_at=self._bound_at,
                rules=self._rules,
            )
        return found
