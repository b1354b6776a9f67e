"""cutpoint's own policy: the row that answers soonest, changed only for a real gain."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cutpoint.cost import UNUSABLE_S, CutTable, predict
from cutpoint.cost.race import race_latency_s
from cutpoint.graph import Cut, Graph
from cutpoint.graph.size_bucket import Bucket
from cutpoint.planning import LATENCY, Decider, Objective, cuts_to_hold
from cutpoint.policies.corrections import Corrections, Factors
from cutpoint.policies.hysteresis import Memory
from cutpoint.policies.per_table import PerTable
from cutpoint.policies.policy import Situation, alone
from cutpoint.policies.trials import Trials
from cutpoint.records import Conditions, InferenceRecord, LoadConditions, Plan

_MOST_BUCKETS = 64
"""Buckets of sizes whose choices are remembered."""

_RELUCTANCE = 0.25
"""Inferences that a device with a seed may lose, on average, before it follows a server's load."""

_UNHEARD_S = 6.0
"""Load that was heard of later than so long ago is known well enough. A slow server where staying
costs about what leaving does is cheap to try: tried sooner, it would be again and again."""

_TIMES_HOPED = 4.0
"""A link that only probes have crossed for long may be so many times faster than they say."""

_HOT = 1.25
"""A device so much slower than its profile is hot, or its profile is wrong where it runs."""

_THRIFTY_QUANTILE = 0.25
"""How slow the link is taken to be where joules are to be few: an upload that has to wait for a
slow moment to pass costs time and next to nothing else, computing in its place costs much."""

Column = NDArray[np.float64]


