"""What is taken where joules are to be few: by cutpoint, Neurosurgeon, and who keeps to time."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from cutpoint.cost import CutTable, PowerProfile, energy_j, predict
from cutpoint.planning import LATENCY, Objective
from cutpoint.policies import PUBLISHED, Cutpoint, Situation
from cutpoint.records import Conditions, LinkConditions

HUNGRY = PowerProfile("radio", 2.0, 1.0, 30.0, 1.0, "made up")
"""Sending draws fifteen times what computing does."""

FRUGAL = PowerProfile("core", 20.0, 1.0, 1.5, 1.0, "made up")
"""Computing draws many times what waiting does."""

CONDITIONS = Conditions(LinkConditions(1e6, 1e6, 0.01, 0.01))


@pytest.fixture
def table(table_of: Callable[..., CutTable]) -> CutTable:
    """Give 0.5 s here, 0.22 s at the server, and a cut of 0.32 s that sends a fifth."""
    return table_of(
        (0.5, 0, 0, 0, 0), (0, 0.5, 0.1, 100_000, 1_000), (0.25, 0.25, 0.03, 20_000, 1_000)
    )


def _situation(table: CutTable, objective: Objective, deadline_s: float | None = None) -> Situation:
    return Situation(
        0.0, table, CONDITIONS, "edge:8001", deadline_s=deadline_s, objective=objective
    )


@pytest.mark.parametrize(
    ("power", "placement"), [(HUNGRY, "device"), (FRUGAL, "server")], ids=["radio", "core"]
)
def test_the_row_that_costs_least_is_taken(
    table: CutTable, power: PowerProfile, placement: str
) -> None:
    """Whatever is soonest: it depends on what the device draws for what."""
    plan = Cutpoint().decide(_situation(table, Objective("energy", power=power)))
    joules = energy_j(predict(table, CONDITIONS), power, CONDITIONS)
    assert plan.placement == table.cuts[int(joules.argmin())].placement == placement


def test_a_deadline_comes_first(table: CutTable) -> None:
    """Joules are saved among what keeps it; where nothing does, as if there were none."""
    thrifty = Objective("energy", power=HUNGRY)
    kept = Cutpoint().decide(_situation(table, thrifty, deadline_s=0.4))
    assert kept.placement == "split"
    assert kept.predicted.latency_s <= 0.4
    assert Cutpoint().decide(_situation(table, thrifty, deadline_s=0.01)).placement == "device"


def test_a_deadline_holds_where_both_are_weighed(table: CutTable) -> None:
    """Nearly all the weight on the joules saves none beyond it."""
    both = Objective("weighted", power=HUNGRY, energy_share=0.99)
    assert Cutpoint().decide(_situation(table, both)).placement == "device"
    assert Cutpoint().decide(_situation(table, both, deadline_s=0.4)).placement == "split"


def test_a_link_that_may_be_slow_is_waited_for(table: CutTable) -> None:
    """A doubtful link keeps an upload here where time counts, and not where joules do."""
    assert CONDITIONS.link is not None
    doubtful = Conditions(replace(CONDITIONS.link, bandwidth_up_bytes_per_s=3e5, spread=2.0))
    thrifty = replace(_situation(table, Objective("energy", power=FRUGAL)), conditions=doubtful)
    soon = replace(thrifty, objective=LATENCY)
    assert Cutpoint().decide(thrifty).placement == "server"
    assert Cutpoint().decide(soon).placement != "server"


@pytest.mark.parametrize("name", [name for name in PUBLISHED if name != "neurosurgeon"])
def test_published_schemes_keep_to_their_own(table: CutTable, name: str) -> None:
    """They decide the same whatever a session's objective is."""
    plans = [
        PUBLISHED[name]().decide(_situation(table, objective))
        for objective in (LATENCY, Objective("energy", power=HUNGRY))
    ]
    assert plans[0].cut == plans[1].cut


@pytest.mark.parametrize(
    ("power", "placement"), [(HUNGRY, "device"), (FRUGAL, "server")], ids=["radio", "core"]
)
def test_neurosurgeon_has_a_target_of_energy(
    table: CutTable, power: PowerProfile, placement: str
) -> None:
    """What it draws for computing and for sending counts; without it the soonest row is taken."""
    thrifty = _situation(table, Objective("energy", power=power))
    assert PUBLISHED["neurosurgeon"]().decide(thrifty).placement == placement
    assert PUBLISHED["neurosurgeon"]().decide(_situation(table, LATENCY)).placement == "server"


def test_neurosurgeon_sends_nothing_to_a_server_that_cannot_be_used(table: CutTable) -> None:
    """However few joules that would cost."""
    thrifty = _situation(table, Objective("energy", power=FRUGAL))
    away = replace(thrifty, conditions=replace(CONDITIONS, unavailable="left alone"))
    assert PUBLISHED["neurosurgeon"]().decide(away).placement == "device"
