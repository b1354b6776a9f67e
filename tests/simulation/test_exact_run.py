"""Regret on the virtual clock."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.simulation.made_up import RATES, tables, worlds

from cutpoint.cost import CutTable
from cutpoint.policies import Cutpoint, Fixed, Policy, Situation
from cutpoint.records import (
    Conditions,
    InferenceRecord,
    LinkConditions,
    LoadConditions,
    Parts,
    Plan,
)
from cutpoint.simulation.belief import BELIEFS, Setting
from cutpoint.simulation.exact_run import ExactReplay, exact_regret, exact_run
from cutpoint.simulation.rate_schedule import RateSchedule
from cutpoint.simulation.world import World

POSITIONS = st.lists(st.floats(0, 50), min_size=1, max_size=8).map(sorted)
CONDITIONS = st.builds(
    Conditions,
    link=st.none() | st.builds(LinkConditions, RATES, RATES, st.floats(0, 1), st.floats(0, 1)),
    load=st.builds(LoadConditions, st.floats(0, 5), st.floats(0.1, 50)),
    device_slowdown=st.floats(0.1, 20),
    unavailable=st.none() | st.just("left alone for a while"),
)
MAKERS: tuple[Callable[[], Policy], ...] = (
    Cutpoint,
    lambda: Fresh(),
    lambda: Fixed("device"),
    lambda: Fixed("server"),
)


class Fresh(Cutpoint):
    """Takes the row that looks soonest, without hysteresis."""

    def decide(self, situation: Situation) -> Plan:
        """Decide as if for the first time."""
        return Cutpoint().decide(situation)


class Delusion:
    """Believes whatever was drawn."""

    def __init__(self, believed: list[Conditions]) -> None:
        self._believed = believed

    def conditions(self, index: int) -> Conditions:
        """Give the next of it."""
        return self._believed[index % len(self._believed)]

    def observe(self, index: int, row: int, parts: Parts, record: InferenceRecord) -> None:
        """Learn nothing."""


@settings(max_examples=50)
@given(
    table=tables(),
    world=worlds(st.just(0.0) | RATES),
    positions_s=POSITIONS,
    make=st.sampled_from(MAKERS),
    belief=st.sampled_from(["met", "met late", "true", "late", "causal", "estimated"])
    | st.lists(CONDITIONS, min_size=1).map(Delusion),
)
def test_no_policy_beats_the_oracle(
    table: CutTable, world: World, positions_s: list[float], make: Callable[[], Policy], belief: str
) -> None:
    """Whatever it believes: at no position is a row sooner than the soonest."""
    run = exact_run(make(), table, world, positions_s, belief)
    assert np.all(run.latency_s >= run.oracle_s)
    assert np.all(np.isfinite(run.oracle_s))  # the device can always do it
    assert math.isinf(run.mean_s) or run.regret >= -1e-12


@settings(max_examples=50)
@given(table=tables(), world=worlds(), at_s=st.floats(0, 50), num=st.integers(1, 5))
def test_in_a_world_that_stands_still_the_truth_is_enough(
    table: CutTable, world: World, at_s: float, num: int
) -> None:
    """An eager policy that knows it takes the oracle's row, or one that is as soon."""
    still = World(
        RateSchedule.constant(world.up.bandwidth_at(at_s)),
        RateSchedule.constant(world.down.bandwidth_at(at_s)),
        world.delay_up_s,
        world.delay_down_s,
    )
    for belief in ("met", "met late", "true", "late"):
        run = exact_run(Fresh(), table, still, [float(i) for i in range(num)], belief)
        assert run.regret == pytest.approx(0.0, abs=1e-6)


def test_late_is_what_was_true_one_position_earlier(table_of: Callable[..., CutTable]) -> None:
    """A link that falls is believed to be fast for one more position, and no longer."""
    table = table_of((1.0, 0.0, 0.0, 0.0, 0.0), (0.0, 1.0, 0.0, 1000.0, 0.0))
    up = RateSchedule(((10.0, 10_000.0), (10.0, 100.0)))
    world, positions_s = World(up, RateSchedule.constant(1e6)), [8.0, 9.0, 10.0, 11.0, 12.0]
    run = exact_run(Fresh(), table, world, positions_s, "late", window_s=0.5)
    assert run.rows.tolist() == [1, 1, 1, 0, 0]
    assert run.oracle_rows.tolist() == [1, 1, 0, 0, 0]
    assert run.latency_s.tolist() == pytest.approx([0.1, 0.1, 10.0, 1.0, 1.0])
    assert run.num_switches == 1


def test_met_is_what_the_soonest_offload_of_the_position_before_truly_met(
    table_of: Callable[..., CutTable],
) -> None:
    """Its rate is that over its own transfer, though the link changes within it."""
    table = table_of((1.0, 0.0, 0.0, 0.0, 0.0), (0.0, 1.0, 0.0, 1000.0, 0.0))
    up = RateSchedule(((10.0, 10_000.0), (10.0, 100.0)))
    world = World(up, RateSchedule.constant(1e6), delay_up_s=0.02)
    told: dict[str, list[float]] = {}
    for belief in ("met", "met late"):
        setting = Setting(table, world, np.array([9.0, 9.95, 11.0]), 0.1)
        believed = BELIEFS[belief](setting)
        links = [believed.conditions(index).link for index in range(3)]
        told[belief] = [link.bandwidth_up_bytes_per_s for link in links if link is not None]
    # From 9.95 s on 500 bytes pass in 0.05 s, the others at 100 bytes/s.
    assert told["met"] == pytest.approx([10_000.0, 1000 / 5.05, 100.0])
    assert told["met late"] == pytest.approx([10_000.0, 10_000.0, 1000 / 5.05])


