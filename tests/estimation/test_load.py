from dataclasses import astuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutpoint.estimation import LoadEstimator
from cutpoint.records import LoadConditions, LoadReport

TIMES = st.floats(0, 100)
ANSWERS = st.lists(st.tuples(TIMES, TIMES, st.floats(1e-3, 100)), min_size=1, max_size=10)


def test_an_unknown_server_is_taken_to_be_idle() -> None:
    """Before the first answer there is no wait and no slow-down, at any time."""
    assert LoadConditions(0.0, 1.0) == LoadEstimator().conditions(100.0)


def test_an_answer_moves_the_belief_by_its_weight() -> None:
    """One answer moves wait and slow-down by 0.4 of the way; one that bears out a step by 0.7."""
    load = LoadEstimator()
    load.observe(wait_s=1.0, tail_s=6.0, idle_tail_s=2.0, at_s=5.0)
    assert astuple(load.conditions(5.0)) == (pytest.approx(0.4), pytest.approx(1.8))
    load.observe(wait_s=1.0, tail_s=6.0, idle_tail_s=2.0, at_s=5.0)
    assert astuple(load.conditions(5.0)) == (pytest.approx(0.64), pytest.approx(2.64))


def test_many_answers_are_believed() -> None:
    """A load that lasts is believed as it is."""
    load = LoadEstimator()
    for _ in range(30):
        load.observe(wait_s=0.2, tail_s=0.03, idle_tail_s=0.01, at_s=1.0)
    assert astuple(load.conditions(1.0)) == (pytest.approx(0.2), pytest.approx(3.0))


def test_a_belief_ages_to_idle() -> None:
    """Wait falls by e in two seconds; slow-down holds for five, and is gone after three more."""
    load = LoadEstimator()
    load.observe(wait_s=1.0, tail_s=6.0, idle_tail_s=2.0, at_s=10.0)
    assert load.conditions(12.0).wait_s == pytest.approx(0.4 / 2.718281828)
    assert load.conditions(15.0).slowdown == pytest.approx(1.8)
    assert load.conditions(16.5).slowdown == pytest.approx(1.8**0.5)
    assert load.conditions(18.0).slowdown == 1.0
    assert astuple(load.conditions(1000.0)) == (pytest.approx(0), pytest.approx(1))


def test_a_server_faster_than_profiled_is_believed_too() -> None:
    """A slow-down below one is kept, down to a tenth, and ages up to one."""
    load = LoadEstimator()
    for _ in range(50):
        load.observe(wait_s=0.0, tail_s=0.0, idle_tail_s=2.0, at_s=0.0)
    assert load.conditions(0.0).slowdown == pytest.approx(0.1)
    assert load.conditions(1000.0).slowdown == pytest.approx(1.0)


def test_a_tail_of_next_to_nothing_says_next_to_nothing() -> None:
    """A few microseconds that take ten times as long are no sign of a slow server."""
    load = LoadEstimator()
    for _ in range(20):
        load.observe(wait_s=0.0, tail_s=2e-4, idle_tail_s=2e-5, at_s=0.0)
    assert load.conditions(0.0).slowdown < 2
    for _ in range(2):
        load.observe(wait_s=0.0, tail_s=1.0, idle_tail_s=2e-5, at_s=0.0)
    assert load.conditions(0.0).slowdown > 100  # but those that hang are


def test_short_tails_that_stay_slow_are_believed_after_a_long_quick_one() -> None:
    """One quick answer does not stand against all that follow it."""
    load = LoadEstimator()
    load.observe(wait_s=0.0, tail_s=5e-3, idle_tail_s=5e-3, at_s=0.0)
    for number in range(1, 100):
        load.observe(wait_s=0.0, tail_s=15e-3, idle_tail_s=1.5e-3, at_s=0.05 * number)
    assert load.conditions(5.0).slowdown > 8


def test_one_slow_answer_among_quick_ones_is_chance() -> None:
    """The second in a row is believed, as far as both show it; a fall is believed at once."""
    load = LoadEstimator()
    for tail_s, believed in ((1.0, 1.0), (3.0, 1.0), (1.0, 1.0), (3.0, 1.0), (2.0, 1.7)):
        load.observe(wait_s=0.0, tail_s=tail_s, idle_tail_s=1.0, at_s=0.0)
        assert load.conditions(0.0).slowdown == pytest.approx(believed)
    load.observe(wait_s=0.0, tail_s=1.0, idle_tail_s=1.0, at_s=0.0)
    assert load.conditions(0.0).slowdown == pytest.approx(1.42)


