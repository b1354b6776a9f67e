"""Races on the virtual clock."""

import pytest

from cutpoint.cost import POWER_PROFILES
from cutpoint.policies import Fixed, Hedge
from cutpoint.records import Conditions, InferenceRecord, LinkConditions
from cutpoint.simulation.rate_schedule import RateSchedule
from cutpoint.simulation.scenario import DeviceSpec, Periodic, Scenario
from cutpoint.simulation.simulator import simulate
from cutpoint.simulation.world import World

POWER = POWER_PROFILES["raspberry-pi-4b-wifi"]


@pytest.fixture
def simulated(table_of):
    """Give what runs server-only inferences of 0.1 s by the server, of 0.3 s here."""
    table = table_of((0.3, 0, 0, 0, 0), (0, 0.3, 0.02, 80_000, 0))

    def run(
        *phases: tuple[float, float], hedge: Hedge = "always", num: int = 1, **more: object
    ) -> tuple[InferenceRecord, ...]:
        up = RateSchedule(phases)
        world = World(up, RateSchedule.constant(1e6))
        told = Conditions(LinkConditions(1e6, 1e6, 0.0, 0.0))
        device = DeviceSpec(
            "device", Fixed("server"), table, world, Periodic(2.0), num_inferences=num,
            hedge=hedge, believes=lambda at_s: told, power=POWER, **more,
        )  # fmt: skip
        return simulate(Scenario((device,)), 60.0).records

    return run


def test_a_good_link_is_as_fast_as_without_a_race(simulated) -> None:
    """The device computes for nothing; that is what it costs."""
    (raced,), (plain,) = (simulated((1.0, 1e6), hedge=hedge) for hedge in ("always", "off"))
    assert raced.latency_s == pytest.approx(plain.latency_s) == pytest.approx(0.1)
    assert raced.race.duration_s == pytest.approx(0.1)
    assert not raced.race.is_won
    computing_j = (POWER.compute_w - POWER.idle_w) * 0.1
    assert raced.energy_j - plain.energy_j == pytest.approx(computing_j, rel=1e-6)


def test_a_silent_link_costs_no_more_than_the_device(simulated) -> None:
    """Where nothing passes for a second; what follows it goes over the link again."""
    phases = (0.01, 1e6), (1.0, 0.0), (60.0, 1e6)
    first, second = simulated(*phases, num=2)
    assert (first.placement, first.fallback_reason) == ("device", None)
    assert first.latency_s == pytest.approx(0.3)
    assert first.race.is_won
    assert second.placement == "server"
    alone, _ = simulated(*phases, num=2, hedge="off")
    assert alone.fallback_reason is not None
    assert alone.latency_s > first.latency_s + 0.05


def test_a_device_that_sends_computes_for_longer(simulated) -> None:
    """By the factor that it is told."""
    (record,) = simulated((60.0, 1e3), sending_slowdown=1.5)
    assert record.latency_s == pytest.approx(0.45)
