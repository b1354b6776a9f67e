"""Joules of simulated inferences, held against the integral of the power over what happened."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from tests.power_timeline import PowerTimeline
from tests.simulation.made_up import tables, worlds

from cutpoint.cost import POWER_PROFILES, CutTable, PowerProfile
from cutpoint.inference import (
    Action,
    Answered,
    EncodeDone,
    Event,
    HeadDone,
    Inference,
    Send,
    TailDone,
    Uploaded,
)
from cutpoint.planning import LATENCY, Objective
from cutpoint.policies import Cutpoint, Fixed
from cutpoint.simulation.exact_run import ExactReplay
from cutpoint.simulation.rate_schedule import RateSchedule
from cutpoint.simulation.scenario import DeviceSpec, Scenario, ServerSpec
from cutpoint.simulation.simulator import simulate
from cutpoint.simulation.world import World

POWER = PowerProfile("board", 8.0, 2.0, 5.0, 3.5, "made up", 2e-6, 5e-7)
THRIFTY = Objective("energy", power=POWER)


class _Watch:
    """Writes down what every inference did, as it is told of it."""

    def __init__(self) -> None:
        self.timelines: dict[int, PowerTimeline] = {}
        self.kept: list[Inference] = []
        self._sent_at_s: dict[int, float] = {}
        self._through: dict[int, float] = {}

    def told(self, inference: Inference, event: Event | None, actions: tuple[Action, ...]) -> None:
        if event is None:
            self.kept.append(inference)
            self.timelines[id(inference)] = PowerTimeline(POWER)
            return
        timeline, at_s = self.timelines[id(inference)], event.at_s
        match event:
            case HeadDone():
                timeline.computing.append((at_s - event.head_s, at_s))
            case EncodeDone():
                timeline.computing.append((self._sent_at_s[id(inference)], at_s))
                self._sent_at_s[id(inference)] = at_s
            case Uploaded():
                self._sent(inference, self._sent_at_s[id(inference)] + event.upload_s)
            case Answered():
                through_s = self._through.get(id(inference), at_s - event.wait_s - event.tail_s)
                self._sent(inference, through_s)
                timeline.receiving.append((through_s + event.wait_s + event.tail_s, at_s))
            case TailDone():
                timeline.computing.append((at_s - event.tail_s, at_s))
        if inference.failed_in in ("upload", "connect") and not isinstance(event, TailDone):
            self._sent(inference, at_s if inference.failed_in == "upload" else 0.0)
        if any(isinstance(action, Send) for action in actions):
            self._sent_at_s[id(inference)] = at_s

    def _sent(self, inference: Inference, until_s: float) -> None:
        if id(inference) not in self._through:
            self._through[id(inference)] = until_s
            begun_s = self._sent_at_s[id(inference)]
            self.timelines[id(inference)].sending.append((begun_s, max(until_s, begun_s)))


@settings(max_examples=30)
@given(table=tables(), world=worlds())
def test_joules_are_the_power_over_the_timeline(table: CutTable, world: World) -> None:
    """Of every record within 1 %, whatever was lost on the way."""
    watch = _Watch()
    device = DeviceSpec(
        "device", Fixed("server") if table.may_send_inputs else Cutpoint(), table, world,
        num_inferences=10, power=POWER,
    )  # fmt: skip
    server = ServerSpec(num_workers=50, down=((1.0, 1.5), (4.0, 4.2)))
    records = simulate(Scenario((device,), (server,)), 12.0, told=watch.told).records
    for record, inference in zip(records, watch.kept, strict=False):
        timeline = watch.timelines[id(inference)]
        timeline.sent_bytes, timeline.received_bytes = record.sent_bytes, record.received_bytes
        expected_j = timeline.exact_joules(record.at_s, record.at_s + record.latency_s)
        assert record.energy_j == pytest.approx(expected_j, rel=0.01, abs=1e-6)


def test_nobody_counts_what_nobody_knows(table_of: Callable[..., CutTable]) -> None:
    """Without a power profile a record has no joules."""
    table = table_of((0.5, 0, 0, 0, 0), (0, 0.5, 0.05, 1e5, 4e3))
    world = World(RateSchedule.constant(1e6), RateSchedule.constant(1e6), 0.005, 0.005)
    device = DeviceSpec("device", Cutpoint(), table, world, num_inferences=3)
    records = simulate(Scenario((device,)), 12.0).records
    assert records
    assert all(record.energy_j is None for record in records)
    assert ExactReplay(table, world, [0.0]).run(Cutpoint()).energy_j is None


def test_saving_joules_costs_time_and_the_other_way_round(
    table_of: Callable[..., CutTable],
) -> None:
    """Where the radio draws much, the device keeps what the server would answer sooner."""
    radio = POWER_PROFILES["raspberry-pi-4b-lte"]
    table = table_of((0.5, 0, 0, 0, 0), (0, 0.5, 0.05, 2e6, 4e3))
    world = World(RateSchedule.constant(5e6), RateSchedule.constant(5e6), 0.005, 0.005)
    replay = ExactReplay(table, world, [0.5 * index for index in range(20)])
    soonest = replay.run(Cutpoint(), "true", objective=LATENCY, power=radio)
    thriftiest = replay.run(
        Cutpoint(), "true", objective=Objective("energy", power=radio), power=radio
    )
    assert soonest.mean_s < thriftiest.mean_s
    assert soonest.energy_j is not None
    assert thriftiest.energy_j is not None
    assert thriftiest.energy_j.sum() < soonest.energy_j.sum()
