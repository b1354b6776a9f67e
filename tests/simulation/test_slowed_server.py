"""A server that is slow for a while, where staying with it costs about what leaving does."""

from itertools import pairwise

import numpy as np
import pytest

from cutpoint.cost import CutTable
from cutpoint.policies import Cutpoint
from cutpoint.records import InferenceRecord, LoadConditions
from cutpoint.simulation.load_schedule import LoadSchedule, SlowdownSchedule
from cutpoint.simulation.rate_schedule import RateSchedule
from cutpoint.simulation.scenario import DeviceSpec, Scenario
from cutpoint.simulation.simulator import simulate
from cutpoint.simulation.world import World

FROM_S, TO_S, UNTIL_S, STEP_S = 1.0, 5.2, 16.5, 0.02
TIMES, LEFT_WITHIN, MOST_SWITCHES, BACK_WITHIN_S = 5.0, 10, 2, 10.0
RATE = RateSchedule.constant(50e6)


@pytest.fixture
def table(table_of) -> CutTable:
    """Give 100 ms here, 25 there: five times slower it is little slower than the device."""
    return table_of(
        (0.1, 0.0, 0.0, 0.0, 0.0),
        (0.0, 0.1, 0.025, 256e3, 128e3),
        (0.001, 0.1, 0.025, 128e3, 128e3),
    )


def world_of(times: float, rng: np.random.Generator) -> World:
    """Give a world in which everything varies from moment to moment, and now and then by a lot."""
    load: list[tuple[float, LoadConditions]] = []
    device: list[tuple[float, float]] = []
    for at_s in np.arange(0.0, UNTIL_S, STEP_S):
        slow = times if FROM_S <= at_s < TO_S else 1.0
        server, here = np.exp(rng.normal(0.0, 0.1, 2)) * np.where(rng.random(2) < 0.03, 2.0, 1.0)
        load.append((STEP_S, LoadConditions(0.0, slow * float(server))))
        device.append((STEP_S, float(here)))
    schedules = LoadSchedule(tuple(load)), SlowdownSchedule(tuple(device))
    return World(RATE, RATE, 0.003, 0.003, *schedules)


def run(table: CutTable, times: float, seed: int) -> tuple[InferenceRecord, ...]:
    """Give the inferences of one device that begin before, during and after the slow-down."""
    world = world_of(times, np.random.default_rng(seed))
    device = DeviceSpec("device", Cutpoint(seed=seed), table, world)
    return simulate(Scenario((device,)), UNTIL_S, seed=seed).records


@pytest.mark.parametrize("times", [TIMES, 2 * TIMES])
@pytest.mark.parametrize("seed", range(3))
def test_a_slowed_server_is_left_once_and_taken_up_again(
    table: CutTable, seed: int, times: float
) -> None:
    """It is left within ten, not tried every other second, and used again within ten seconds."""
    records = run(table, times, seed)
    slowed = [each for each in records if FROM_S <= each.at_s < TO_S]
    assert any(each.planned == "device" for each in slowed[:LEFT_WITHIN])
    assert sum(a.cut != b.cut for a, b in pairwise(slowed)) <= MOST_SWITCHES
    back = [each for each in records if each.at_s >= TO_S + BACK_WITHIN_S]
    assert np.mean([each.placement != "device" for each in back]) > 0.9
