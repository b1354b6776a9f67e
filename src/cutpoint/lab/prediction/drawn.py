"""A policy that draws: every kind of row that is about as good as the best has its turn."""

from collections.abc import Sequence

import numpy as np

from cutpoint.cost import CutTable, Prediction, predict
from cutpoint.graph import Cut, Graph, cut_at
from cutpoint.planning import cuts_to_hold, plan_for
from cutpoint.policies import Situation
from cutpoint.policies.policy import alone
from cutpoint.records import RAW, InferenceRecord, Placement, Plan

EVERYWHERE: frozenset[Placement] = frozenset(("device", "server", "split"))
SERVER: frozenset[Placement] = frozenset(("server",))

Kind = str
"""``device``, ``server`` or ``split``, the latter two with ``coded`` where values are encoded."""


class Drawn:
    """
    Take a row by lot among those within a factor of the soonest, kinds of rows first.

    Of each kind as many are taken: there are many more splits than ends.

    Parameters
    ----------
    seed
        Of the lot.
    within
        Times the latency of the soonest row up to which others are taken; 1 for the soonest
        alone.
    more_cuts
        Crossing values of cuts to be held beside the shortlist.
    """

    name = "drawn"
    needs_every_candidate = False

    def __init__(
        self, seed: int, within: float = 2.0, more_cuts: Sequence[Sequence[str]] = ()
    ) -> None:
        self.within = within
        self._more_cuts = tuple(more_cuts)
        self.placements: frozenset[Placement] = EVERYWHERE
        self._rng = np.random.default_rng(seed)

    placements: frozenset[Placement]
    """Where rows that are taken run."""

    def candidates(self, graph: Graph) -> Sequence[Cut]:
        """Give the shortlist of the graph's candidate cuts, and those that were asked for."""
        more = (cut_at(graph, crossing) for crossing in self._more_cuts)
        return tuple(dict.fromkeys((*cuts_to_hold(graph), *more)))

    def decide(self, situation: Situation) -> Plan:
        """Draw."""
        prediction = predict(situation.table, situation.conditions)
        row = self._drawn(situation.table, prediction)
        return alone(plan_for(situation.table, row, prediction, situation.server), situation)

    def observe(self, record: InferenceRecord) -> None:
        """Learn nothing."""

    def _drawn(self, table: CutTable, prediction: Prediction) -> int:
        is_wanted = [cut.placement in self.placements for cut in table.cuts]
        latency_s = np.where(is_wanted, prediction.latency_s, np.inf)
        if not np.isfinite(latency_s).any():
            return 0
        near = np.flatnonzero(latency_s <= self.within * latency_s.min())
        kinds: dict[Kind, list[int]] = {}
        for row in near.tolist():
            kind = kind_of(table.cuts[row].placement, table.codecs[row])
            kinds.setdefault(kind, []).append(row)
        rows = list(kinds.values())[self._rng.integers(len(kinds))]
        return int(rows[self._rng.integers(len(rows))])


def kind_of(placement: str, codec: str) -> Kind:
    """Give the kind of a row."""
    return placement if codec == RAW else f"{placement} coded"
