"""Objectives: what each makes small, and which row that chooses."""

from math import exp, inf, nan
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutpoint.cost import PowerProfile, energy_j, predict, stages
from cutpoint.exceptions import CostError, PlannerError
from cutpoint.planning.objective import (
    OBJECTIVES,
    Objective,
    bad_day,
    chosen_row,
    objective_named,
    objective_values,
    session_objective,
)
from cutpoint.records import Conditions, LinkConditions, LoadConditions

Z_95 = NormalDist().inv_cdf(0.95)

HUNGRY_RADIO = PowerProfile("radio", 1.0, 0.0, 100.0, 0.0, "made up")
"""A device whose radio costs a hundred times its computing."""


def _conditions(
    bandwidth: float = 1000.0, message_s: float = 0.0, load: float = 1.0, wait_s: float = 0.0
) -> Conditions:
    link = LinkConditions(bandwidth, bandwidth, message_s, message_s)
    return Conditions(link, LoadConditions(wait_s, load))


@pytest.fixture
def rows(table_of):
    """Give device-only (10 s), server-only (1000 bytes) and a split of 4 + 2 s and 500 bytes."""
    return table_of((10, 0, 0, 0, 0), (0, 10, 5, 1000, 0), (4, 6, 2, 500, 0))


@pytest.mark.parametrize("name", sorted({*OBJECTIVES} - {"deadline", "weighted"}))
def test_objectives_go_by_name(name: str) -> None:
    """Each is found by the name that people write."""
    assert objective_named(name).name == name


@pytest.mark.parametrize(
    ("text", "deadline_s"), [("deadline=0.1", 0.1), ("deadline=100ms", 0.1), ("deadline=2", 2.0)]
)
def test_a_deadline_is_read(text: str, deadline_s: float) -> None:
    """In seconds, or with its unit."""
    found = objective_named(text)
    assert (found.name, found.deadline_s) == ("deadline", deadline_s)


@pytest.mark.parametrize(
    "text",
    ["speed", "", "deadline", "deadline=", "deadline=soon", "deadline=0", "deadline=-1",
     "deadline=nan", "latency=3", "Latency", "weighted=0.5", "weighted:", "weighted:x",
     "energy:0.5", "deadline:0.1"],
)  # fmt: skip
def test_what_is_no_objective_is_refused(text: str) -> None:
    """By what was written, or that a deadline is above zero."""
    with pytest.raises(PlannerError, match=r"objective|above zero"):
        objective_named(text)


def test_both_weigh_the_same_unless_a_share_is_given() -> None:
    """Latency and energy, in plans and in sessions."""
    assert objective_named("weighted") == objective_named("weighted:0.5")
    assert session_objective("weighted", HUNGRY_RADIO).energy_share == 0.5


@pytest.mark.parametrize("share", ["-0.1", "1.1", "nan", "inf"])
def test_a_share_is_between_none_and_all(share: str) -> None:
    """Whatever else is written is refused, by what it has to be."""
    with pytest.raises(PlannerError, match="between 0 and 1"):
        objective_named(f"weighted:{share}")


def test_objectives_are_written_as_they_are_read() -> None:
    """The text of each gives the same objective again."""
    for text in ("latency", "energy", "p95", "throughput", "weighted:0.25", "deadline=0.1"):
        assert objective_named(text).text == text
        assert objective_named(objective_named(text).text) == objective_named(text)


def test_joules_are_not_weighed_by_a_device_that_draws_none() -> None:
    """Their worth in seconds would be without bounds: it is refused by the profile's name."""
    idle = PowerProfile("toaster", 0.0, 0.0, 0.0, 0.0, "made up")
    with pytest.raises(PlannerError, match="toaster"):
        objective_named("weighted:0.5", idle)


@pytest.mark.parametrize("text", ["throughput", "p95", "deadline=0.1"])
def test_a_session_keeps_only_what_is_linear(text: str) -> None:
    """The others are refused, with what it can keep."""
    with pytest.raises(PlannerError, match="weighted:SHARE"):
        session_objective(text, HUNGRY_RADIO)


@pytest.mark.parametrize("text", ["energy", "weighted:0.5"])
def test_a_session_that_saves_joules_needs_to_know_them(text: str) -> None:
    """Without a power profile there is nothing to save by; latency needs none."""
    with pytest.raises(PlannerError, match="power profile"):
        session_objective(text, None)
    assert session_objective(text, HUNGRY_RADIO).power is HUNGRY_RADIO
    assert session_objective("latency", None).name == "latency"


