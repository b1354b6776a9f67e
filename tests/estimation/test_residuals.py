"""What is wrong of a host, and what of one of its cuts, is told apart by several cuts."""

from math import inf, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutpoint.estimation import Residuals

TOLD = (1.0, 1.0)


def seen(residuals: Residuals, cut: str, times: float, num: int = 10, from_s: float = 0.0) -> float:
    """Let runs of a cut take so many times what is believed; gives when the last was over."""
    for index in range(num):
        residuals.observe(cut, 0.02 * times, 0.02, TOLD, from_s + 0.1 * index)
    return from_s + 0.1 * num


def test_one_cut_is_blamed_for_what_others_do_not_show() -> None:
    """Where two cuts are as believed, a third that is not is wrong by itself."""
    residuals = Residuals()
    at_s = seen(residuals, "a", 1.0)
    at_s = seen(residuals, "b", 1.0, from_s=at_s)
    seen(residuals, "c", 3.0, from_s=at_s)
    assert residuals.factor("c") == pytest.approx(3.0, rel=0.15)
    assert residuals.factor("a") < 1.5


def test_a_host_is_blamed_for_what_all_show() -> None:
    """Where each of five cuts takes three times as long, a sixth is believed to do so too."""
    residuals, at_s = Residuals(), 0.0
    for cut in "abcde" * 3:
        at_s = seen(residuals, cut, 3.0, 3, at_s)
    assert residuals.factor("unseen") > 1.6
    assert residuals.factor("a") == pytest.approx(3.0, rel=0.15)


def test_what_was_blamed_on_a_cut_is_the_hosts_when_the_next_shows_it() -> None:
    """The second cut that is slow takes blame from the first."""
    residuals = Residuals()
    at_s = seen(residuals, "a", 3.0)
    alone = residuals.factor("unseen")
    seen(residuals, "b", 3.0, from_s=at_s)
    assert residuals.factor("unseen") > alone


def test_bad_news_needs_a_second_witness_and_good_news_none() -> None:
    """One long run moves little; one short run, and a second long one, much."""
    residuals = Residuals()
    at_s = seen(residuals, "a", 1.0)
    at_s = seen(residuals, "a", 10.0, 1, at_s)
    assert residuals.factor("a") < 1.3
    at_s = seen(residuals, "a", 10.0, 1, at_s)
    assert residuals.factor("a") > 2.0
    before = residuals.factor("a")
    seen(residuals, "a", 1.0, 1, at_s)
    assert residuals.factor("a") < 0.8 * before


def test_short_runs_say_little() -> None:
    """A tail of a few microseconds that took ten times as long is no profile that is wrong."""
    residuals = Residuals()
    for index in range(20):
        residuals.observe("a", 1e-4, 1e-5, TOLD, 0.1 * index)
    assert residuals.factor("a") < 1.1


def test_what_is_told_by_then_explains_a_run() -> None:
    """A load that the host told of while the run was under way is no surprise any more."""
    residuals = Residuals()
    for index in range(5):
        residuals.observe("a", 0.1, 0.02, (1.0, 5.0), 0.1 * index)
    assert residuals.factor("a") == pytest.approx(1.0)


def test_what_an_estimator_takes_over_is_given_back_and_the_cut_keeps_its_own() -> None:
    """It tells of a host three times slower for one wrong cut: others are not believed so slow."""
    residuals, told = Residuals(), 1.0
    for index in range(30):
        residuals.observe("a", 0.06, 0.02, (told, told), 0.1 * index)
        told = 3.0 - 0.6 * (3.0 - told)
    assert told * residuals.factor("a") == pytest.approx(3.0, rel=0.1)
    assert told * residuals.factor("unseen") < 2.7


def test_what_was_found_fades() -> None:
    """Minutes later a cut is what it was profiled to be, as far as anybody knows."""
    residuals = Residuals()
    at_s = seen(residuals, "a", 3.0)
    (soon,) = residuals.logs(["a"], at_s + 1.0)
    (late,) = residuals.logs(["a"], at_s + 600.0)
    assert soon > 0.8
    assert abs(late) < 0.01


@pytest.mark.parametrize("absurd", [nan, inf, -inf, -1.0, 0.0])
@pytest.mark.parametrize("place", range(5))
def test_absurd_figures_teach_nothing(absurd: float, place: int) -> None:
    """Whichever of its figures cannot be true, the run did not happen."""
    figures = [0.06, 0.02, 1.0, 1.0, 1.0]
    figures[place] = absurd if place < 4 or absurd not in (-1.0, 0.0) else nan
    residuals = Residuals()
    duration_s, idle_s, then, now, at_s = figures
    residuals.observe("a", duration_s, idle_s, (then, now), at_s)
    assert residuals.factor("a") == 1.0


POSITIVE = st.floats(min_value=5e-324, max_value=1.7e308)


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), POSITIVE, POSITIVE, POSITIVE, POSITIVE, st.floats(0, 1e9))
    )
)
def test_factors_are_finite_and_bounded_whatever_is_seen(
    runs: list[tuple[str, float, float, float, float, float]],
) -> None:
    """No run, in whatever order and however odd, makes a factor of more than twenty."""
    residuals = Residuals()
    for cut, duration_s, idle_s, then, now, at_s in runs:
        residuals.observe(cut, duration_s, idle_s, (then, now), at_s)
    logs = residuals.logs(["a", "b", "c", "unseen"], 1e9)
    assert np.all(np.abs(logs) <= np.log(20.0) + 1e-9)


def test_many_cuts_are_not_remembered_for_ever() -> None:
    """However many cuts there are, memory is bounded."""
    residuals = Residuals()
    for index in range(500):
        residuals.observe(f"cut {index}", 0.02, 0.02, TOLD, float(index))
    assert len(residuals._mean) <= 65


def test_what_a_session_has_come_to_believe_counts_once() -> None:
    """As soon as it tells of the slow host, what the run before was blamed for is that."""
    residuals = Residuals()
    at_s = seen(residuals, "a", 4.0)
    for told in (2.0, 4.0):
        residuals.follow(told, at_s)
    assert told * residuals.factor("a") == pytest.approx(4.0, rel=0.1)
    residuals.follow(nan, at_s)
    assert told * residuals.factor("a") == pytest.approx(4.0, rel=0.1)


def test_a_cut_that_was_as_believed_is_not_what_has_changed() -> None:
    """A profile that was right a moment ago is right still: it is the host that has slowed down."""
    residuals = Residuals()
    at_s = seen(residuals, "a", 1.0, 20)
    at_s = seen(residuals, "a", 4.0, 3, at_s)
    assert residuals.factor("a") == pytest.approx(4.0, rel=0.15)
    assert residuals.factor("unseen") == pytest.approx(4.0, rel=0.2)
