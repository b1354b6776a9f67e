"""Law: whatever it was told, a policy decides soundly, and is not stuck once told the truth."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st
from tests.laws.test_every_policy import POLICIES, check_is_valid

from cutpoint.cost import CutTable
from cutpoint.graph import Cut
from cutpoint.policies import Policy, Situation
from cutpoint.records import (
    Conditions,
    InferenceRecord,
    LegRun,
    LinkConditions,
    LoadConditions,
    LoadReport,
    Parts,
    Plan,
    ProbeSample,
)

SERVER = "edge:8001"
LINK = LinkConditions(1e6, 1e6, 0.005, 0.005)

FIGURES = st.floats(allow_nan=True, allow_infinity=True) | st.sampled_from([0.0, -1.0, 1e-300])
MAYBE = st.none() | FIGURES
REPORTS = st.builds(
    LoadReport,
    at_s=st.just(0.0),
    age_s=FIGURES,
    wait_s=MAYBE,
    slowdown=MAYBE,
    execution_s=st.lists(st.tuples(st.integers(-2, 64), FIGURES), max_size=3).map(tuple),
    batch=MAYBE,
    num_pending=st.none() | st.integers(-5, 10**9),
    is_polled=st.booleans(),
)
TIMES = st.floats(0, 2) | st.sampled_from([float("nan"), float("inf"), -1.0])
"""By the device's own clock, which may fail, but knows of no inference that took centuries."""

SAMPLES = st.builds(ProbeSample, st.just(0.0), st.integers(-1, 10**7), TIMES)

TOLD = st.lists(REPORTS | SAMPLES | st.builds(Parts, *[TIMES] * 7), min_size=1, max_size=12)

WORST = [
    LoadReport(0.0, -1.0, float("nan"), float("inf"), ((0, -1.0), (1, float("nan")))),
    ProbeSample(0.0, 0, float("inf")),
    Parts(*[float("nan")] * 7),
    LoadReport(0.0, wait_s=1e308, slowdown=1e308, batch=1e308),
    LoadReport(0.0, wait_s=1e308, slowdown=1e308, batch=1e308),
]


def table() -> CutTable:
    """Give 100 ms on the device, and three ways to a server that take about half of it."""
    cuts = (
        Cut("device", "device-only", (), 7, ()),
        Cut("server", "server-only", ("x",), 0, ("y",)),
        Cut("split", "a" * 12, ("a",), 1, ("y",)),
        Cut("split", "b" * 12, ("b",), 3, ("y",)),
    )
    return CutTable(
        cuts=cuts,
        head_s=np.array([0.1, 0.0, 0.01, 0.03]),
        rest_s=np.array([0.0, 0.1, 0.09, 0.07]),
        encode_s=np.zeros(4),
        tail_s=np.array([0.0, 0.03, 0.02, 0.01]),
        up_bytes=np.array([0.0, 10e3, 5e3, 1e3]),
        down_bytes=np.array([0.0, 10.0, 10.0, 10.0]),
    )


TABLE = table()

LEARNING = {
    name: make
    for name, make in POLICIES.items()
    if name in ("cutpoint", "one of a herd", "ans") or hasattr(make, "new_senses")
}


def record_of(plan: Plan, measured: Parts, conditions: Conditions, at_s: float) -> InferenceRecord:
    """Give the record of a plan that took what is told."""
    return InferenceRecord(
        request=1,
        at_s=at_s,
        planned=plan.placement,
        placement=plan.placement,
        cut=plan.cut,
        crossing=plan.crossing,
        server=plan.server,
        predicted=plan.predicted,
        measured=measured,
        legs=(LegRun("device", "whole", measured.head_s),),
        sent_bytes=round(TABLE.up_bytes[TABLE.find(plan.cut) or 0]),
        received_bytes=10,
        fallback_reason=None,
        conditions=conditions,
        attempts=0 if plan.server is None else 1,
        codecs=plan.legs[0].codecs,
    )


@settings(max_examples=20, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@pytest.mark.parametrize("make", LEARNING.values(), ids=LEARNING)
@given(told=TOLD)
@example(told=WORST)
def test_no_lie_crashes_a_policy_or_holds_it_for_ever(
    make: Callable[[], Policy], told: list[LoadReport | ProbeSample | Parts]
) -> None:
    """Lies reach no plan; and two minutes of truth later an idle near server is used again."""
    policy, conditions = make(), Conditions(LINK, LoadConditions(), load_age_s=0.1)
    for at_s, each in enumerate(told):
        situation = Situation(float(at_s), TABLE, conditions, SERVER)
        plan = policy.decide(situation)
        check_is_valid(plan, situation, None, corrects=True)
        if isinstance(each, Parts):
            policy.observe(record_of(plan, each, conditions, float(at_s)))
        elif hasattr(policy, "sensed"):
            policy.sensed(SERVER, replace(each, at_s=float(at_s)))
    lost = replace(conditions, unavailable="left alone")
    assert policy.decide(Situation(99.0, TABLE, lost, SERVER)).placement == "device"
    assert set(truth_told(policy, conditions)) - {"device"}


def truth_told(policy: Policy, conditions: Conditions) -> list[str]:
    """Tell the truth for a while, as client and server do; gives the last placements."""
    placements, at_s = [], 1000.0
    for _ in range(200):
        at_s += 0.5
        plan = policy.decide(Situation(at_s, TABLE, conditions, SERVER))
        policy.observe(record_of(plan, plan.predicted, conditions, at_s))
        if hasattr(policy, "sensed"):
            for size_bytes in getattr(policy.next_probe(SERVER, at_s), "sizes_bytes", ()):
                duration_s = 0.01 + size_bytes / 1e6
                policy.sensed(SERVER, ProbeSample(at_s + duration_s, size_bytes, duration_s))
            policy.sensed(SERVER, LoadReport(at_s, 0.0, 0.0, 1.0, ((1, 0.02),), 1.0, 0))
        placements.append(plan.placement)
    return placements[-5:]
