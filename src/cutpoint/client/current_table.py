"""The cut table of the moment: what both hosts hold, with the server's latest costs."""

from collections.abc import Collection, Sequence

from cutpoint.cost import CutTable, HostCosts
from cutpoint.graph import Cut, Graph
from cutpoint.planning import compile_table


class CurrentTable:
    """
    Compiles the table anew when the server's costs change, and keeps it until then.

    Parameters
    ----------
    graph, cuts
        The model, and the cuts this device holds.
    device
        Costs of this device.
    may_send_inputs
        Whether server-only may be chosen.
    """

    def __init__(
        self, graph: Graph, cuts: Sequence[Cut], device: HostCosts, *, may_send_inputs: bool
    ) -> None:
        self._graph = graph
        self._cuts = cuts
        self._device = device
        self._may_send_inputs = may_send_inputs
        self._costs: HostCosts | None = None
        self._table: CutTable | None = None

    def given(self, costs: HostCosts | None, tails: Collection[str]) -> CutTable:
        """
        Give the table of what both hosts hold.

        Parameters
        ----------
        costs
            What the server told of itself; ``None`` before it did: its rows are out of
            reach then, whatever they cost.
        tails
            Ids of the cuts whose tails it has.
        """
        if self._table is None or (costs is not None and costs is not self._costs):
            shared = tuple(cut for cut in self._cuts if costs is None or cut.id in tails)
            self._table = compile_table(
                self._graph,
                shared,
                self._device,
                costs or self._device,
                may_send_inputs=self._may_send_inputs,
            )
            self._costs = costs
        return self._table
