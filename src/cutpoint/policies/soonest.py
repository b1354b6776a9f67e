"""cutpoint's own policy: the row that answers soonest, changed only for a real gain."""

from collections.abc import Sequence

from cutpoint.cost import UNUSABLE_S, CutTable
from cutpoint.graph import Cut, Graph
from cutpoint.graph.size_bucket import Bucket
from cutpoint.planning import Decider, cuts_to_hold
from cutpoint.policies.policy import Situation, alone
from cutpoint.records import RAW, InferenceRecord, Plan

_MOST_BUCKETS = 64
"""Buckets of sizes whose choices are remembered."""


class Soonest:
    """
    Take the row with the least predicted latency.

    Parameters
    ----------
    least_gain
        Share of the present row's latency another row must save before it is taken.
    votes
        Decisions in a row that must agree on leaving. A present row that cannot be
        used, or takes twice as long as the best, is left at once.
    """

    name = "soonest"
    needs_every_candidate = False
    is_steady = True

    def __init__(self, least_gain: float = 0.05, votes: int = 2) -> None:
        self.least_gain = least_gain
        self.votes = votes
        self._memories: dict[Bucket, _Memory] = {}

    def candidates(self, graph: Graph) -> Sequence[Cut]:
        """Give the shortlist of the graph's candidate cuts."""
        return cuts_to_hold(graph)

    def decide(self, situation: Situation) -> Plan:
        """Give the soonest plan, with hysteresis."""
        memory = self._memory_of(situation.bucket)
        decider = memory.decider_of(situation)
        latency_s = decider.weigh((situation.conditions,))
        row = int(latency_s.argmin())
        present = situation.table.find(*memory.present)
        if present is not None and not self._is_left(
            memory, float(latency_s[present]), float(latency_s[row])
        ):
            row = present
        memory.present = situation.table.cuts[row].id, situation.table.codecs[row]
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

    def _is_left(self, memory: "_Memory", present_s: float, best_s: float) -> bool:
        if present_s >= UNUSABLE_S or present_s > 2 * best_s:
            memory.agreeing = 0
            return True
        if best_s >= (1 - self.least_gain) * present_s:
            memory.agreeing = 0
            return False
        memory.agreeing += 1
        if memory.agreeing < self.votes:
            return False
        memory.agreeing = 0
        return True


class _Memory:
    """What was chosen last, how many decisions speak against it, and the table at hand."""

    def __init__(self) -> None:
        self.present: tuple[str | None, str] = (None, RAW)
        self.agreeing = 0
        self._table: CutTable | None = None
        self._decider: Decider | None = None

    def decider_of(self, situation: Situation) -> Decider:
        """Give the decider of the table, made anew when there is another table or server."""
        table, server = situation.table, situation.server or ""
        if self._decider is None or self._table is not table or self._decider.servers != (server,):
            self._table, self._decider = table, Decider({server: table})
        return self._decider