def test_met_says_when_nothing_passes(table_of: Callable[..., CutTable]) -> None:
    """Where no offload ever ends, the server cannot be used; and the device is taken."""
    table = table_of((1.0, 0.0, 0.0, 0.0, 0.0), (0.0, 1.0, 0.0, 1000.0, 0.0))
    world = World(RateSchedule.constant(0.0), RateSchedule.constant(1e6))
    run = exact_run(Fresh(), table, world, [0.0, 1.0], "met late")
    assert run.rows.tolist() == [0, 0]
    assert run.regret == 0.0


def test_causal_knows_nothing_of_the_future(table_of: Callable[..., CutTable]) -> None:
    """Its window ends at the position; that of late begins before it and may reach beyond."""
    table = table_of((1.0, 0.0, 0.0, 0.0, 0.0), (0.0, 1.0, 0.0, 1000.0, 0.0))
    up = RateSchedule(((10.0, 10_000.0), (90.0, 100.0)))
    world, positions_s = World(up, RateSchedule.constant(1e6)), [8.0, 9.0, 10.0, 11.0]
    rows = {}
    for belief, window_s in (("late", 80.0), ("causal", 1.0)):
        run = exact_run(Fresh(), table, world, positions_s, belief, window_s=window_s)
        rows[belief] = run.rows.tolist()
    # A mean over 80 s is slow at once; one over the second before is fast until it has passed.
    assert rows == {"late": [0, 0, 0, 0], "causal": [1, 1, 1, 0]}


def test_estimates_follow_the_link_and_the_load(table_of: Callable[..., CutTable]) -> None:
    """A policy that sees only its own transfers, answers and probes ends at the right row."""
    table = table_of((1.0, 0.0, 0.0, 0.0, 0.0), (0.0, 1.0, 0.1, 100_000.0, 4_000.0))
    up = RateSchedule(((50.0, 1e6), (50.0, 2e4)))
    run = exact_run(
        Cutpoint(),
        table,
        World(up, RateSchedule.constant(1e6), 0.01, 0.01),
        range(100),
        "estimated",
    )
    assert run.rows[:50].tolist() == [1] * 50
    # The first upload over the slow link takes five seconds; nothing is known before it ends.
    assert run.rows[56:].tolist() == [0] * 44
    assert run.oracle_rows.tolist() == [1] * 50 + [0] * 50


def test_the_best_fixed_row_has_the_least_mean(table_of: Callable[..., CutTable]) -> None:
    """Over all positions; the oracle is at least as good as any row."""
    table = table_of((1.0, 0.0, 0.0, 0.0, 0.0), (0.0, 1.0, 0.0, 1000.0, 0.0))
    up = RateSchedule(((10.0, 1e6), (3.0, 500.0)), repeat=True)
    replay = ExactReplay(table, World(up, RateSchedule.constant(1e6)), np.arange(0.0, 130.0))
    means_s = [replay.fixed(row).mean_s for row in range(2)]
    assert replay.best_fixed_row == int(np.argmin(means_s)) == 1
    assert replay.oracle().regret == 0.0
    assert replay.fixed(1).regret > 0.0
    assert replay.latency_s.shape == (130, 2)


def test_regret_comes_with_an_interval(table_of: Callable[..., CutTable]) -> None:
    """It holds the mean, is the same for the same seed, and is nothing for the oracle."""
    table = table_of((1.0, 0.0, 0.0, 0.0, 0.0), (0.0, 1.0, 0.0, 1000.0, 0.0))
    up = RateSchedule(((10.0, 1e6), (3.0, 500.0)), repeat=True)
    replay = ExactReplay(table, World(up, RateSchedule.constant(1e6)), np.arange(0.0, 130.0))
    found = exact_regret(replay.fixed(0), seed=3)
    low, high = found.ci
    assert low < found.mean < high
    assert found == exact_regret(replay.fixed(0), seed=3) != exact_regret(replay.fixed(0), seed=4)
    assert exact_regret(replay.oracle()).ci == (0.0, 0.0)


def test_a_policy_is_told_what_became_of_its_plans(table_of: Callable[..., CutTable]) -> None:
    """Record by record, with what was predicted beside what it truly took."""
    table = table_of((1.0, 0.0, 0.0, 0.0, 0.0), (0.0, 1.0, 0.25, 1000.0, 500.0))
    seen: list[InferenceRecord] = []

    class Watching(Cutpoint):
        def observe(self, record: InferenceRecord) -> None:
            seen.append(record)

    world = World(RateSchedule(((1.0, 1e4), (1.0, 2e4))), RateSchedule.constant(1e4))
    exact_run(Watching(), table, world, [0.0, 1.0], "late", window_s=0.0)
    assert [record.measured.upload_s for record in seen] == pytest.approx([0.1, 0.05])
    assert seen[1].predicted.upload_s == pytest.approx(0.1)
    assert [record.request for record in seen] == [1, 2]
    assert (seen[0].sent_bytes, seen[0].received_bytes, seen[0].attempts) == (1000, 500, 1)


@pytest.mark.parametrize("positions_s", [[], [1.0, 0.5], [-1.0, 0.0]])
def test_positions_are_times_that_ascend(
    table_of: Callable[..., CutTable], positions_s: list[float]
) -> None:
    """At least one."""
    table = table_of((1.0, 0.0, 0.0, 0.0, 0.0), (0.0, 1.0, 0.0, 1.0, 0.0))
    world = World(RateSchedule.constant(1.0), RateSchedule.constant(1.0))
    with pytest.raises(ValueError, match="ascend"):
        ExactReplay(table, world, positions_s)
