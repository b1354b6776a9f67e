import numpy as np
import pytest

from cutpoint.estimation import Lateness


def after(*ratios: float) -> Lateness:
    """Give what was learnt from answers that took so many times what was predicted."""
    lateness = Lateness()
    for ratio in ratios:
        lateness.observe(ratio * 0.2, 0.2)
    return lateness


def test_nothing_is_said_before_twenty_answers() -> None:
    """The latest of a few is no measure."""
    assert after(*[1.0] * 19).times_predicted is None
    assert after(*[1.0] * 20).times_predicted is not None


@pytest.mark.parametrize(
    ("ratios", "times"),
    [
        ([1.0] * 40, 1.5),  # the least
        ([1.0] * 40 + [1.6], 2.0),
        ([1.0] * 40 + [2.4], 3.0),  # the most
        ([2.0] + [1.0] * 100, 1.5),  # long ago
    ],
)
def test_it_is_the_latest_of_a_hundred_and_a_quarter(ratios: list[float], times: float) -> None:
    """Within 1.5 and 3 times what is predicted."""
    assert after(*ratios).times_predicted == pytest.approx(times)


def test_answers_that_spread_far_are_no_measure() -> None:
    """One that took eight times what was predicted: for a hundred answers nothing is said."""
    assert after(*[1.0] * 40, 8.0).times_predicted is None
    assert after(8.0, *[1.0] * 100).times_predicted == 1.5


def test_times_of_zero_say_nothing() -> None:
    """Neither as a prediction nor as a measurement."""
    lateness = after(*[1.0] * 19)
    lateness.observe(0.0, 0.2)
    lateness.observe(0.2, 0.0)
    assert lateness.times_predicted is None


def test_false_alarms_are_rare() -> None:
    """Of answers that spread by a fifth, fewer than one in five hundred would be given up."""
    rng = np.random.default_rng(7)
    lateness, num_late = Lateness(), 0
    ratios = np.exp(0.2 * rng.standard_normal(20_000))
    for ratio in ratios:
        times = lateness.times_predicted
        num_late += times is not None and ratio > times
        lateness.observe(ratio, 1.0)
    assert num_late < len(ratios) / 500


def test_a_server_that_becomes_slower_is_given_more() -> None:
    """Each answer that was not waited for adds a quarter: at twice the time, four are lost."""
    lateness = after(*[1.0] * 30)
    num_lost = 0
    while (times := lateness.times_predicted) is not None and times < 2.0:
        lateness.observe(times, 1.0)
        num_lost += 1
    assert num_lost <= 4


def test_what_is_kept_is_the_greatest_of_the_latest_hundred() -> None:
    """However the latest of them came and went."""
    rng = np.random.default_rng(0)
    ratios = np.round(1.2 + 1.1 * rng.random(1000) ** 4, 2)
    lateness = after(*ratios[:20])
    for end in range(20, 1000):
        most = max(ratios[max(end - 100, 0) : end])
        assert lateness.times_predicted == pytest.approx(max(1.25 * most, 1.5))
        lateness.observe(ratios[end] * 0.2, 0.2)