class Cutpoint:
    """
    Take the row with the least predicted latency, and stay with it until that costs something.

    To send less is decided at once, to send more has to be earned: where the link turns out slower
    than believed, the row that sends more loses without bound, and the other a little. What
    inferences took is folded back by host and cut (`Corrections`), the link is taken as slow as it
    may be by its spread, and a server whose load was not heard of for a while is tried (`Trials`).

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
    quantile
        How slow the link is taken to be among what its spread says of it; 0.5 is the middle.
    seed
        Of the draw by which this device is more or less reluctant to follow a server's load than
        others are; ``None`` draws nothing.
    corrects
        Whether what inferences took is folded back.

    Notes
    -----
    A present row that cannot be used, or takes twice as long as the best, is left at once
    whatever may be lost, unless the draw says that others go first. Where another objective than
    latency is asked for, all of this holds of that.
    """

    name = "cutpoint"
    needs_every_candidate = False

    def __init__(
        self,
        least_gain: float = 0.05,
        most_lost: float = 0.1,
        least_relief: float = 0.02,
        *,
        quantile: float = 0.6,
        seed: int | None = None,
        corrects: bool = True,
    ) -> None:
        self.least_gain = least_gain
        self.most_lost = most_lost
        self.least_relief = least_relief
        self.quantile = quantile
        self._rng = None if seed is None else np.random.default_rng(seed)
        self._memories: dict[Bucket, Memory] = {}
        self._deciders = PerTable(_decider_of)
        self._corrections = Corrections() if corrects else None
        self._trials = Trials()

    @property
    def is_steady(self) -> bool:
        """Whether it would decide as before, while the conditions are as they were."""
        return self._corrections is None or not self._corrections.has_news

    def candidates(self, graph: Graph) -> Sequence[Cut]:
        """Give the shortlist of the graph's candidate cuts."""
        return cuts_to_hold(graph)

    def decide(self, situation: Situation) -> Plan:
        """Give the soonest plan, with hysteresis."""
        memory, table = self._memory_of(situation.bucket), situation.table
        factors = None if self._corrections is None else self._corrections.factors(situation)
        worth = self._worth(situation, factors)
        row = int(worth.argmin())
        present = table.find(*memory.present)
        if present is not None and row != present:
            self._draw(memory, situation, factors, present, row)
            is_relief = bool(table.up_bytes[row] < table.up_bytes[present])
            if not memory.is_left(float(worth[present]), float(worth[row]), is_relief=is_relief):
                row = present
        elif present is not None:
            memory.lost = 0.0
        memory.present = table.cuts[row].id, table.codecs[row]
        row = self._tried(situation, worth, row)
        plan = self._deciders.of(situation).plan(0, row, situation.conditions)
        if factors is not None and self._corrections is not None:
            plan = self._corrections.corrected(plan, row, factors)
        return alone(plan, situation)

    def raced(self, situation: Situation) -> Plan:
        """Give the plan that is soonest if it is raced; that changes nothing of what is decided."""
        factors = None if self._corrections is None else self._corrections.factors(situation)
        row = int(_race_s(situation, situation.conditions, factors).argmin())
        plan = self._deciders.of(situation).plan(0, row, situation.conditions)
        if factors is None or self._corrections is None:
            return plan
        return self._corrections.corrected(plan, row, factors)

    def observe(self, record: InferenceRecord) -> None:
        """Learn what was wrong of the times that were believed."""
        self._trials.learnt()
        if record.planned != "device":
            self._trials.crossed(record.at_s)
        if self._corrections is not None:
            self._corrections.observe(record)

    def _worth(self, situation: Situation, factors: Factors | None) -> Column:
        """Give what each row costs by the objective. Shape ``(n_rows,)``."""
        objective = situation.objective
        seen = self._seen(situation.conditions, objective)
        if situation.hedge == "always" and objective.name == "latency":
            return _race_s(situation, seen, factors)
        worth = self._weighed(situation, seen, factors)
        if situation.deadline_s is not None and objective.name != "latency":
            seen = self._seen(situation.conditions, LATENCY)
            latency_s = self._weighed(replace(situation, objective=LATENCY), seen, factors)
            is_late = latency_s > situation.deadline_s
            worth = worth if is_late.all() else np.where(is_late, UNUSABLE_S, worth)
        return worth

    def _weighed(self, situation: Situation, seen: Conditions, factors: Factors | None) -> Column:
        objective, table = situation.objective, situation.table
        worth: Column = self._deciders.of(situation).weigh((seen,), objective).copy()
        if factors is not None:
            weights = objective.weights(seen)
            worth += weights[0] * table.head_s * (factors.device - 1)
            worth += weights[3] * table.tail_s * (factors.server - 1)
        return worth

    def _seen(self, conditions: Conditions, objective: Objective) -> Conditions:
        """Give conditions with the link as slow as its spread makes it at the quantile."""
        link = conditions.link
        quantile = _THRIFTY_QUANTILE if objective.unit == "J" else self.quantile
        if link is None or link.spread == 0 or quantile == 0.5:
            return conditions
        return conditions.over(link.pessimistic(quantile))

    def _draw(
        self,
        memory: Memory,
        situation: Situation,
        factors: Factors | None,
        present: int,
        row: int,
    ) -> None:
        """Make this device reluctant by a draw of its own, where a server's load makes it move."""
        if self._rng is None or memory.lost or memory.reluctance:
            return
        idle = replace(situation.conditions, load=LoadConditions())
        worth = self._weighed(situation, self._seen(idle, situation.objective), factors)
        is_left_for_load = worth[present] <= worth[row]
        is_back = memory.was_left_for_load and situation.table.is_offloaded[row]
        if is_left_for_load or is_back:
            memory.reluctance = float(self._rng.exponential(_RELUCTANCE))
        memory.was_left_for_load = bool(is_left_for_load)

    def _tried(self, situation: Situation, worth: Column, row: int) -> int:
        """Give the row to take: another one where it would be better if what is told were wrong."""
        table, at_s, cost = situation.table, situation.at_s, float(worth[row])
        hope = self._hope(situation)
        if hope is not None:
            factors = None if self._corrections is None else self._corrections.hoped(situation)
            hoped = self._weighed(situation, hope, factors)
            is_hope = self._trials.unseen(tuple(cut.id for cut in table.cuts), at_s)
            is_hope &= hoped < (1 - self.least_gain) * cost
            # By both: in a race all that is sent may be believed to take as long as the device.
            other = int(np.where(is_hope, worth + hoped, np.inf).argmin())
            if is_hope[other] and self._trials.spend(float(worth[other]) - cost):
                row = other
        is_offloaded = bool(table.is_offloaded[row])
        self._trials.took(table.cuts[row].id, cost, at_s, is_offloaded=is_offloaded)
        return row

    def _hope(self, situation: Situation) -> Conditions | None:
        """Give what may be the case by now, or all along; ``None`` where there is no such hope."""
        told = situation.conditions
        age_s, link = told.load_age_s, told.link
        is_hot = told.device_slowdown > _HOT
        if link is None or not told.is_server_usable:
            return replace(told, device_slowdown=1.0) if is_hot else None
        is_missed = told.load.slowdown <= _HOT and self._trials.is_offload_missed(situation.at_s)
        is_old = age_s is not None and age_s > _UNHEARD_S
        if not (is_missed or is_old or is_hot):
            return None
        faster = _TIMES_HOPED if is_missed else 1.0
        return replace(
            told,
            link=replace(
                link,
                bandwidth_up_bytes_per_s=faster * link.bandwidth_up_bytes_per_s,
                bandwidth_down_bytes_per_s=faster * link.bandwidth_down_bytes_per_s,
            ),
            load=LoadConditions() if is_old else told.load,
            device_slowdown=1.0 if is_hot else told.device_slowdown,
        )

    def _memory_of(self, bucket: Bucket) -> Memory:
        """Give what was chosen for inputs like this one: another size has another best row."""
        found = self._memories.get(bucket)
        if found is None:
            if len(self._memories) >= _MOST_BUCKETS:
                self._memories.clear()
            found = Memory(self.least_gain, self.most_lost, self.least_relief)
            self._memories[bucket] = found
        return found


def _race_s(situation: Situation, seen: Conditions, factors: Factors | None) -> Column:
    """Give the latency of every row where the device computes on after sending."""
    table = situation.table
    prediction, rest_s = predict(table, seen), table.rest_s * seen.device_slowdown
    if factors is not None:
        prediction = replace(
            prediction,
            head_s=prediction.head_s * factors.device,
            tail_s=prediction.tail_s * factors.server,
        )
        rest_s = rest_s * factors.device
    spread = 0.0 if seen.link is None else seen.link.spread
    is_usable = np.isfinite(prediction.latency_s)  # a race with nobody is no plan
    return np.where(is_usable, race_latency_s(prediction, rest_s, spread), UNUSABLE_S)


def _decider_of(table: CutTable, server: str) -> Decider:
    return Decider({server: table})
