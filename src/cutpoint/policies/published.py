"""A published scheme as a policy: the row that is best by the objective of its paper."""

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cutpoint.cost import CutTable, Setting
from cutpoint.graph import Cut, Graph
from cutpoint.planning import Decider, graph_cuts, shortlist
from cutpoint.policies.per_table import PerTable
from cutpoint.policies.policy import Situation, alone
from cutpoint.records import RAW, Conditions, InferenceRecord, Plan


class Published:
    """
    Take the row with the least latency as the scheme's paper counts it.

    A scheme is a subclass with a name, the terms of the objective that it counts, and the cuts
    that it looks at. What it believes of link and load is what every policy is told, unless it has
    estimators of its own (`SensingScheme`); values travel raw, for none of these papers encodes
    them. A plan's predicted parts are those of the whole objective by what the session believes,
    terms the paper leaves out included: they are what the client waits by and what the record
    compares with.

    Of equal rows the one with most on the device is taken. Nothing is remembered, for none of
    these papers has hysteresis.

    Attributes
    ----------
    name
        By which it is chosen and reported.
    setting
        Terms that count.
    """

    name: ClassVar[str]
    setting: ClassVar[Setting]
    needs_every_candidate = False
    is_steady = True

    def __init__(self) -> None:
        self._ready = PerTable(self._prepare)

    def candidates(self, graph: Graph) -> Sequence[Cut]:
        """Give the shortlist of the cuts that the scheme looks at."""
        return shortlist(graph, self.cuts_of(graph))

    def cuts_of(self, graph: Graph) -> Sequence[Cut]:
        """Give the graph's cuts that the scheme looks at; all that may be worth it by default."""
        return graph_cuts(graph)

    def may_take(self, cut: Cut) -> bool:
        """Tell whether the scheme looks at a cut of a table; at any by default."""
        del cut
        return True

    def decide(self, situation: Situation) -> Plan:
        """Give the plan of its best row."""
        ready, conditions = self._ready.of(situation), situation.conditions
        believed = self.believed(situation) if conditions.is_server_usable else conditions
        worth = ready.scheme.weigh((self.setting.seen(believed),))[ready.rows]
        row = int(ready.rows[self._best(worth, ready, believed, situation)])
        return alone(ready.decider.plan(0, row, conditions), situation)

    def believed(self, situation: Situation) -> Conditions:
        """Give what it believes where the server can be used: what it is told by default."""
        return situation.conditions

    def seen_table(self, table: CutTable) -> CutTable:
        """Give the table with the times that it goes by: those of the table by default."""
        return table

    def observe(self, record: InferenceRecord) -> None:
        """Learn nothing by default."""

    def _best(
        self,
        worth: NDArray[np.float64],
        ready: "Ready",
        believed: Conditions,
        situation: Situation,
    ) -> int:
        """Give the place of the row to take, among those that it looks at."""
        del ready, believed, situation
        # argmin takes the first of equals: the one with most on the device.
        return int(worth.argmin())

    def _prepare(self, table: CutTable, server: str) -> "Ready":
        rows = [
            row
            for row, (cut, codec) in enumerate(zip(table.cuts, table.codecs, strict=True))
            if codec == RAW and (cut.placement != "split" or self.may_take(cut))
        ]
        rows.sort(key=lambda row: -table.cuts[row].head.bit_count())
        decider, seen = Decider({server: table}), self.seen_table(table)
        scheme = decider if seen is table else Decider({server: seen})
        return Ready(decider, scheme, seen, np.array(rows, np.intp))


class Ready(NamedTuple):
    """
    A table as a scheme sees it.

    Parameters
    ----------
    decider, scheme
        Of the table, which plans are made of; and of the times that the scheme goes by.
    table
        With the times that the scheme goes by.
    rows
        Those that it looks at, the ones with most on the device first.
    """

    decider: Decider
    scheme: Decider
    table: CutTable
    rows: NDArray[np.intp]
