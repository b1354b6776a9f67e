"""Which plans are raced."""

from dataclasses import replace

import pytest

from cutpoint.cost import POWER_PROFILES
from cutpoint.exceptions import ConfigurationError
from cutpoint.planning.objective import Objective
from cutpoint.policies import Cutpoint, Hedging, Situation, checked_hedge
from cutpoint.policies.qdmp import Qdmp
from cutpoint.records import (
    DEVICE,
    Conditions,
    InferenceRecord,
    Leg,
    LinkConditions,
    Parts,
    Plan,
    RaceRun,
)

POWER = POWER_PROFILES["raspberry-pi-4b-wifi"]
PARTS = Parts(upload_s=0.08, tail_s=0.02)


def plan_of(placement: str = "server", parts: Parts = PARTS) -> Plan:
    """Give a plan that takes 0.1 s by the server, or 0.3 s here."""
    if placement == "device":
        return Plan("device", "device-only", (Leg(DEVICE, None),), Parts(0.3))
    legs = (Leg(DEVICE, "server-only", ("x",), ("raw",)), Leg("edge:8001", None))
    return Plan("server", "server-only", legs, parts)


def record_of(plan: Plan, measured: Parts, **more: object) -> InferenceRecord:
    """Give the record of an inference."""
    nothing = (1, 0.0, plan.placement, plan.placement, plan.cut, plan.crossing, plan.server)
    return InferenceRecord(*nothing, plan.predicted, measured, (), 0, 0, None, Conditions(), **more)


@pytest.fixture
def situation(table_of) -> Situation:
    """Give one in which the link is trusted to 5 %, and the server was just heard of."""
    table = table_of((0.3, 0.0, 0.0, 0, 0), (0.0, 0.3, 0.02, 8e4, 0))
    link = LinkConditions(1e6, 1e6, 0.0, 0.0, spread=0.05)
    return Situation(0.0, table, Conditions(link, load_age_s=0.1), "edge:8001", hedge="auto")


def test_off_and_always_ask_nothing(situation: Situation) -> None:
    """What is not offloaded has nobody to race with."""
    hedging, plan = Hedging(power=POWER), plan_of()
    assert hedging.hedged(plan, replace(situation, hedge="off")) == plan
    always = replace(situation, hedge="always")
    assert hedging.hedged(plan, always) == replace(plan, races=True)
    assert not hedging.hedged(plan_of("device"), always).races


def test_a_link_that_is_trusted_is_not_raced(situation: Situation) -> None:
    """The joules would buy next to nothing."""
    assert not Hedging(power=POWER).hedged(plan_of(), situation).races


def test_a_wide_spread_is_worth_a_race(situation: Situation) -> None:
    """One inference in a hundred would take longer than the device."""
    link = replace(situation.conditions.link, spread=1.0)
    wide = replace(situation, conditions=replace(situation.conditions, link=link))
    assert Hedging(power=POWER).hedged(plan_of(), wide).races
    joules_count = replace(wide, objective=Objective("energy"))
    assert not Hedging(power=POWER).hedged(plan_of(), joules_count).races


def test_offloads_that_were_lost_are_worth_a_race_until_they_are_forgotten(
    situation: Situation,
) -> None:
    """Whether they failed or were beaten by far; a race that was merely close counts as none."""
    for measured, more in (
        (Parts(tail_s=0.3, lost_s=0.4), {"failed_in": "wait"}),
        (Parts(tail_s=0.3), {"race": RaceRun(0.3, is_won=True)}),
    ):
        hedging, plan = Hedging(power=POWER), plan_of()
        for _ in range(3):
            hedging.observe(record_of(plan, measured, **more))
        assert hedging.lost_share > 0.05
        assert hedging.hedged(plan, situation).races
        for _ in range(600):
            hedging.observe(record_of(plan, PARTS))
        assert not hedging.hedged(plan, situation).races
    close = record_of(plan_of(), Parts(tail_s=0.11), race=RaceRun(0.11, is_won=True))
    hedging.observe(close)
    assert not hedging.hedged(plan, situation).races
    hedging.observe(record_of(plan_of("device"), Parts(0.3)))


def test_a_deadline_that_the_device_keeps_and_the_server_may_miss_is_raced_for(
    situation: Situation,
) -> None:
    """Whatever the joules; where the device cannot keep it either, a race is of no use."""
    for kept_by_the_server_or_nobody_s in (1.0, 0.105):
        asked = replace(situation, deadline_s=kept_by_the_server_or_nobody_s)
        assert not Hedging(power=POWER).hedged(plan_of(), asked).races
    slow = plan_of(parts=Parts(upload_s=0.3))
    asked = replace(situation, deadline_s=0.31, objective=Objective("energy"))
    assert Hedging(power=POWER).hedged(slow, asked).races


def test_a_plan_that_races_by_its_policys_will_is_left_alone(situation: Situation) -> None:
    """A policy may know better."""
    plan = replace(plan_of(), races=True)
    assert Hedging().hedged(plan, replace(situation, hedge="off")) is plan
    foreign = replace(plan_of(), cut="of another table")
    assert not Hedging().hedged(foreign, situation).races


def test_only_three_ways_are_known() -> None:
    """Others are named in the refusal."""
    assert checked_hedge("auto") == "auto"
    with pytest.raises(ConfigurationError, match="now and then"):
        checked_hedge("now and then")


def slower_link(situation: Situation, spread: float, rate: float = 2e5) -> Situation:
    """Give one in which sending is believed to take 0.42 s at the middle, and the device 0.3 s."""
    link = LinkConditions(rate, rate, 0.0, 0.0, spread)
    return replace(situation, conditions=Conditions(link, load_age_s=0.1))


def test_a_device_that_would_not_send_races_a_link_that_may_be_fast(situation: Situation) -> None:
    """Not where that is believed to be hopeless, nor where it is surely slower."""
    wide = slower_link(situation, 1.0)
    assert Cutpoint().decide(wide).server is None
    raced = Hedging(power=POWER).decided(Cutpoint(), wide)
    assert (raced.placement, raced.races) == ("server", True)
    for other in (
        slower_link(situation, 0.05),
        slower_link(situation, 1.0, rate=1e3),
        replace(wide, hedge="off"),
        replace(wide, conditions=replace(wide.conditions, link=None, unavailable="gone")),
    ):
        plan = Hedging(power=POWER).decided(Cutpoint(), other)
        assert (plan.server, plan.races) == (None, False)


def test_who_cannot_say_what_to_race_is_not_asked(situation: Situation) -> None:
    """What a published scheme decides is its own; whether it is raced is asked as ever."""
    wide = slower_link(situation, 1.0)
    assert Hedging(power=POWER).decided(Qdmp(), wide) == Qdmp().decide(wide)
    sent = replace(
        wide, conditions=replace(wide.conditions, link=slower_link(wide, 1.0, 1e6).conditions.link)
    )
    assert Hedging(power=POWER).decided(Qdmp(), sent).races


def test_to_ask_for_a_race_changes_no_decision(situation: Situation) -> None:
    """A policy that was asked decides as one that was not."""
    asked, other = Cutpoint(), Cutpoint()
    for rate in (1e6, 2e5, 1e4, 3e5, 1e6):
        now = slower_link(situation, 0.5, rate)
        assert asked.decide(now) == other.decide(now)
        asked.raced(now)
