"""What is known of one server at one bucket of sizes: its costs, and the table with them."""

from collections.abc import Callable, Collection, Sequence
from math import exp, log

from cutpoint.client.current_table import CurrentTable
from cutpoint.client.decoding import NO_DECODING, Decoding
from cutpoint.client.table_rules import TableRules
from cutpoint.cost import CutTable, HostCosts, scaled_costs
from cutpoint.graph import Cut, Graph, Sizes

_WEIGHT = 0.5
_WORTH_A_TABLE = 0.1
"""Change of the server's believed times, relative, that is worth compiling the table anew."""

_BOUND = 20.0
"""One report moves the belief by no more than a factor of this."""


class ServerBelief:
    """
    What one server's tails are believed to take, at sizes it need not have measured.

    Parameters
    ----------
    graph
        Bound to sizes of the bucket.
    cuts
        Those this device holds.
    device
        Costs of this device at these sizes.
    bound_at
        Gives the graph bound to other sizes: those a server was measured at.
    rules
        What goes into the table.
    """

    def __init__(
        self,
        graph: Graph,
        cuts: Sequence[Cut],
        device: HostCosts,
        *,
        bound_at: Callable[[Sizes], Graph],
        rules: TableRules,
    ) -> None:
        self._graph = graph
        self._cuts = cuts
        self._table = CurrentTable(graph, cuts, device, rules)
        self._bound_at = bound_at
        self._told: HostCosts | None = None
        self._is_stale = False
        self._server: HostCosts | None = None
        self._log_ratio = 0.0
        self._used_log_ratio = 0.0

    def __repr__(self) -> str:
        return f"<ServerBelief of {self._graph.name}: {dict(self._graph.sizes)}>"

    def table(
        self, costs: HostCosts | None, tails: Collection[str], decoding: Decoding = NO_DECODING
    ) -> CutTable:
        """Give the table of what both hosts hold; see `ShapeBucket.table`."""
        ours = None if costs is None else self._at_our_sizes(costs)
        return self._table.given(ours, tails, decoding)

    def observe(self, cut: Cut, idle_s: float) -> None:
        """Learn what a tail takes on the idle server; see `ShapeBucket.observe_server`."""
        server = self._server
        believed_s = 0.0 if server is None else server.tail_s.get(cut.id, 0.0)
        if not self._graph.sizes or idle_s <= 0 or believed_s <= 0:
            return
        error = min(max(log(idle_s / believed_s), -log(_BOUND)), log(_BOUND))
        self._log_ratio = self._used_log_ratio + _WEIGHT * error
        if abs(self._log_ratio - self._used_log_ratio) > _WORTH_A_TABLE * _WEIGHT:
            self._is_stale = True  # the next decision compiles the table with it

    def _at_our_sizes(self, costs: HostCosts) -> HostCosts:
        if costs is not self._told or self._is_stale or self._server is None:
            if self._told is not None and self._told.whole_s != costs.whole_s:
                self._log_ratio = 0.0  # another server, or measured anew: nothing is learnt of it
            self._told, self._is_stale = costs, False
            self._used_log_ratio = self._log_ratio
            self._server = self._scaled(costs)
        return self._server

    def _scaled(self, costs: HostCosts) -> HostCosts:
        if not self._graph.sizes:
            return costs
        at_server = self._graph
        if costs.sizes and dict(costs.sizes) != dict(self._graph.sizes):
            at_server = self._bound_at(costs.sizes)
        ours = scaled_costs(costs, at_server, self._graph, self._cuts)
        return ours.times(exp(self._used_log_ratio))
