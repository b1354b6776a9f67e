"""Where one inference goes: the server it is planned for, and another one if that fails."""

from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

from cutpoint.client.file_bucket import AnyBucket
from cutpoint.client.offload import Offload
from cutpoint.client.server_connection import ServerConnection
from cutpoint.client.servers import Servers
from cutpoint.cost import CutTable, HostCosts, Prediction, predict
from cutpoint.exceptions import CutpointError
from cutpoint.graph import Cut
from cutpoint.inference import patience_s
from cutpoint.planning import LATENCY, Objective
from cutpoint.policies import Hedge, Hedging, Policy, Situation
from cutpoint.records import Conditions, Parts, Plan

_STEADY_S = 0.1
"""A decision is as good as new for so long: what is believed changes more slowly."""

_ALIKE = 0.01
"""Deadlines that differ by no more of themselves ask for the same decision."""

_MOST_DECISIONS = 2
"""A server may become unusable between the decision and the admission: decided anew, once."""


@dataclass(frozen=True)
class Decision:
    """
    A plan, and the grounds for it.

    Parameters
    ----------
    at_s
        When it was made.
    bucket
        Sizes it was made for.
    server
        In view; the plan may do without it.
    costs, tails
        What the server held.
    edition
        Of the rules that the table was compiled by.
    conditions
        What was believed.
    table
        What was decided among.
    plan
        What was decided.
    deadline_s
        It was decided for, where that counts; ``None`` for none.
    """

    at_s: float
    bucket: AnyBucket
    server: ServerConnection
    costs: HostCosts | None
    tails: frozenset[str]
    edition: object
    conditions: Conditions
    table: CutTable
    plan: Plan
    deadline_s: float | None

    def holds(self, server: ServerConnection, bucket: AnyBucket, deadline_s: float | None) -> bool:
        """Tell whether its grounds are those of now, but for figures that change slowly."""
        return (
            _is_alike(deadline_s, self.deadline_s)
            and server is self.server
            and bucket is self.bucket
            and server.costs is self.costs
            and server.tails is self.tails
            and bucket.edition is self.edition
            and self.conditions.link is not None
            and self.conditions.unavailable == server.unavailable
        )


