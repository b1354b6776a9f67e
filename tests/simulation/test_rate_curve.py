"""A schedule summed up says what going through its phases says."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.simulation.made_up import rate_schedules

from cutpoint.simulation.rate_curve import RateCurve
from cutpoint.simulation.rate_schedule import RateSchedule

RATES = st.just(0.0) | st.floats(1e2, 1e8)


@given(
    schedule=rate_schedules(RATES),
    starts_s=st.lists(st.floats(0, 100), min_size=1, max_size=4),
    size_bytes=st.integers(0, 10**7),
)
def test_a_transfer_ends_when_its_bytes_have_passed(
    schedule: RateSchedule, starts_s: list[float], size_bytes: int
) -> None:
    """By its end the schedule has sent so much and hardly more, or it never sends so much."""
    curve = RateCurve(schedule)
    found = curve.all_finish_s(np.array(starts_s), np.array(float(size_bytes)))
    for start_s, finish_s in zip(starts_s, found.tolist(), strict=True):
        assert finish_s == pytest.approx(curve.finish_s(start_s, size_bytes), rel=1e-12)
        if math.isinf(finish_s):
            assert math.isinf(schedule.finish_s(start_s, size_bytes * (1 + 1e-9) + 1e-3))
        else:
            sent_bytes = schedule.sent_bytes(start_s, finish_s)
            assert sent_bytes == pytest.approx(size_bytes, rel=1e-6, abs=1e-2)


@given(schedule=rate_schedules(RATES), start_s=st.floats(0, 100), long_s=st.floats(0, 100))
def test_it_carries_what_the_schedule_sends(
    schedule: RateSchedule, start_s: float, long_s: float
) -> None:
    """Between any two times, and alike for one time and for an array of them."""
    curve, end_s = RateCurve(schedule), start_s + long_s
    carried_bytes = curve.carried_bytes(end_s) - curve.carried_bytes(start_s)
    wanted_bytes = schedule.sent_bytes(start_s, end_s)
    assert carried_bytes == pytest.approx(wanted_bytes, rel=1e-6, abs=1e-2)
    (found,) = curve.all_carried_bytes(np.array([end_s]))
    assert found == pytest.approx(curve.carried_bytes(end_s), rel=1e-12)


def test_a_transfer_that_just_fits_ends_before_the_outage() -> None:
    """Rounding does not carry its last byte over an outage of an hour."""
    schedule = RateSchedule(((0.1, 3e5), (3600.0, 0.0)), repeat=True)
    curve = RateCurve(schedule)
    assert curve.finish_s(0.0, 30_000) == pytest.approx(0.1)
    assert curve.all_finish_s(np.array(3 * 3600.1), np.array(30_000.0)) == pytest.approx(
        3 * 3600.1 + 0.1
    )


def test_nothing_ever_passes_a_dead_link() -> None:
    """Nothing but nothing, which takes no time."""
    curve = RateCurve(RateSchedule.constant(0.0))
    assert math.isinf(curve.finish_s(1.0, 1))
    assert np.isinf(curve.all_finish_s(np.array([1.0, np.inf]), np.array([1.0, 0.0]))).all()
    assert curve.finish_s(1.0, 0) == 1.0


def test_the_rate_is_that_of_the_phase() -> None:
    """A phase includes its first instant; a repeated one comes again."""
    curve = RateCurve(RateSchedule(((1.0, 10.0), (1.0, 30.0)), repeat=True))
    assert [curve.rate_at(t_s) for t_s in (0.0, 1.0, 2.5)] == [10.0, 30.0, 10.0]
