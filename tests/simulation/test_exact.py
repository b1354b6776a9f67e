"""What each row truly takes: the objective, where nothing changes, and the trace where it does."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.simulation.made_up import DELAYS, LOADS, RATES, tables, worlds

from cutpoint.cost import CutTable, predict
from cutpoint.records import LoadConditions
from cutpoint.simulation.exact import exact_latencies, exact_parts, exact_prediction
from cutpoint.simulation.load_schedule import LoadSchedule, SlowdownSchedule
from cutpoint.simulation.rate_schedule import RateSchedule
from cutpoint.simulation.world import World, true_conditions


@given(
    table=tables(),
    up=RATES,
    down=RATES,
    delays_s=st.tuples(DELAYS, DELAYS),
    load=LOADS,
    slowdown=st.floats(0.2, 5),
    at_s=st.floats(0, 100),
)
def test_where_nothing_changes_it_is_the_objective(
    table: CutTable,
    up: float,
    down: float,
    delays_s: tuple[float, float],
    load: LoadConditions,
    slowdown: float,
    at_s: float,
) -> None:
    """Row by row and part by part: latency has one definition."""
    world = World(
        RateSchedule.constant(up),
        RateSchedule.constant(down),
        *delays_s,
        LoadSchedule.constant(load),
        SlowdownSchedule.constant(slowdown),
    )
    found = exact_prediction(table, world, at_s)
    wanted = predict(table, true_conditions(world, at_s))
    for part in ("head_s", "encode_s", "upload_s", "wait_s", "tail_s", "download_s"):
        if part in ("wait_s", "tail_s", "download_s"):  # a barred row has no server's part here
            usable = np.isfinite(wanted.upload_s)
            given, due = getattr(found, part)[usable], getattr(wanted, part)[usable]
        else:
            given, due = getattr(found, part), getattr(wanted, part)
        np.testing.assert_allclose(given, due, rtol=1e-5, atol=1e-7)


@settings(max_examples=40)
@given(
    table=tables(), world=worlds(st.just(0.0) | RATES), at_s=st.lists(st.floats(0, 50), max_size=4)
)
def test_many_positions_are_as_each_of_them(
    table: CutTable, world: World, at_s: list[float]
) -> None:
    """An array of positions gives a row of latencies for each."""
    found = exact_latencies(table, world, np.array(at_s))
    assert found.shape == (len(at_s), len(table.cuts))
    for position_s, latency_s in zip(at_s, found, strict=True):
        np.testing.assert_array_equal(latency_s, exact_latencies(table, world, position_s))
        assert exact_parts(table, world, position_s, 0).latency_s == latency_s[0]


def test_the_trace_is_integrated_over_the_transfer() -> None:
    """From the end of the head and the encoding on, and back from the end of the tail."""
    table = _one_split()
    up = RateSchedule(((1.0, 100.0), (1.0, 0.0), (10.0, 400.0)))
    down = RateSchedule(((4.0, 50.0), (10.0, 1000.0)))
    load = LoadSchedule(((3.0, LoadConditions()), (9.0, LoadConditions(0.5, 2.0))))
    world = World(up, down, 0.25, 0.125, load)
    parts = exact_parts(table, world, 0.0, 2)
    # Head and encoding until 0.5; 50 bytes until 1.0, an outage, 450 more until 3.125.
    assert (parts.head_s, parts.encode_s) == (0.375, 0.125)
    assert parts.upload_s == pytest.approx(2.625 + 0.25)
    # It arrives at 3.375, when the server is busy, and its tail ends at 4.275: 100 bytes back.
    assert (parts.wait_s, parts.tail_s) == (0.5, pytest.approx(0.4))
    assert parts.download_s == pytest.approx(0.1 + 0.125)


def test_a_leg_meets_the_slowdown_that_is_when_it_begins() -> None:
    """The head of this one goes on at the pace it began with."""
    world = World(
        RateSchedule.constant(1e3),
        RateSchedule.constant(1e3),
        device=SlowdownSchedule(((1.0, 2.0), (1.0, 1.0))),
    )
    assert exact_parts(_one_split(), world, 0.9, 0).latency_s == 2.0
    assert exact_parts(_one_split(), world, 1.0, 0).latency_s == 1.0


def _one_split() -> CutTable:
    from cutpoint.graph import Cut, cut_id

    cuts = (
        Cut("device", "device-only", (), 1, ()),
        Cut("server", "server-only", ("x",), 0, ("y",)),
        Cut("split", cut_id(["a"]), ("a",), 0, ("y",)),
    )
    columns = [
        [1.0, 0.0, 0.375],
        [0.0, 1.0, 0.625],
        [0.0, 0.0, 0.125],
        [0.0, 0.3, 0.2],
        [0.0, 2000.0, 500.0],
        [0.0, 100.0, 100.0],
    ]
    return CutTable(cuts, *(np.array(column) for column in columns))