class Dispatch:
    """
    The way of one inference among the servers.

    Parameters
    ----------
    servers
        Of the session.
    bucket
        What is known of the model at these sizes.
    policy
        Decides.
    clock
        Gives the session's time in seconds.
    lock
        Guards the policy and the bucket; not held across a run.
    deadline_s
        Wanted latency, from now on.
    previous
        The dispatch before this one. Where it was decided a moment ago, and neither the server
        nor what it holds has changed, a policy that looks at conditions alone is not asked again:
        its answer would be the same, and asking costs as much as a millisecond's computing.
    objective
        What is to be small.
    hedge
        When the device is to compute on after sending.
    hedging
        Says so of each plan.
    """

    def __init__(
        self,
        servers: Servers,
        bucket: AnyBucket,
        policy: Policy,
        *,
        clock: Callable[[], float],
        lock: Lock,
        deadline_s: float | None,
        previous: "Dispatch | None" = None,
        objective: Objective = LATENCY,
        hedge: Hedge = "off",
        hedging: Hedging | None = None,
    ) -> None:
        self.at_s = clock()
        self._servers = servers
        self._bucket = bucket
        self._policy = policy
        self._clock = clock
        self._lock = lock
        self._deadline_s = deadline_s
        self._objective = objective
        self._hedge = hedge
        self._hedging = hedging or Hedging()
        self._admissions: list[tuple[ServerConnection, int]] = []
        if previous is not None and self._takes_over(previous):
            return
        with lock:
            self._decide()

    def __repr__(self) -> str:
        return f"<Dispatch to {self.plan.server or 'the device'}>"

    decision: Decision
    """What was decided, and on what grounds."""

    @property
    def plan(self) -> Plan:
        """What was decided."""
        return self.decision.plan

    @property
    def conditions(self) -> Conditions:
        """What was believed when deciding."""
        return self.decision.conditions

    @property
    def table(self) -> CutTable:
        """What was decided among."""
        return self.decision.table

    @property
    def server(self) -> ServerConnection | None:
        """The server of the plan; ``None`` for a device-only one."""
        return None if self.plan.server is None else self._servers.at(self.plan.server)

    @property
    def cut(self) -> Cut:
        """The cut of the plan."""
        return self.table.cuts[self._row]

    @property
    def rest_s(self) -> float:
        """What lies behind the cut takes on this device, as it is now."""
        return float(self.table.rest_s[self._row]) * self.conditions.device_slowdown

    @property
    def patience_s(self) -> float:
        """How long to wait for the server, from the moment the sending begins."""
        server = self.server
        times_predicted = None if server is None else server.times_predicted
        return patience_s(self.plan.predicted, self.rest_s, self._deadline_s, times_predicted)

    def other(self, _: Offload | None, __: CutpointError) -> tuple[ServerConnection, float] | None:
        """
        Give another server for the same cut, and how long to wait for it.

        Only one that can be used, has the tail, and is predicted to answer before this
        device would have computed the rest; and only where the budget of retries allows.
        """
        first = self.plan.server or ""
        other = self._servers.other_than(first, self._clock())
        if other is None:
            return None
        predicted = self._predicted_at(other)
        if predicted is None or predicted.latency_s >= self.rest_s:
            return None
        left_s = None
        if self._deadline_s is not None:
            left_s = self._deadline_s - (self._clock() - self.at_s)
            if predicted.latency_s > left_s:
                return None
        if not self._servers.budget.spend() or not self._is_admitted(other):
            return None
        return other, patience_s(predicted, self.rest_s, left_s, other.times_predicted)

    def release(self) -> None:
        """Take note that the inference has ended: what it tried out may be tried by others."""
        for connection, admission in self._admissions:
            connection.release(admission)
        self._admissions.clear()

    def _row_at(
        self, server: ServerConnection, table: CutTable, prediction: Prediction
    ) -> int | None:
        """Give the row of what was sent in another server's table; ``None`` if it takes it not."""
        cut, codec, decoding = self.plan.cut, self.plan.codec, server.decoding
        row, alike = table.find(cut, codec), table.rows_of(cut)
        if row is not None or not alike:
            return row
        if not decoding.takes(codec) or (cut, codec) in decoding.lacks:
            return None
        # A row that another one beats there is in no table: it takes a little more than that.
        return min(alike, key=lambda each: float(prediction.latency_s[each]))

    @property
    def _row(self) -> int:
        return self.table.find(self.plan.cut, self.plan.codec) or 0

    def _takes_over(self, previous: "Dispatch") -> bool:
        """Do as the inference before, if nothing that counts has changed since."""
        is_steady = getattr(self._policy, "is_steady", False)
        if not is_steady or self.at_s - previous.decision.at_s > _STEADY_S:
            return False
        server, decision = self._servers.chosen(self.at_s), previous.decision
        if not decision.holds(server, self._bucket, self._telling_deadline_s):
            return False
        if decision.plan.server is not None:
            if not self._is_admitted(server):
                return False
            self._servers.budget.deposit()
        self.decision = decision
        return True

    def _decide(self) -> None:
        for _ in range(_MOST_DECISIONS):
            server = self._servers.chosen(self.at_s)
            self._consider(server, self._servers.unavailable(server))
            if self.plan.server is None:
                return
            if self._is_admitted(server):
                self._servers.budget.deposit()
                return
        self._consider(server, server.unavailable or f"server {server.address} is being tried out")

    def _consider(self, server: ServerConnection, unavailable: str | None) -> None:
        """Decide, with one server in view."""
        costs, tails, edition = server.costs, server.tails, self._bucket.edition
        conditions = self._conditions_of(server, unavailable)
        table = self._table_of(server, costs, tails)
        situation = Situation(
            self.at_s,
            table,
            conditions,
            server.address,
            self._bucket.key,
            deadline_s=self._deadline_s,
            hedge=self._hedge,
            objective=self._objective,
        )
        plan = self._hedging.decided(self._policy, situation)
        told = costs, tails, edition, conditions, table, plan, self._telling_deadline_s
        self.decision = Decision(self.at_s, self._bucket, server, *told)

    @property
    def _telling_deadline_s(self) -> float | None:
        """The deadline, where plans depend on it: the soonest is the soonest by any."""
        is_told = self._objective.name != "latency" or self._hedge == "auto"
        return self._deadline_s if is_told else None

    def _table_of(
        self, server: ServerConnection, costs: HostCosts | None, tails: frozenset[str]
    ) -> CutTable:
        return self._bucket.table(costs, tails, server.address, server.decoding)

    def _conditions_of(self, server: ServerConnection, unavailable: str | None) -> Conditions:
        return Conditions(
            link=server.link(),
            load=server.load(self.at_s),
            device_slowdown=self._bucket.slowdown.factor(self.at_s),
            unavailable=unavailable,
            load_age_s=server.load_age_s(self.at_s),
        )

    def _is_admitted(self, server: ServerConnection) -> bool:
        admission = server.admit(self._clock())
        if admission is None:
            return False
        self._admissions.append((server, admission))
        return True

    def _predicted_at(self, server: ServerConnection) -> Parts | None:
        """Give what the rest is predicted to take at a server; ``None`` if it has not the tail."""
        conditions = self._conditions_of(server, None)
        with self._lock:
            table = self._table_of(server, server.costs, server.tails)
        if server.costs is None or not conditions.is_server_usable:
            return None
        prediction = predict(table, conditions)
        row = self._row_at(server, table, prediction)
        if row is None:
            return None
        found = prediction.parts(row)
        return Parts(
            upload_s=found.upload_s,
            wait_s=found.wait_s,
            tail_s=found.tail_s,
            download_s=found.download_s,
        )


def _is_alike(deadline_s: float | None, other_s: float | None) -> bool:
    """Tell whether two deadlines are the same, but for what went by before they were set."""
    if deadline_s is None or other_s is None:
        return deadline_s is other_s
    return abs(deadline_s - other_s) <= _ALIKE * other_s
