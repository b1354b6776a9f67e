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
from cutpoint.records import RAW, InferenceRecord, Plan


class Published:
    """
    Take the row with the least latency as the scheme's paper counts it.

    A scheme is a subclass with a name, the terms of the objective that it counts, and the cuts
    that it looks at. Its objective alone is its own: what it believes of link and load is what
    every policy is told, and values travel raw, for none of these papers encodes them. A plan's
    predicted parts are those of the whole objective, terms the paper leaves out included: they
    are what the client waits by and what the record compares with.

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
        ready = self._ready.of(situation)
        latency_s = ready.decider.weigh((self.setting.seen(situation.conditions),))
        row = int(ready.rows[latency_s[ready.rows].argmin()])
        return alone(ready.decider.plan(0, row, situation.conditions), situation)

    def observe(self, record: InferenceRecord) -> None:
        """Learn nothing: estimators are not the policy's."""

    def _prepare(self, table: CutTable, server: str) -> "_Ready":
        rows = [
            row
            for row, (cut, codec) in enumerate(zip(table.cuts, table.codecs, strict=True))
            if codec == RAW and (cut.placement != "split" or self.may_take(cut))
        ]
        # argmin takes the first of equals: the one with most on the device.
        rows.sort(key=lambda row: -table.cuts[row].head.bit_count())
        return _Ready(Decider({server: table}), np.array(rows, np.intp))


class _Ready(NamedTuple):
    """A table as a scheme sees it: its rows, those with most on the device first."""

    decider: Decider
    rows: NDArray[np.intp]
