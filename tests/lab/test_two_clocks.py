"""What a session's records say of the world it ran in."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from cutpoint.cost import CutTable
from cutpoint.exceptions import ExperimentError
from cutpoint.lab.experiments import simulation
from cutpoint.lab.experiments.simulation import Pair
from cutpoint.lab.two_clocks import RealRun, Watched, by_phase, world_of
from cutpoint.policies import Cutpoint
from cutpoint.records import DEVICE, InferenceRecord, LegRun, LoadConditions
from cutpoint.simulation.rate_schedule import RateSchedule
from cutpoint.simulation.scenario import DeviceSpec, Scenario
from cutpoint.simulation.simulator import simulate
from cutpoint.simulation.world import World

SCHEDULE = RateSchedule(((2.0, 1e6), (2.0, 1e3)))


@pytest.fixture
def table(table_of: Callable[..., CutTable]) -> CutTable:
    """Give two ends: half a second on the device, a twentieth on the server."""
    return table_of((0.5, 0.0, 0.0, 0.0, 0.0), (0.0, 0.5, 0.05, 50_000.0, 1_000.0))


@pytest.fixture
def records(table: CutTable) -> tuple[InferenceRecord, ...]:
    """Give those of a session that goes to the device when the link falls."""
    world = World(SCHEDULE, RateSchedule.constant(1e6), 0.01, 0.01)
    return simulate(Scenario((DeviceSpec("d", Cutpoint(), table, world),)), 4.0).records


def test_records_are_told_by_the_phase_they_began_in(records: tuple[InferenceRecord, ...]) -> None:
    """The last phase takes all that began after it."""
    fast, slow = by_phase(records, SCHEDULE, 0.0)
    assert [*fast, *slow] == list(records)
    assert {record.planned for record in fast} == {"server"}
    assert all(record.at_s >= 2.0 for record in slow)


def test_what_was_met_is_read_off_the_records(
    table: CutTable, records: tuple[InferenceRecord, ...]
) -> None:
    """A world as profiled is found to be one; a message's time is half a round trip."""
    run = world_of("cutpoint", records, table, SCHEDULE)
    assert isinstance(run, RealRun)
    assert run.message_s == pytest.approx(0.01)
    assert run.slowdowns == pytest.approx((1.0, 1.0))
    assert [load.slowdown for load in run.loads] == pytest.approx([1.0, 1.0])
    assert run.kept == records


def test_where_most_was_disturbed_nothing_counts_and_nothing_is_claimed(
    table: CutTable, records: tuple[InferenceRecord, ...]
) -> None:
    """Over four fifths dropped is no result: no row, and a claim that does not hold."""
    busy = LegRun(DEVICE, "whole", 0.5, cpu_s=0.25)
    disturbed = [replace(each, legs=(busy,)) for each in records]
    for num_kept, is_result in ((len(records) // 2, True), (1, False), (0, False)):
        mixed = (*disturbed[num_kept:], *records[:num_kept])
        run = RealRun(mixed, table, 0.01, (1.0, 1.0), (LoadConditions(), LoadConditions()))
        assert len(run.kept) == (num_kept if is_result else 0)
        pair = Pair("net", "cutpoint", None, run, records)  # type: ignore[arg-type]
        rows = simulation._rows([pair], seed=0)
        assert [row.clock for row in rows] == (["real"] if is_result else []) + ["virtual"]
        if not is_result:
            assert not simulation._claims([pair], 1e6)[0].holds


def test_a_session_without_a_link_has_no_world(table: CutTable) -> None:
    """Nothing can be compared with it."""
    dead = World(RateSchedule.constant(0.0), RateSchedule.constant(1e6))
    records = simulate(Scenario((DeviceSpec("d", Cutpoint(), table, dead),)), 2.0).records
    with pytest.raises(ExperimentError, match="never knew its link"):
        world_of("cutpoint", records, table, SCHEDULE)


def test_a_watched_policy_is_the_same_policy() -> None:
    """Only that its table is seen."""
    watched = Watched(Cutpoint())
    assert (watched.name, watched.needs_every_candidate, watched.is_steady) == (
        "cutpoint",
        False,
        True,
    )
