"""Published schemes with estimators of their own believe these, and no lie."""

from collections.abc import Sequence
from dataclasses import replace
from math import inf, nan

import pytest

from cutpoint.cost import CutTable
from cutpoint.policies import PUBLISHED, Situation
from cutpoint.policies.sensing_scheme import SensingScheme, believable
from cutpoint.records import (
    Conditions,
    LinkConditions,
    LoadConditions,
    LoadReport,
    ProbeSample,
)

SENSING: dict[str, type[SensingScheme]] = {
    name: make for name, make in PUBLISHED.items() if issubclass(make, SensingScheme)
}
EVERY_ONE = pytest.mark.parametrize("name", SENSING)
WITH_LOAD = ["neurosurgeon", "loadpart", "loadpart-followon", "diamond"]

SERVER = "edge:8001"
FAST = LinkConditions(1e9, 1e9, 0.0, 0.0)


def probed(policy: SensingScheme, rate: float, seconds: int = 20, from_s: float = 0.0) -> float:
    """Answer all that a policy sends over a link of a rate; gives when that was over."""
    at_s = from_s
    while at_s < from_s + seconds:
        request = policy.next_probe(SERVER, at_s)
        for size_bytes in () if request is None else request.sizes_bytes:
            duration_s = 0.002 + size_bytes / rate
            at_s += duration_s
            policy.sensed(SERVER, ProbeSample(at_s, size_bytes, duration_s))
        at_s += 0.25
    return at_s


def placed(policy: SensingScheme, table: CutTable, at_s: float, link: LinkConditions) -> str:
    """Give where a policy runs the next inference."""
    return policy.decide(Situation(at_s, table, Conditions(link), SERVER)).placement


def told(policy: SensingScheme, reports: Sequence[LoadReport]) -> None:
    """Tell a policy what a server said."""
    for report in reports:
        policy.sensed(SERVER, report)


def test_all_but_qdmp_and_ans_have_estimators_of_their_own() -> None:
    """QDMP's abstract names none, and ANS needs none."""
    assert set(PUBLISHED) - set(SENSING) == {"qdmp", "ans"}


@EVERY_ONE
def test_its_own_probes_count_and_not_what_it_is_told(name: str, table: CutTable) -> None:
    """Told of a fast link it offloads, until its own probes say that little passes."""
    policy = SENSING[name]()
    assert placed(policy, table, 0.0, FAST) == "server"
    at_s = probed(policy, 40.0)
    assert placed(policy, table, at_s, FAST) != "server"


@EVERY_ONE
def test_a_link_that_recovers_is_seen_by_its_own_probes(name: str, table: CutTable) -> None:
    """Nothing is offloaded meanwhile, so probes alone tell."""
    policy = SENSING[name]()
    at_s = probed(policy, 40.0)
    at_s = probed(policy, 1e7, from_s=at_s)
    assert placed(policy, table, at_s, replace(FAST, bandwidth_up_bytes_per_s=1.0)) == "server"


@EVERY_ONE
def test_it_is_asked_each_time(name: str) -> None:
    """What it believes changes though nothing that it is told does."""
    assert not SENSING[name].is_steady


@EVERY_ONE
def test_a_server_that_cannot_be_used_is_the_sessions_to_say(name: str, table: CutTable) -> None:
    """Good probes do not bring back a server that is left alone."""
    policy = SENSING[name]()
    at_s = probed(policy, 1e9)
    conditions = Conditions(FAST, unavailable="left alone")
    plan = policy.decide(Situation(at_s, table, conditions, SERVER))
    assert (plan.placement, plan.note) == ("device", "left alone")


@pytest.mark.parametrize("name", WITH_LOAD)
def test_what_a_server_tells_of_its_load_counts(name: str, table: CutTable) -> None:
    """Told of a server a hundred times slower they leave it, and come back when it is idle."""
    policy = SENSING[name]()
    told(policy, [LoadReport(at_s, slowdown=100.0) for at_s in range(8)])
    assert placed(policy, table, 8.0, FAST) == "device"
    told(policy, [LoadReport(at_s, slowdown=1.0) for at_s in range(8, 16)])
    assert placed(policy, table, 16.0, FAST) == "server"


