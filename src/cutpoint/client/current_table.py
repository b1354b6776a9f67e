"""The cut table of the moment: what both hosts hold, with the server's latest costs."""

from collections.abc import Collection, Sequence

from cutpoint.client.decoding import NO_DECODING, Decoding
from cutpoint.client.table_rules import TableRules
from cutpoint.cost import CutTable, HostCosts
from cutpoint.graph import Cut, Graph
from cutpoint.planning import compile_table


class CurrentTable:
    """
    Compiles the table anew when the server's costs or the rules change, and keeps it until then.

    Parameters
    ----------
    graph, cuts
        The model, and the cuts this device holds.
    device
        Costs of this device.
    rules
        What goes into the table.
    """

    def __init__(
        self, graph: Graph, cuts: Sequence[Cut], device: HostCosts, rules: TableRules
    ) -> None:
        self._graph = graph
        self._cuts = cuts
        self._device = device
        self._rules = rules
        self._edition: object = None
        self._costs: HostCosts | None = None
        self._told: tuple[Collection[str], Decoding] = ((), NO_DECODING)
        self._table: CutTable | None = None

    def given(
        self, costs: HostCosts | None, tails: Collection[str], decoding: Decoding = NO_DECODING
    ) -> CutTable:
        """
        Give the table of what both hosts hold.

        Parameters
        ----------
        costs
            What the server told of itself; ``None`` before it did: its rows are out of
            reach then, whatever they cost. What else it tells comes with other costs.
        tails
            Ids of the cuts whose tails it has.
        decoding
            What it makes of encoded values.
        """
        edition = self._rules.edition  # before it is looked at what is struck now
        is_news = costs is not None and costs is not self._costs
        if is_news:
            self._costs, self._told = costs, (tails, decoding)
        if self._table is None or is_news or edition is not self._edition:
            self._table = self._compiled()
            self._edition = edition
        return self._table

    def _compiled(self) -> CutTable:
        costs, (tails, decoding), rules = self._costs, self._told, self._rules
        return compile_table(
            self._graph,
            tuple(cut for cut in self._cuts if costs is None or cut.id in tails),
            self._device,
            costs or self._device,
            may_send_inputs=rules.may_send_inputs,
            codings=(
                ()
                if costs is None
                else rules.codings(self._graph, decoding.speeds, decoding.codecs)
            ),
            is_struck=lambda cut, codec: (
                (cut, codec) in decoding.lacks or rules.is_struck(cut, codec)
            ),
            keeps_dominated=rules.keeps_dominated,
        )
