"""The decider: one product for every objective that is linear."""

from math import inf

import numpy as np
import pytest

from cutpoint.cost import POWER_PROFILES, UNUSABLE_S, PowerProfile, energy_j, predict
from cutpoint.exceptions import PlannerError
from cutpoint.planning import LATENCY, Decider, Objective
from cutpoint.planning.objective import objective_values
from cutpoint.records import Conditions, LinkConditions, LoadConditions

POWER = PowerProfile("board", 8.0, 2.0, 4.0, 3.0, "a meter", 0.5, 0.25)

OBJECTIVES = [
    LATENCY,
    Objective("energy", power=POWER),
    Objective("weighted", power=POWER, energy_share=0.3),
    Objective("energy", power=POWER_PROFILES["raspberry-pi-4b-lte"]),
]


def _random_conditions(rng: np.random.Generator) -> Conditions:
    up, down = rng.uniform(1e3, 1e7, 2)
    link = LinkConditions(up, down, *rng.uniform(0, 0.1, 2))
    load = LoadConditions(rng.uniform(0, 0.5), rng.uniform(0.5, 10))
    return Conditions(link, load, device_slowdown=rng.uniform(0.5, 5))


@pytest.mark.parametrize("objective", OBJECTIVES, ids=lambda each: each.text)
@pytest.mark.parametrize("seed", range(4))
def test_a_product_weighs_what_the_sums_do(table_of, objective: Objective, seed: int) -> None:
    """Joules as well as seconds: the same as adding up each row's parts by their watts."""
    rng = np.random.default_rng(seed)
    splits = rng.uniform((0, 0, 0, 1, 1), (1, 1, 0.1, 1e6, 1e4), (6, 5))
    table = table_of((1, 0, 0, 0, 0), (0, 1, 0.1, 6e5, 4e3), *map(tuple, splits))
    decider = Decider({"edge:8001": table})
    for _ in range(5):
        conditions = _random_conditions(rng)
        found = decider.weigh((conditions,), objective)
        assert found == pytest.approx(objective_values(objective, table, conditions))


@pytest.mark.parametrize("objective", OBJECTIVES, ids=lambda each: each.text)
@pytest.mark.parametrize("power", [POWER])
def test_an_unlimited_link_costs_no_bytes(table_of, objective, power) -> None:
    """How much moved is not known there: the two ways of counting agree on that, too."""
    table = table_of((10, 0, 0, 0, 0), (0, 10, 5, 1000, 10))
    conditions = Conditions(LinkConditions(inf, inf, 0.5, 0.25))
    expected = objective_values(objective, table, conditions)
    assert Decider({"edge": table}).weigh((conditions,), objective) == pytest.approx(expected)
    if objective.name == "energy" and objective.power is power:
        assert expected.tolist() == energy_j(predict(table, conditions), power, conditions).tolist()


@pytest.mark.parametrize("objective", OBJECTIVES, ids=lambda each: each.text)
@pytest.mark.parametrize(
    "conditions", [Conditions(), Conditions(LinkConditions(1.0, 1.0, 0.0, 0.0), unavailable="gone")]
)
def test_a_server_that_is_gone_is_chosen_by_no_objective(table_of, objective, conditions) -> None:
    """Its rows weigh more than anything that can be: the device's weigh what they did."""
    table = table_of((10, 0, 0, 0, 0), (0, 10, 5, 1000, 0), (4, 6, 2, 500, 0))
    found = Decider({"edge": table}).weigh((conditions,), objective)
    assert np.all(found[1:] >= UNUSABLE_S)
    assert found[0] == pytest.approx(objective_values(objective, table, conditions)[0])


def test_what_is_not_linear_is_refused(table_of) -> None:
    """By its name, with those that are."""
    decider = Decider({"edge": table_of((10, 0, 0, 0, 0), (0, 10, 5, 1000, 0))})
    with pytest.raises(PlannerError, match=r"'p95'.*energy"):
        decider.weigh((Conditions(),), Objective("p95"))
