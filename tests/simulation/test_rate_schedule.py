import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cutpoint.simulation.rate_schedule import RateSchedule

unhurried = settings(deadline=None)
times_s = st.floats(0, 1e4)
sizes_bytes = st.floats(0, 1e9)


def schedules(bandwidth: st.SearchStrategy[float]) -> st.SearchStrategy[RateSchedule]:
    """Draw schedules of one to five phases, repeating or not."""
    phases = st.lists(st.tuples(st.floats(1e-3, 100), bandwidth), min_size=1, max_size=5)
    return st.builds(RateSchedule, phases=phases.map(tuple), repeat=st.booleans())


flowing = schedules(st.floats(1e3, 1e8))
with_outages = schedules(st.one_of(st.just(0.0), st.floats(1e3, 1e8)))


def test_a_constant_rate_takes_size_over_rate() -> None:
    """A constant rate of 1000 bytes per second takes 2.5 s for 2500 bytes, whenever it starts."""
    schedule = RateSchedule.constant(1000)
    assert schedule.finish_s(0, 2500) == 2.5
    assert schedule.finish_s(7, 2500) == 9.5
    assert schedule.bandwidth_at(1e9) == 1000


def test_a_transfer_is_integrated_over_phase_changes() -> None:
    """What does not fit into one phase goes on at the next phase's rate."""
    schedule = RateSchedule(phases=((1.0, 1000), (1.0, 4000), (1.0, 500)))
    assert schedule.finish_s(0.5, 500) == 1.0
    assert schedule.finish_s(0.5, 2500) == 1.5
    assert schedule.finish_s(0.5, 4500 + 2000) == 6.0


def test_the_last_phase_lasts_for_ever_unless_the_schedule_repeats() -> None:
    """After its end a schedule keeps its last rate, or begins anew."""
    phases = ((1.0, 1000.0), (3.0, 200.0))
    assert RateSchedule(phases).bandwidth_at(4.5) == 200
    assert RateSchedule(phases, repeat=True).bandwidth_at(4.5) == 1000
    assert RateSchedule(phases, repeat=True).finish_s(0, 16_000) == 40


def test_a_phase_includes_its_first_instant() -> None:
    """At the instant of a change the new rate holds."""
    schedule = RateSchedule(phases=((1.0, 1000), (1.0, 2000)), repeat=True)
    assert [schedule.bandwidth_at(t_s) for t_s in (0, 1, 2, 3)] == [1000, 2000, 1000, 2000]


def test_a_transfer_waits_for_the_end_of_an_outage() -> None:
    """A phase of rate 0 carries nothing; what ends as it begins does not wait for it."""
    schedule = RateSchedule(phases=((1.0, 1000), (5.0, 0)), repeat=True)
    assert schedule.finish_s(0, 1000) == 1.0
    assert schedule.finish_s(0, 1500) == 6.5
    assert schedule.finish_s(0, 2000) == 7.0


def test_a_transfer_that_meets_a_lasting_outage_never_ends() -> None:
    """The end is infinite when the link is out for good."""
    assert RateSchedule(phases=((1.0, 1000), (1.0, 0))).finish_s(0.5, 501) == math.inf
    assert RateSchedule(phases=((1.0, 0),), repeat=True).finish_s(0, 1) == math.inf


@unhurried
@given(flowing, times_s, sizes_bytes, sizes_bytes)
def test_more_bytes_end_later(
    schedule: RateSchedule, start_s: float, size_bytes: float, more_bytes: float
) -> None:
    """The end of a transfer is monotone in its size, and never before its start."""
    first_s = schedule.finish_s(start_s, size_bytes)
    assert start_s <= first_s
    assert first_s <= schedule.finish_s(start_s, size_bytes + more_bytes) + 1e-9


@unhurried
@given(flowing, times_s, st.floats(0, 1e3), sizes_bytes)
def test_a_later_start_ends_later(
    schedule: RateSchedule, start_s: float, wait_s: float, size_bytes: float
) -> None:
    """No transfer overtakes one that started before it."""
    earlier_s = schedule.finish_s(start_s, size_bytes)
    assert earlier_s <= schedule.finish_s(start_s + wait_s, size_bytes) + 1e-7


@unhurried
@given(with_outages, times_s, sizes_bytes)
def test_the_rate_integrates_to_the_size(
    schedule: RateSchedule, start_s: float, size_bytes: float
) -> None:
    """From start to end the link carries exactly the transfer's bytes."""
    finish_s = schedule.finish_s(start_s, size_bytes)
    if finish_s < math.inf:
        # 1e-11 s is the resolution of a double at 1e5 s; times 1e8 bytes/s.
        carried_bytes = schedule.sent_bytes(start_s, finish_s)
        assert carried_bytes == pytest.approx(size_bytes, rel=1e-6, abs=1.0)


@unhurried
@given(flowing, times_s, sizes_bytes, sizes_bytes)
def test_a_transfer_in_two_parts_ends_like_the_whole(
    schedule: RateSchedule, start_s: float, first_bytes: float, second_bytes: float
) -> None:
    """Sending the second part when the first has left takes as long as sending both at once."""
    halfway_s = schedule.finish_s(start_s, first_bytes)
    whole_s = schedule.finish_s(start_s, first_bytes + second_bytes)
    assert schedule.finish_s(halfway_s, second_bytes) == pytest.approx(whole_s, rel=1e-9, abs=1e-6)


@pytest.mark.parametrize(
    ("phases", "repeat", "named"),
    [
        ((), False, "at least one"),
        (((0.0, 1.0),), False, "duration_s must be above 0"),
        (((math.nan, 1.0),), False, "duration_s must be above 0"),
        (((math.inf, 1.0), (1.0, 1.0)), False, "phase 0"),
        (((math.inf, 1.0),), True, "phase 0"),
        (((1.0, 1.0), (1.0, -1.0)), False, "phase 1: bandwidth_bytes_per_s must be at least 0"),
        (((1.0, math.inf),), False, "finite, got inf"),
    ],
)
def test_an_impossible_schedule_is_refused(
    phases: tuple[tuple[float, float], ...], repeat: bool, named: str
) -> None:
    """A schedule that means nothing is an error that names the phase and the bound."""
    with pytest.raises(ValueError, match=named):
        RateSchedule(phases, repeat)


def test_impossible_times_and_sizes_are_refused() -> None:
    """Times before the start, and negative sizes, are errors that name the bound."""
    schedule = RateSchedule.constant(1000)
    with pytest.raises(ValueError, match="size_bytes must be at least 0"):
        schedule.finish_s(0, -1)
    with pytest.raises(ValueError, match="the time must be at least 0"):
        schedule.bandwidth_at(-1)
    with pytest.raises(ValueError, match="end_s must be finite and at least 2"):
        schedule.sent_bytes(2, 1)
