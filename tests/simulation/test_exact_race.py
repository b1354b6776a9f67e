"""Races in exact runs."""

from collections.abc import Callable

import numpy as np
import pytest

from cutpoint.cost import POWER_PROFILES, CutTable
from cutpoint.policies import Cutpoint, Fixed
from cutpoint.records import InferenceRecord
from cutpoint.simulation.exact_run import ExactReplay
from cutpoint.simulation.rate_schedule import RateSchedule
from cutpoint.simulation.world import World

_FAST, _SLOW = 1e6, 100.0
_UP = RateSchedule(((10.0, _FAST), (10.0, _SLOW)))


class Watched(Fixed):
    """Sends always, and keeps the records."""

    def __init__(self) -> None:
        super().__init__("server")
        self.records: list[InferenceRecord] = []

    def observe(self, record: InferenceRecord) -> None:
        """Keep it."""
        self.records.append(record)


@pytest.fixture
def replay(table_of: Callable[..., CutTable]) -> ExactReplay:
    """Give server-only of 1000 bytes at a fast and at a slow time; the device takes a second."""
    table = table_of((1.0, 0.0, 0.0, 0.0, 0.0), (0.0, 1.0, 0.0, 1000.0, 0.0))
    return ExactReplay(table, World(_UP, RateSchedule.constant(_FAST)), [0.0, 11.0])


def test_the_first_answer_counts(replay: ExactReplay) -> None:
    """Where the link is fast the server's, where it is slow the device's; never a later one."""
    raced, alone = replay.run(Watched(), hedge="always"), replay.run(Watched(), hedge="off")
    assert alone.latency_s == pytest.approx([0.001, 9.0 + 1 * 0.001], rel=0.2)
    assert raced.latency_s == pytest.approx([0.001, 1.0])
    assert raced.rows.tolist() == alone.rows.tolist()


def test_the_record_tells_who_won(replay: ExactReplay) -> None:
    """With the device's time from the cut on where it won, and how long it computed in any case."""
    policy = Watched()
    replay.run(policy, hedge="always")
    lost, won = policy.records
    assert lost.race is not None
    assert won.race is not None
    assert (lost.race.is_won, lost.placement) == (False, "server")
    assert lost.race.duration_s == pytest.approx(0.001)
    assert (won.race.is_won, won.placement, won.fallback_reason) == (True, "device", None)
    assert won.measured.tail_s == won.race.duration_s == pytest.approx(1.0)
    assert won.load is None
    assert [leg.host for leg in won.legs] == ["device"]


def test_a_race_costs_joules(replay: ExactReplay) -> None:
    """The device computes and sends at once for as long as it lasts."""
    power = POWER_PROFILES["raspberry-pi-4b-wifi"]
    raced = replay.run(Watched(), hedge="always", power=power)
    assert raced.energy_j is not None
    expected = power.compute_w + power.send_w - power.idle_w
    moved = power.send_w_per_bytes_per_s * 1000 / 9
    assert raced.energy_j[1] == pytest.approx(expected * 1.0 + moved, rel=0.2)


def test_what_may_be_fast_again_is_raced_where_that_is_worth_the_joules(
    table_of: Callable[..., CutTable],
) -> None:
    """Alone the device waits for probes to tell that a link has come back; a race finds out."""
    table = table_of((0.15, 0.0, 0.0, 0.0, 0.0), (0.0, 0.15, 0.02, 20_000.0, 100.0))
    up = RateSchedule(((2.0, _FAST), (2.0, 3e4)), repeat=True)
    world = World(up, RateSchedule.constant(_FAST), 0.005, 0.005)
    positions_s = np.arange(0.0, 40.0, 0.1)
    replay = ExactReplay(table, world, positions_s)
    alone = replay.run(Cutpoint(), "estimated", gives_up=True)
    raced = replay.run(Cutpoint(), "estimated", gives_up=True, hedge="auto")
    assert raced.regret < 0.7 * alone.regret
    assert np.count_nonzero(raced.rows == 0) < 0.7 * np.count_nonzero(alone.rows == 0)