@pytest.mark.parametrize("name", ["loadpart", "loadpart-followon"])
def test_a_mean_of_reports_counts_and_not_the_latest(name: str, table: CutTable) -> None:
    """One slow answer of eight is an eighth: windowed means, as the papers have it."""
    policy = SENSING[name]()
    told(policy, [LoadReport(at_s, slowdown=1.0) for at_s in range(7)])
    told(policy, [LoadReport(7.0, slowdown=20.0)])
    senses = policy.senses_of(SERVER)
    assert senses.load is not None
    assert senses.load.conditions(7.0).slowdown == pytest.approx((7 + 20) / 8)


@pytest.mark.parametrize("name", WITH_LOAD)
@pytest.mark.parametrize("lie", [nan, inf, -inf, -1.0, 1e300])
def test_no_lie_reaches_a_decision(name: str, lie: float, table: CutTable) -> None:
    """What cannot be true is as if it had not been told, whatever else the report says."""
    policy = SENSING[name]()
    for at_s in (0.0, lie, 1.0):
        report = LoadReport(at_s, lie, lie, lie, ((1, lie), (0, 1.0)), lie, is_polled=True)
        policy.sensed(SERVER, report)
        policy.sensed(SERVER, ProbeSample(1.0, 1024, lie if lie < 1 else nan))
    assert placed(policy, table, 2.0, FAST) == "server"


def test_a_report_is_believed_as_far_as_it_may_be_true() -> None:
    """Each figure is judged by itself."""
    report = LoadReport(1.0, 0.0, nan, 2.0, ((1, 0.5), (2, nan)), -3.0)
    expected = LoadReport(1.0, 0.0, None, 2.0, ((1, 0.5),), None)
    assert believable(report) == expected


def test_servers_are_told_apart(table: CutTable) -> None:
    """What is known of one says nothing of another."""
    policy = SENSING["diamond"]()
    policy.sensed("other:8001", LoadReport(0.0, slowdown=100.0))
    assert placed(policy, table, 0.5, FAST) == "server"
    policy.sensed(SERVER, LoadReport(0.0, slowdown=100.0))
    assert placed(policy, table, 0.5, FAST) == "device"


def test_the_wait_counts_for_diamond_and_the_follow_on(table: CutTable) -> None:
    """A queue of an hour keeps both away; LoADPart and Neurosurgeon have no term for it."""
    placements = {}
    for name in WITH_LOAD:
        policy = SENSING[name]()
        told(policy, [LoadReport(at_s, wait_s=3600.0, slowdown=1.0) for at_s in range(3)])
        placements[name] = placed(policy, table, 3.0, FAST)
    assert placements == {
        "neurosurgeon": "server",
        "loadpart": "server",
        "loadpart-followon": "device",
        "diamond": "device",
    }


def test_diamond_counts_the_execution_time_of_the_average_batch(table: CutTable) -> None:
    """A batch of eight that takes twenty times one request's time makes the device the better."""
    policy = SENSING["diamond"]()
    report = LoadReport(0.0, wait_s=0.0, execution_s=((1, 0.1), (8, 2.0)), batch=1.0)
    told(policy, [report])
    assert placed(policy, table, 0.1, FAST) == "server"
    told(policy, [replace(report, batch=8.0)])
    assert placed(policy, table, 0.2, FAST) == "device"


def test_idle_load_is_what_it_believes_before_any_report(table: CutTable) -> None:
    """Until a server has told something, what the session believes of it stands."""
    policy = SENSING["diamond"]()
    busy = Conditions(FAST, LoadConditions(slowdown=100.0))
    assert policy.decide(Situation(0.0, table, busy, SERVER)).placement == "device"