def test_weighing_is_between_the_soonest_and_the_thriftiest(rows) -> None:
    """All the weight on one is that one, in the order of rows; the device alone is its own unit."""
    conditions = _conditions(message_s=0.5, load=2.0, wait_s=1.0)
    soonest = objective_values(Objective("latency", power=HUNGRY_RADIO), rows, conditions)
    joules = objective_values(Objective("energy", power=HUNGRY_RADIO), rows, conditions)
    for share in (0.0, 0.25, 1.0):
        weighted = Objective("weighted", power=HUNGRY_RADIO, energy_share=share)
        found = objective_values(weighted, rows, conditions)
        assert found == pytest.approx((1 - share) * soonest + share * joules)
        assert found[0] == pytest.approx(soonest[0])


@pytest.mark.parametrize("spread", [-0.1, nan, inf, 400.0])
def test_a_spread_is_a_number_that_makes_sense(spread: float) -> None:
    """Neither negative nor without bounds."""
    with pytest.raises(CostError, match="spread"):
        Objective("p95", spread=spread)


def test_latency_and_throughput_are_the_cost_rooms(rows) -> None:
    """Nothing is computed twice: they are the sum of the parts and the longest stage."""
    conditions = _conditions(message_s=0.5, load=2.0, wait_s=1.0)
    latency = objective_values(Objective("latency"), rows, conditions)
    assert latency.tolist() == predict(rows, conditions).latency_s.tolist()
    longest = objective_values(Objective("throughput"), rows, conditions)
    assert longest.tolist() == stages(rows, conditions).longest_s.tolist() == [10.0, 10.0, 4.0]


def test_energy_is_the_devices(rows) -> None:
    """A device with a hungry radio computes by itself though that is slowest."""
    conditions = _conditions()
    objective = Objective("energy", power=HUNGRY_RADIO)
    values = objective_values(objective, rows, conditions)
    assert values == pytest.approx(
        np.asarray(energy_j(predict(rows, conditions), HUNGRY_RADIO, conditions))
    )
    assert chosen_row(values) == 0
    assert chosen_row(objective_values(Objective("latency"), rows, conditions)) == 1
    assert (objective.unit, Objective("latency").unit) == ("J", "s")


def test_a_deadline_is_kept_with_the_least_energy(rows) -> None:
    """Of what is in time the cheapest; what is late does not count; nothing may be left."""
    conditions = _conditions()
    for deadline_s, row in ((10.0, 0), (7.0, 2), (6.2, 1), (5.9, None)):
        objective = Objective("deadline", deadline_s, HUNGRY_RADIO)
        assert chosen_row(objective_values(objective, rows, conditions)) == row


@given(spread=st.floats(0, 3), bandwidth=st.floats(1, 1e9), load=st.floats(0.1, 100))
def test_a_bad_day_is_the_95th_percentile_of_both(
    spread: float, bandwidth: float, load: float
) -> None:
    """Five draws in a hundred of either are worse; without spread it is any day."""
    found = bad_day(_conditions(bandwidth, 0.5, load, 2.0), spread)
    assert found.link is not None
    assert found.link.bandwidth_up_bytes_per_s == pytest.approx(bandwidth / exp(Z_95 * spread))
    assert found.link.bandwidth_down_bytes_per_s == found.link.bandwidth_up_bytes_per_s
    assert found.load.slowdown == pytest.approx(load * exp(Z_95 * spread))
    assert (found.link.message_up_s, found.load.wait_s) == (0.5, 2.0)


def test_p95_is_the_percentile_of_latencies_drawn(table_of) -> None:
    """Where one cause drives bandwidth and load, 95 in 100 latencies are below it."""
    rows = table_of((10, 0, 0, 0, 0), (0, 10, 5, 1000, 200), (4, 6, 2, 500, 200))
    rng = np.random.default_rng(3)
    factors = np.exp(0.3 * rng.standard_normal(20_000))
    drawn = [
        predict(rows, _conditions(1000.0 / factor, 0.1, 2.0 * factor)).latency_s
        for factor in factors
    ]
    told = objective_values(Objective("p95", spread=0.3), rows, _conditions(1000.0, 0.1, 2.0))
    assert told == pytest.approx(np.quantile(np.array(drawn), 0.95, axis=0), rel=0.02)


def test_without_a_link_everything_stays(rows) -> None:
    """Every objective leaves device-only alone finite, and chooses it."""
    for name in OBJECTIVES:
        figure = {"deadline": "=100", "weighted": ":0.5"}.get(name, "")
        objective = objective_named(name + figure)
        values = objective_values(objective, rows, Conditions())
        assert np.isinf(values).tolist() == [False, True, True]
        assert chosen_row(values) == 0


def test_limits_strike_rows() -> None:
    """Of equals the first; rows that are not allowed are passed over; none may be left."""
    values = np.array([2.0, 1.0, 1.0])
    assert chosen_row(values) == 1
    assert chosen_row(values, np.array([True, False, True])) == 2
    assert chosen_row(values, np.zeros(3, dtype=bool)) is None
    assert chosen_row(np.full(3, inf)) is None
