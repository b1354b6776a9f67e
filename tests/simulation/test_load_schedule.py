"""Load and slow-down by steps."""

import math

import numpy as np
import pytest

from cutpoint.records import LoadConditions
from cutpoint.simulation.load_schedule import LoadSchedule, SlowdownSchedule

IDLE, BUSY = LoadConditions(), LoadConditions(0.1, 3.0)


def test_the_last_phase_lasts() -> None:
    """Unless it repeats: then the first comes again; a phase includes its first instant."""
    once = LoadSchedule(((10.0, IDLE), (5.0, BUSY)))
    again = LoadSchedule(((10.0, IDLE), (5.0, BUSY)), repeat=True)
    times_s = (0.0, 9.9, 10.0, 14.9, 15.0, 24.9, 25.0)
    assert [once.at(t_s) for t_s in times_s] == [IDLE, IDLE, *[BUSY] * 5]
    assert [again.at(t_s) for t_s in times_s] == [IDLE, IDLE, BUSY, BUSY, IDLE, IDLE, BUSY]


def test_arrays_say_the_same() -> None:
    """Waiting and slow-down at many times, of any shape, as at each of them."""
    schedule = LoadSchedule(((10.0, IDLE), (5.0, BUSY)), repeat=True)
    times_s = np.array([[0.0, 12.0], [15.0, 29.0]])
    assert schedule.waits_s_at(times_s).tolist() == [[0.0, 0.1], [0.0, 0.1]]
    assert schedule.slowdowns_at(times_s).tolist() == [[1.0, 3.0], [1.0, 3.0]]
    hot = SlowdownSchedule(((1.0, 1.0), (1.0, 2.5)))
    assert hot.slowdowns_at(np.array([0.5, 1.0, 9.0])).tolist() == [1.0, 2.5, 2.5]
    assert hot.at(1.5) == 2.5


def test_one_load_for_ever() -> None:
    """However late."""
    assert LoadSchedule.constant(BUSY).at(1e9) == BUSY
    assert SlowdownSchedule.constant(2.0).at(1e9) == 2.0


@pytest.mark.parametrize("duration_s", [0.0, -1.0, math.nan, math.inf])
def test_a_phase_that_is_none_is_named(duration_s: float) -> None:
    """An endless one may only be the last."""
    with pytest.raises(ValueError, match="phase 0 of a load schedule"):
        LoadSchedule(((duration_s, IDLE), (1.0, BUSY)))
    with pytest.raises(ValueError, match="phase 0 of a slow-down schedule"):
        SlowdownSchedule(((duration_s, 1.0), (1.0, 1.0)), repeat=True)


def test_no_phase_and_no_slowdown_are_refused() -> None:
    """A schedule says something at every time, and a device takes some time for everything."""
    with pytest.raises(ValueError, match="at least one phase"):
        LoadSchedule(())
    with pytest.raises(ValueError, match="phase 1 of a slow-down schedule: 0"):
        SlowdownSchedule(((1.0, 1.0), (1.0, 0.0)))
