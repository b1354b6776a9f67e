"""Forty devices and one server: they do not come and go together."""

import numpy as np
import pytest

from cutpoint.cost import CutTable
from cutpoint.policies import Cutpoint
from cutpoint.records import InferenceRecord
from cutpoint.simulation.rate_schedule import RateSchedule
from cutpoint.simulation.scenario import DeviceSpec, Scenario, ServerSpec
from cutpoint.simulation.simulator import simulate
from cutpoint.simulation.world import World

NUM_DEVICES, ALONE_S, TAIL_S = 40, 0.3, 0.03
UNTIL_S, SETTLED_S = 16.0, 3.0
WORLD = World(RateSchedule.constant(5e6), RateSchedule.constant(5e6), 0.003, 0.003)


@pytest.fixture
def table(table_of) -> CutTable:
    """Give a net that takes ten times as long on a device as on the server."""
    return table_of(
        (ALONE_S, 0.0, 0.0, 0.0, 0.0),
        (0.0, ALONE_S, TAIL_S, 100_000.0, 4_000.0),
        (ALONE_S / 2, ALONE_S / 2, TAIL_S / 2, 20_000.0, 4_000.0),
    )


def _run(table: CutTable, server: ServerSpec) -> tuple[InferenceRecord, ...]:
    devices = (
        DeviceSpec(f"device {number}", Cutpoint(seed=number), table, WORLD)
        for number in range(NUM_DEVICES)
    )
    return simulate(Scenario(tuple(devices), (server,)), UNTIL_S, seed=1).records


def _by_second(records: list[InferenceRecord]) -> list[list[InferenceRecord]]:
    seconds = range(int(SETTLED_S), int(UNTIL_S) - 1)
    ended = {second: [] for second in seconds}
    for record in records:
        second = int(record.at_s + record.latency_s)
        if second in ended:
            ended[second].append(record)
    return list(ended.values())


def test_a_bounded_queue_is_used_evenly_and_waited_for_by_nobody(table) -> None:
    """Each second nearly all that the server can do is done, and nobody loses by asking."""
    records = _run(table, ServerSpec(num_workers=1))
    answered = [
        sum(record.placement != "device" for record in second) for second in _by_second(records)
    ]
    assert min(answered) > 0.8 / TAIL_S
    assert max(answered) - min(answered) < 0.15 / TAIL_S
    assert np.mean([record.latency_s for record in records]) < ALONE_S


def test_at_a_queue_without_a_bound_some_stay_and_some_go(table) -> None:
    """Wait is all that tells them; none of the seconds has all of them there, or none."""
    records = _run(table, ServerSpec(num_workers=1, max_waiting=1000))
    shares = [
        np.mean([record.planned != "device" for record in second]) for second in _by_second(records)
    ]
    assert min(shares) > 0.02
    assert max(shares) < 0.98
    assert np.mean([record.latency_s for record in records]) < 1.6 * ALONE_S
