"""Power integrated over the parts of a record, beside what the record counts."""

from collections.abc import Callable

import pytest

from cutpoint.cost import POWER_PROFILES, CutTable, PowerProfile
from cutpoint.lab.energy.integral import integrated_j
from cutpoint.policies import Fixed
from cutpoint.records import InferenceRecord
from cutpoint.simulation.rate_schedule import RateSchedule
from cutpoint.simulation.scenario import DeviceSpec, Scenario, ServerSpec
from cutpoint.simulation.simulator import simulate
from cutpoint.simulation.world import World


@pytest.fixture
def table(table_of: Callable[..., CutTable]) -> CutTable:
    """Give a net of half a second that is soonest on the server."""
    return table_of((0.5, 0, 0, 0, 0), (0, 0.5, 0.05, 100_000, 4_000))


def _records(
    table: CutTable, power: PowerProfile, down: tuple[tuple[float, float], ...] = ()
) -> tuple[InferenceRecord, ...]:
    world = World(RateSchedule.constant(1e6), RateSchedule.constant(1e6), 0.005, 0.005)
    device = DeviceSpec("device", Fixed("server"), table, world, num_inferences=12, power=power)
    return simulate(Scenario((device,), (ServerSpec(down=down),)), 20.0).records


@pytest.mark.parametrize("name", POWER_PROFILES)
def test_both_ways_of_counting_agree(table: CutTable, name: str) -> None:
    """Within 1 %, for every device that is listed, where nothing was lost."""
    power = POWER_PROFILES[name]
    for record in _records(table, power):
        assert record.fallback_reason is None
        assert integrated_j(record, power) == pytest.approx(record.energy_j, rel=0.01)


def test_a_wrong_count_is_seen(table: CutTable) -> None:
    """The integral knows nothing of how a record counts: another profile is another figure."""
    (record, *_) = _records(table, POWER_PROFILES["raspberry-pi-4b-wifi"])
    other = POWER_PROFILES["jetson-orin-nx-lte"]
    assert abs(integrated_j(record, other) / (record.energy_j or 0.0) - 1) > 0.1
