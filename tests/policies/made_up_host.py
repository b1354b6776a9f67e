"""Hosts that take other times than the table says, and what a session learns of them."""

from dataclasses import dataclass, field, replace

from cutpoint.cost import CutTable, predict
from cutpoint.estimation import LoadEstimator, SlowdownEstimator
from cutpoint.policies import Policy, Situation
from cutpoint.records import (
    DEVICE,
    Conditions,
    InferenceRecord,
    LegRun,
    LinkConditions,
    LoadConditions,
    Plan,
)

LINK = LinkConditions(1e6, 1e6, 0.005, 0.005)
SERVER = "edge:8001"


@dataclass
class MadeUpHosts:
    """
    A device and a server whose true times are a table's, on a policy that is told another one.

    Parameters
    ----------
    believed, true
        What the policy decides on, and what happens.
    learns
        Whether the session's own estimators of both hosts learn, as a client's do.
    link
        Told and true.
    """

    believed: CutTable
    true: CutTable
    learns: bool = False
    link: LinkConditions = LINK
    at_s: float = 0.0
    load: LoadEstimator = field(default_factory=LoadEstimator)
    slowdown: SlowdownEstimator = field(default_factory=SlowdownEstimator)

    def conditions(self) -> Conditions:
        """Give what the session believes now."""
        if not self.learns:
            return Conditions(self.link)
        return Conditions(
            self.link, self.load.conditions(self.at_s), self.slowdown.factor(self.at_s)
        )

    def rows(self, policy: Policy, num: int, pause_s: float = 0.0) -> list[int]:
        """Give the rows that a policy takes, one inference after the other."""
        return [self.run(policy, pause_s)[0] for _ in range(num)]

    def run(self, policy: Policy, pause_s: float = 0.0) -> tuple[int, InferenceRecord]:
        """Carry out one inference, and let policy and session learn from it."""
        conditions = self.conditions()
        plan = policy.decide(Situation(self.at_s, self.believed, conditions, SERVER))
        row = self.believed.find(plan.cut, plan.codec)
        assert row is not None
        record = self._record(plan, row, conditions)
        self.at_s += record.latency_s + pause_s
        if plan.server is not None:
            idle_s = float(self.believed.tail_s[row])
            self.load.observe(0.0, record.measured.tail_s, idle_s, self.at_s)
        self.slowdown.observe(record.measured.head_s, float(self.believed.head_s[row]), self.at_s)
        policy.observe(record)
        return row, record

    def _record(self, plan: Plan, row: int, conditions: Conditions) -> InferenceRecord:
        measured = predict(self.true, Conditions(self.link, LoadConditions())).parts(row)
        host = DEVICE if plan.server is None else plan.server
        return InferenceRecord(
            request=1,
            at_s=self.at_s,
            planned=plan.placement,
            placement=plan.placement,
            cut=plan.cut,
            crossing=plan.crossing,
            server=plan.server,
            predicted=plan.predicted,
            measured=measured,
            legs=(LegRun(host, "whole", measured.tail_s or measured.head_s),),
            sent_bytes=round(self.true.up_bytes[row]),
            received_bytes=round(self.true.down_bytes[row]),
            fallback_reason=None,
            conditions=conditions,
            attempts=0 if plan.server is None else 1,
            codecs=plan.legs[0].codecs,
        )


def times(table: CutTable, column: str, row: int, factor: float) -> CutTable:
    """Give a table of which one time is multiplied."""
    changed = getattr(table, column).copy()
    changed[row] *= factor
    return replace(table, **{column: changed})