def test_a_short_tail_says_little_of_long_ones() -> None:
    """What holds it up moves the belief by its share of their time; many of them are believed."""
    load = LoadEstimator()
    load.observe(wait_s=0.0, tail_s=0.1, idle_tail_s=0.1, at_s=0.0)
    for _ in range(2):
        load.observe(wait_s=0.0, tail_s=0.015, idle_tail_s=0.005, at_s=0.0)
    share = 0.005 / (0.8**2 * 0.1)
    assert load.conditions(0.0).slowdown == pytest.approx(1 + 0.4 * share * 2)
    for _ in range(30):
        load.observe(wait_s=0.0, tail_s=0.015, idle_tail_s=0.005, at_s=0.0)
    assert load.conditions(0.0).slowdown == pytest.approx(3.0, rel=0.01)


def test_an_unknown_idle_time_says_nothing_of_slow_down() -> None:
    """Where the idle tail is not known, only the wait is learned."""
    load = LoadEstimator()
    load.observe(wait_s=1.0, tail_s=6.0, idle_tail_s=0.0, at_s=0.0)
    assert astuple(load.conditions(0.0)) == (pytest.approx(0.4), 1.0)


def test_a_clock_that_seems_to_go_back_does_not_raise_the_load() -> None:
    """Asked about the past, the estimator tells what it knows, no more."""
    load = LoadEstimator()
    load.observe(wait_s=1.0, tail_s=6.0, idle_tail_s=2.0, at_s=10.0)
    assert load.conditions(10.0) == load.conditions(3.0)


@given(answers=ANSWERS, age_s=TIMES, more_s=TIMES)
def test_a_belief_stays_in_bounds_and_only_fades(
    answers: list[tuple[float, float, float]], age_s: float, more_s: float
) -> None:
    """Whatever is reported, wait lies between none and the longest, and time brings it down."""
    load = LoadEstimator()
    for wait_s, tail_s, idle_tail_s in answers:
        load.observe(wait_s, tail_s, idle_tail_s, at_s=1.0)
    younger, older = load.conditions(1.0 + age_s), load.conditions(1.0 + age_s + more_s)
    assert 0 <= older.wait_s <= younger.wait_s <= max(wait_s for wait_s, _, _ in answers)
    assert abs(older.slowdown - 1) <= abs(younger.slowdown - 1)


def test_a_negative_wait_is_none() -> None:
    """Clocks that disagree make no negative wait."""
    load = LoadEstimator()
    load.observe(wait_s=-1.0, tail_s=2.0, idle_tail_s=2.0, at_s=0.0)
    assert astuple(load.conditions(0.0)) == (0.0, 1.0)


def test_a_server_that_lies_about_its_times_is_still_believable() -> None:
    """However absurd the times a server tells, the load stays one that can be planned with."""
    load = LoadEstimator()
    load.observe(1e308, 1e308, 1e-308, 0.0)
    load.observe(1e308, 1e308, 1e-308, 0.0)
    assert load.conditions(0.0).slowdown <= 1e6
    assert load.conditions(0.0).wait_s < float("inf")


def test_an_answer_that_was_given_up_tells_how_slow_the_server_is_at_least() -> None:
    """A tail that is not done after four times its idle time is slow; one within belief is not."""
    load = LoadEstimator()
    load.observe_at_least(tail_s=0.04, idle_tail_s=0.01, at_s=1.0)
    slowdown = load.conditions(1.0).slowdown
    assert 2.5 < slowdown <= 4.0
    load.observe_at_least(tail_s=0.02, idle_tail_s=0.01, at_s=1.0)
    load.observe_at_least(tail_s=0.02, idle_tail_s=0.0, at_s=1.0)
    load.observe_at_least(tail_s=-0.01, idle_tail_s=0.01, at_s=1.0)
    assert load.conditions(1.0).slowdown == slowdown
    load.observe_at_least(1e308, 1e-308, 1.0)
    assert load.conditions(1.0).slowdown <= 1e6


def test_what_is_forgotten_is_believed_no_more() -> None:
    """After an outage the server counts as idle."""
    load = LoadEstimator()
    load.observe(wait_s=1.0, tail_s=0.4, idle_tail_s=0.01, at_s=1.0)
    load.observe_at_least(tail_s=9.0, idle_tail_s=0.01, at_s=2.0)
    load.forget()
    assert astuple(load.conditions(2.0)) == (0.0, 1.0)


def test_a_guess_is_given_up_after_few_quick_answers() -> None:
    """A tail that was given up once says no more than the short answers after it."""
    load = LoadEstimator()
    load.observe(wait_s=0.0, tail_s=0.01, idle_tail_s=0.01, at_s=0.0)
    load.observe_at_least(tail_s=0.12, idle_tail_s=4e-4, at_s=0.0)
    assert 20 < load.conditions(0.0).slowdown < 60
    for _ in range(5):
        load.observe(wait_s=0.0, tail_s=6e-4, idle_tail_s=4e-4, at_s=0.0)
    assert load.conditions(0.0).slowdown < 5


