"""Made-up tables and worlds, for laws over all of them."""

from collections.abc import Callable

import numpy as np
from hypothesis import strategies as st

from cutpoint.cost import CutTable
from cutpoint.graph import Cut, cut_id
from cutpoint.records import LoadConditions
from cutpoint.simulation.load_schedule import LoadSchedule, SlowdownSchedule
from cutpoint.simulation.rate_schedule import RateSchedule
from cutpoint.simulation.world import World

DURATIONS = st.floats(1e-2, 10)
RATES = st.floats(1e3, 1e8)
DELAYS = st.floats(0, 0.2)
LOADS = st.builds(LoadConditions, st.floats(0, 1), st.floats(0.5, 10))


def _rows(num_splits: int) -> tuple[Cut, ...]:
    splits = [Cut("split", cut_id([f"v{i}"]), (f"v{i}",), 0, ("y",)) for i in range(num_splits)]
    device, server = (
        Cut("device", "device-only", (), 1, ()),
        Cut("server", "server-only", ("x",), 0, ("y",)),
    )
    return device, server, *splits


@st.composite
def tables(draw: st.DrawFn) -> CutTable:
    """Draw a table of two to eight rows."""
    cuts = _rows(draw(st.integers(0, 6)))
    num = len(cuts)

    def column(most: float, least: float = 0.0) -> np.ndarray:
        return np.array(draw(st.lists(st.floats(least, most), min_size=num, max_size=num)))

    head_s, rest_s, encode_s, tail_s = column(2, 1e-3), column(2), column(0.1), column(1)
    up_bytes, down_bytes = np.rint(column(1e6)), np.rint(column(1e5))
    tail_s[0] = up_bytes[0] = down_bytes[0] = encode_s[0] = 0
    may_send = draw(st.booleans())
    return CutTable(
        cuts, head_s, rest_s, encode_s, tail_s, up_bytes, down_bytes, may_send_inputs=may_send
    )


def rate_schedules(rates: st.SearchStrategy[float] = RATES) -> st.SearchStrategy[RateSchedule]:
    """Draw schedules of the rate; with outages if the rates given have them."""
    phases = st.lists(st.tuples(DURATIONS, rates), min_size=1, max_size=8).map(tuple)
    return st.builds(RateSchedule, phases, st.booleans())


def worlds(
    rates: st.SearchStrategy[float] = RATES,
) -> st.SearchStrategy[World]:
    """Draw worlds in which everything changes."""
    loads = st.lists(st.tuples(DURATIONS, LOADS), min_size=1, max_size=4).map(tuple)
    slowdowns = st.lists(st.tuples(DURATIONS, st.floats(0.2, 5)), min_size=1, max_size=4)
    build: Callable[..., World] = World
    return st.builds(
        build,
        rate_schedules(rates),
        rate_schedules(rates),
        DELAYS,
        DELAYS,
        st.builds(LoadSchedule, loads, st.booleans()),
        st.builds(SlowdownSchedule, slowdowns.map(tuple), st.booleans()),
    )
