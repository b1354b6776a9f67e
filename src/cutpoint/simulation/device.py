"""A device on the virtual clock: conditions -> plan -> inference -> record -> conditions."""

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from math import inf
from typing import Any

import numpy as np

from cutpoint.cost import activity_j
from cutpoint.inference import Action, Event, Inference, activity_of, patience_s
from cutpoint.policies import Hedging, Situation
from cutpoint.records import Conditions, InferenceRecord, LoadReport, Parts, Plan
from cutpoint.simulation.connection import SimulatedConnection
from cutpoint.simulation.drive import ROUNDING_S, SimulatedDrive
from cutpoint.simulation.order import Order, rows_of
from cutpoint.simulation.probing import Probing
from cutpoint.simulation.scenario import ClosedLoop, DeviceSpec, Periodic
from cutpoint.simulation.senses import sensing_of
from cutpoint.simulation.virtual_clock import VirtualClock

_STEADY_S = 0.1
"""A decision is as good as new for so long, as the client takes it to be."""

Told = Callable[[Inference, Event | None, tuple[Action, ...]], None]


class SimulatedDevice:
    """
    Runs one inference after the other, and learns from each as the client does.

    Parameters
    ----------
    clock
        Of the simulation.
    spec
        What it is like.
    connection
        To its server.
    rng
        Draws the arrivals.
    told
        Told every event of every inference with the actions it led to.
    """

    def __init__(
        self,
        clock: VirtualClock,
        spec: DeviceSpec,
        connection: SimulatedConnection,
        rng: np.random.Generator,
        told: Told | None = None,
    ) -> None:
        self.records: list[InferenceRecord] = []
        self.arrived_s: list[float] = []
        self._clock = clock
        self._spec = spec
        self._connection = connection
        self._rng = rng
        self._told = told
        self._rows = rows_of(spec.table)
        self._hedging = Hedging(spec.sending_slowdown, spec.power)
        self._decided: Order | None = None
        self._drive: SimulatedDrive | None = None
        self._admission: int | None = None
        self._waiting: deque[float] = deque()
        self._num_arrived = 0
        self._looks_s = inf
        self._probing = Probing(clock, spec.policy, connection)
        self._sensing = sensing_of(spec.policy)
        connection.server.on_death(self._lose)
        first_s = spec.arrivals.first_s if isinstance(spec.arrivals, Periodic) else 0.0
        if isinstance(spec.arrivals, ClosedLoop | Periodic):
            clock.later(first_s, self._arrive)
        else:
            clock.later(float(rng.exponential(1.0 / spec.arrivals.rate_per_s)), self._arrive)

    def __repr__(self) -> str:
        return f"<SimulatedDevice {self._spec.name}: {len(self.records)} inferences>"

    def _arrive(self, _: Any) -> None:
        spec = self._spec
        if spec.num_inferences is not None and self._num_arrived >= spec.num_inferences:
            self._probing.end()
            return
        self._num_arrived += 1
        self._waiting.append(self._clock.now_s)
        arrivals = spec.arrivals
        if isinstance(arrivals, Periodic):
            self._clock.later(arrivals.period_s, self._arrive)
        elif not isinstance(arrivals, ClosedLoop):
            pause_s = float(self._rng.exponential(1.0 / arrivals.rate_per_s))
            self._clock.later(pause_s, self._arrive)
        if self._drive is None:
            self._begin()

    def _begin(self) -> None:
        """Decide and start the next inference."""
        self.arrived_s.append(self._waiting.popleft())
        order = self._order()
        inference_told = self._told
        self._drive = drive = SimulatedDrive(
            self._clock,
            order,
            self._connection,
            self._mind,
            self._finish,
            None
            if inference_told is None
            else lambda event, actions: inference_told(drive.inference, event, actions),
            self._spec.sending_slowdown,
        )
        drive.start()

    def _mind(self) -> None:
        """Look when the drive wants it; one look at a time, which may find that it is too early."""
        look_s = inf if self._drive is None else self._drive.look_s
        if look_s < self._looks_s:
            self._looks_s = look_s
            self._clock.later(max(look_s - self._clock.now_s, 0.0), self._look)

    def _look(self, _: Any) -> None:
        now_s = self._clock.now_s + ROUNDING_S
        if now_s < self._looks_s:
            return  # a sooner look was needed and has been taken
        self._looks_s = inf
        if self._drive is not None and now_s >= self._drive.look_s:
            self._drive.look()
        self._mind()

    def _order(self) -> Order:
        now_s, connection = self._clock.now_s, self._connection
        unavailable = connection.unavailable(now_s)
        taken_over = self._taken_over(now_s, unavailable)
        if taken_over is not None:
            return taken_over
        conditions = self._believed(now_s, unavailable)
        plan = self._decide(now_s, conditions)
        if plan.server is not None:
            self._admission = connection.breaker.admit(now_s)
            if self._admission is None:
                reason = connection.breaker.reason(now_s) or "it is being tried out"
                conditions = self._believed(now_s, reason)
                plan = self._decide(now_s, conditions)
        self._decided = self._order_of(plan, now_s, conditions)
        return self._decided

    def _taken_over(self, now_s: float, unavailable: str | None) -> Order | None:
        """Do as before, where that was decided a moment ago and nothing that counts has changed."""
        before = self._decided
        is_steady = getattr(self._spec.policy, "is_steady", False)
        if before is None or not is_steady or now_s - before.decided_s > _STEADY_S:
            return None
        conditions = before.conditions
        if conditions.link is None or conditions.unavailable != unavailable:
            return None
        if before.plan.server is not None:
            self._admission = self._connection.breaker.admit(now_s)
            if self._admission is None:
                return None
        plan, rest_s = before.plan, before.rest_s
        patience = self._patience_s(plan, rest_s)
        return Order(plan, before.row, now_s, before.decided_s, conditions, patience, rest_s)

    def _decide(self, now_s: float, conditions: Conditions) -> Plan:
        spec = self._spec
        situation = Situation(
            now_s,
            spec.table,
            conditions,
            spec.server,
            deadline_s=spec.deadline_s,
            hedge=spec.hedge,
            objective=spec.objective,
        )
        return self._hedging.decided(spec.policy, situation)

    def _believed(self, now_s: float, unavailable: str | None) -> Conditions:
        conditions = self._connection.conditions(now_s, unavailable)
        if self._spec.believes is None:
            return conditions
        return replace(self._spec.believes(now_s), unavailable=unavailable)

    def _order_of(self, plan: Plan, now_s: float, conditions: Conditions) -> Order:
        row = self._rows[self._spec.table.find(plan.cut, plan.codec) or 0]
        rest_s = row.rest_s * conditions.device_slowdown
        patience = self._patience_s(plan, rest_s)
        return Order(plan, row, now_s, now_s, conditions, patience, rest_s)

    def _patience_s(self, plan: Plan, rest_s: float) -> float:
        if plan.server is None:
            return inf
        times = self._connection.lateness.times_predicted
        return patience_s(plan.predicted, rest_s, self._spec.deadline_s, times)

    def _lose(self, back_s: float) -> None:
        """Hear that the server has died, and that whatever it was asked is lost."""
        drive = self._drive
        is_asked = drive is not None and drive.is_offloaded
        self._connection.lost(self._clock.now_s, back_s, is_asked=is_asked)
        if drive is not None and is_asked:
            drive.lose()

    def _finish(self, drive: SimulatedDrive) -> None:
        record = self._record(drive)
        self._learn_slowdown(drive)
        self._spec.policy.observe(record)
        if self._sensing is not None and record.load is not None:
            self._sensing.sensed(self._connection.name, record.load)
        self._hedging.observe(record)
        self._learn_pace(record, drive)
        if self._admission:
            self._connection.breaker.release(self._admission)
        self._admission = None
        self.records.append(record)
        self._drive = None
        arrivals = self._spec.arrivals
        if isinstance(arrivals, ClosedLoop):
            if arrivals.pause_s > 0 or drive.order.at_s == self._clock.now_s:
                self._clock.later(arrivals.pause_s, self._arrive)
            else:
                self._arrive(None)
        elif self._waiting:
            self._begin()

    def _record(self, drive: SimulatedDrive) -> InferenceRecord:
        inference, plan, order = drive.inference, drive.order.plan, drive.order
        power, sent_bytes = self._spec.power, drive.sent_bytes
        return InferenceRecord(
            request=len(self.records) + 1,
            at_s=order.at_s,
            planned=plan.placement,
            placement=inference.placement,
            cut=plan.cut,
            crossing=plan.crossing,
            server=inference.server,
            predicted=plan.predicted,
            measured=inference.measured,
            legs=inference.legs,
            sent_bytes=sent_bytes,
            received_bytes=drive.received_bytes,
            fallback_reason=inference.fallback_reason
            or (plan.note if plan.server is None else None),
            conditions=order.conditions,
            attempts=inference.attempts,
            failed_in=inference.failed_in,
            codecs=plan.legs[0].codecs,
            load=self._told_load(inference),
            race=inference.race,
            energy_j=None
            if power is None
            else activity_j(activity_of(inference, sent_bytes, drive.received_bytes), power),
        )

    def _told_load(self, inference: Inference) -> LoadReport | None:
        if inference.server is None or inference.placement == "device":
            return None
        return self._connection.told_load(self._clock.now_s, is_polled=False)

    def _learn_slowdown(self, drive: SimulatedDrive) -> None:
        order, inference = drive.order, drive.inference
        took_s, profiled_s = inference.measured.head_s, order.row.head_s
        if inference.placement == "device" and order.plan.placement != "device":
            sending_slowdown = self._spec.sending_slowdown if order.plan.races else 1.0
            took_s += inference.measured.tail_s
            profiled_s += sending_slowdown * order.row.rest_s
        slowdown = self._connection.learner.slowdown
        slowdown.observe(took_s, profiled_s, self._clock.now_s)
        slowdown.observe_at_most(inference.measured.encode_s, order.row.encode_s, self._clock.now_s)

    def _learn_pace(self, record: InferenceRecord, drive: SimulatedDrive) -> None:
        if record.server is None:
            return
        connection, now_s = self._connection, self._clock.now_s
        took_s, predicted_s = _on_server_s(record.measured), _on_server_s(record.predicted)
        if record.placement == "device":
            inference = drive.inference
            connection.given_up(inference.waited_s, predicted_s)
            if inference.phase == "compute":
                upload_s = max(record.predicted.upload_s, inference.upload_s or 0.0)
                since_s = inference.waited_s - upload_s
                idle_s = record.predicted.tail_s / record.conditions.load.slowdown
                connection.computes_still(now_s, record.at_s, since_s, idle_s)
            return
        connection.paced(now_s, took_s, predicted_s, drive.order.rest_s)


def _on_server_s(parts: Parts) -> float:
    return parts.upload_s + parts.wait_s + parts.tail_s + parts.download_s