def test_a_guess_that_answers_bear_out_stays() -> None:
    """A server that is as slow as was guessed is believed to be."""
    load = LoadEstimator()
    load.observe_at_least(tail_s=0.12, idle_tail_s=0.01, at_s=0.0)
    believed = load.conditions(0.0).slowdown
    for _ in range(3):
        load.observe(wait_s=0.0, tail_s=0.13, idle_tail_s=0.01, at_s=0.0)
    assert load.conditions(0.0).slowdown > believed


def test_one_stall_among_short_tails_is_chance() -> None:
    """Of tails below two milliseconds as well: the first of all, and any after quick ones."""
    load = LoadEstimator()
    load.observe(wait_s=0.0, tail_s=8e-3, idle_tail_s=4e-4, at_s=0.0)
    assert load.conditions(0.0).slowdown == 1.0
    for number in range(1, 200):
        tail_s = 8e-3 if number % 40 == 0 else 4e-4
        load.observe(wait_s=0.0, tail_s=tail_s, idle_tail_s=4e-4, at_s=0.01 * number)
        assert load.conditions(0.01 * number).slowdown < 1.05


@pytest.mark.parametrize("slowdown", [1.2, 5.0, 1000.0])
def test_a_slow_server_is_tried_again_and_at_once_left_again(slowdown: float) -> None:
    """Believed for five seconds, gone after eight; one answer then brings all of it back."""
    load = LoadEstimator()
    for number in range(20):
        load.observe(wait_s=0.0, tail_s=0.1 * slowdown, idle_tail_s=0.1, at_s=0.1 * number)
    believed = load.conditions(2.0).slowdown
    assert believed == pytest.approx(slowdown, rel=0.01)
    assert load.conditions(6.8).slowdown == believed
    assert load.conditions(10.0).slowdown == 1.0
    load.observe(wait_s=0.0, tail_s=0.1 * slowdown, idle_tail_s=0.1, at_s=10.0)
    assert load.conditions(10.0).slowdown >= 1 + 0.4 * (believed - 1)
    load.observe(wait_s=0.0, tail_s=0.1, idle_tail_s=0.1, at_s=20.0)
    assert load.conditions(20.0).slowdown == pytest.approx(1.0)


def test_a_poll_shows_what_own_requests_do_not() -> None:
    """Figures of others' requests are believed, an empty queue is, and stale figures are not."""
    load = LoadEstimator()
    assert load.age_s(0.0) is None
    for number in range(10):
        load.reported(LoadReport(0.5 * number, age_s=0.1, wait_s=0.2, slowdown=3.0, num_pending=4))
    assert load.conditions(4.5).slowdown == pytest.approx(3.0, rel=0.05)
    assert load.conditions(4.5).wait_s == pytest.approx(0.2, rel=0.5)
    assert load.age_s(4.5) == pytest.approx(0.1)
    for number in range(10, 14):
        load.reported(LoadReport(0.5 * number, age_s=4.0, wait_s=0.2, slowdown=9.0, num_pending=0))
    assert load.conditions(6.5).wait_s < 0.01
    assert load.conditions(6.5).slowdown == pytest.approx(3.0, rel=0.05)


def test_own_figures_told_again_are_no_news() -> None:
    """What a poll says of the request that was answered before it teaches nothing more."""
    load = LoadEstimator()
    load.observe(wait_s=0.0, tail_s=0.3, idle_tail_s=0.1, at_s=1.0)
    before = load.conditions(1.2).slowdown
    for number in range(5):
        load.reported(LoadReport(1.2, age_s=0.3, slowdown=30.0, num_pending=number))
    assert load.conditions(1.2).slowdown == before


def test_what_bears_witness_may_be_forgotten_meanwhile() -> None:
    """An outage ends on one thread while an answer is learned from on another."""

    class Forgetful(LoadEstimator):
        _shown: float | None = None

        @property
        def _witness(self) -> float | None:
            found, self._shown = self._shown, None
            return found

        @_witness.setter
        def _witness(self, value: float | None) -> None:
            self._shown = value

    load = Forgetful()
    for _ in range(3):
        load.observe(wait_s=0.0, tail_s=6.0, idle_tail_s=2.0, at_s=1.0)
    assert 1.0 < load.conditions(1.0).slowdown <= 3.0


def test_a_mean_of_many_does_not_refute_what_was_given_up() -> None:
    """A poll that still counts the quick requests before a stall says nothing of the stall."""
    load = LoadEstimator()
    load.observe_at_least(tail_s=0.6, idle_tail_s=0.1, at_s=10.0)
    believed = load.conditions(10.0).slowdown
    load.reported(LoadReport(10.2, age_s=0.1, slowdown=1.3, is_polled=True))
    assert load.conditions(10.2).slowdown == believed > 4.0
    load.reported(LoadReport(10.4, age_s=0.1, slowdown=9.0, is_polled=True))
    assert load.conditions(10.4).slowdown > believed
