"""cutpoint's own policy: the row that answers soonest, changed only for a real gain."""

from collections.abc import Sequence

from cutpoint.cost import UNUSABLE_S, CutTable
from cutpoint.graph import Cut, Graph
from cutpoint.graph.size_bucket import Bucket
from cutpoint.planning import Decider, cuts_to_hold
from cutpoint.policies.per_table import PerTable
from cutpoint.policies.policy import Situation, alone
from cutpoint.records import RAW, InferenceRecord, Plan

_MOST_BUCKETS = 64
"""Buckets of sizes whose choices are remembered."""


class Cutpoint:
    """
    Take the row with the least predicted latency, and stay with it until that costs something.

    To send less is decided at once, to send more has to be earned: where the link turns out slower
    than believed, the row that sends more loses without bound, and the other a little.

    Parameters
    ----------
    least_gain
        Share of the present row's latency that a row which sends no less must save before
        staying counts as a loss at all.
    most_lost
        What staying may have cost, summed over the latest decisions in a row that were losses,
        as a share of an inference. A larger gain than that is taken at once, a small one
        the sooner the larger it is.
    least_relief
        Share that a row which sends less must save; it is then taken at once.

    Notes
    -----
    A present row that cannot be used, or takes twice as long as the best, is left at once
    whatever may be lost.
    """

    name = "cutpoint"
    needs_every_candidate = False
    is_steady = True

    def __init__(
        self, least_gain: float = 0.05, most_lost: float = 0.1, least_relief: float = 0.02
    ) -> None:
        self.least_gain = least_gain
        self.most_lost = most_lost
        self.least_relief = least_relief
        self._memories: dict[Bucket, _Memory] = {}
        self._deciders = PerTable(_decider_of)

    def candidates(self, graph: Graph) -> Sequence[Cut]:
        """Give the shortlist of the graph's candidate cuts."""
        return cuts_to_hold(graph)

    def decide(self, situation: Situation) -> Plan:
        """Give the soonest plan, with hysteresis."""
        memory = self._memory_of(situation.bucket)
        decider = self._deciders.of(situation)
        latency_s = decider.weigh((situation.conditions,))
        row, table = int(latency_s.argmin()), situation.table
        present = table.find(*memory.present)
        if present is not None:
            is_relief = bool(table.up_bytes[row] < table.up_bytes[present])
            present_s, best_s = float(latency_s[present]), float(latency_s[row])
            if not self._is_left(memory, present_s, best_s, is_relief=is_relief):
                row = present
        memory.present = table.cuts[row].id, table.codecs[row]
        return alone(decider.plan(0, row, situation.conditions), situation)

    def observe(self, record: InferenceRecord) -> None:
        """Learn nothing more: what an inference took is in the conditions already."""

    def _memory_of(self, bucket: Bucket) -> "_Memory":
        """Give what was chosen for inputs like this one: another size has another best row."""
        found = self._memories.get(bucket)
        if found is None:
            if len(self._memories) >= _MOST_BUCKETS:
                self._memories.clear()
            found = self._memories[bucket] = _Memory()
        return found

    def _is_left(
        self, memory: "_Memory", present_s: float, best_s: float, *, is_relief: bool
    ) -> bool:
        if present_s >= UNUSABLE_S or present_s > 2 * best_s:
            memory.lost = 0.0
            return True
        least_gain = self.least_relief if is_relief else self.least_gain
        if best_s >= (1 - least_gain) * present_s:
            memory.lost = 0.0
            return False
        memory.lost += 1 - best_s / present_s
        if memory.lost < self.most_lost and not is_relief:
            return False
        memory.lost = 0.0
        return True


class _Memory:
    """What was chosen last, and what it has cost to stay with it."""

    def __init__(self) -> None:
        self.present: tuple[str | None, str] = (None, RAW)
        self.lost = 0.0


def _decider_of(table: CutTable, server: str) -> Decider:
    return Decider({server: table})
