"""How far a rate moves with time."""

from math import log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutpoint.estimation.variability import Variability


def walked(num: int, step_s: float, factor: float) -> Variability:
    """Watch a rate that goes up and down by a factor, once each step."""
    variability = Variability()
    for index in range(num):
        variability.observe(1e6 * (factor if index % 2 else 1.0), index * step_s)
    return variability


def test_nothing_is_said_before_enough_was_seen() -> None:
    """Two pairs may be anything."""
    assert walked(3, 0.05, 9.0).variance(60.0) == 0.0
    assert walked(6, 0.05, 9.0).variance(60.0) > 0.0


def test_what_moves_within_a_lag_has_its_mean_square() -> None:
    """A factor of three each 0.1 s is the square of its logarithm at 0.1 s."""
    variability = walked(200, 0.1, 3.0)
    assert variability.variance(0.1) == pytest.approx(log(3.0) ** 2, rel=0.01)
    assert variability.variance(0.04) == 0.0


@given(st.lists(st.tuples(st.floats(0.01, 20), st.floats(3, 8)), min_size=2, max_size=200))
def test_a_longer_time_is_never_surer(steps: list[tuple[float, float]]) -> None:
    """Whatever was seen whenever: variances ascend with age, and are bounded."""
    variability, at_s = Variability(), 0.0
    for pause_s, exponent in steps:
        at_s += pause_s
        variability.observe(10.0**exponent, at_s)
    variances = [variability.variance(0.05 * 2**power) for power in range(-1, 12)]
    assert variances == sorted(variances)
    assert variances[0] >= 0.0
    assert variances[-1] <= 9.0


def test_old_habits_are_forgotten() -> None:
    """A link that has become steady is believed to be, a few minutes later."""
    variability = walked(400, 0.1, 3.0)
    for index in range(1000):
        variability.observe(1e6, 40.0 + 0.1 * index)
    assert variability.variance(0.1) < 0.01
