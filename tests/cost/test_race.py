"""What a race takes on average: the first of two, one of which is not known for sure."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutpoint.cost.latency import Prediction
from cutpoint.cost.race import first_s, lognormal_quantile, race_latency_s

SECONDS = st.floats(1e-4, 10)
SPREADS = st.floats(0, 3)


def first(server_s: float, device_s: float, spread: float) -> float:
    """Give the mean of one pair."""
    return float(first_s(np.array([server_s]), np.array([device_s]), spread)[0])


@pytest.mark.parametrize(("server_s", "device_s"), [(0.1, 0.1), (0.1, 0.05), (0.1, 0.5)])
@pytest.mark.parametrize("spread", [0.1, 0.3, 0.8])
def test_the_mean_is_that_of_many_draws(server_s: float, device_s: float, spread: float) -> None:
    """Of the lesser of a lognormal time and a known one."""
    drawn_s = server_s * np.exp(spread * np.random.default_rng(0).standard_normal(400_000))
    assert first(server_s, device_s, spread) == pytest.approx(
        np.minimum(drawn_s, device_s).mean(), rel=5e-3
    )


@given(SECONDS, SECONDS, SPREADS)
def test_a_race_never_takes_longer_than_the_device(
    server_s: float, device_s: float, spread: float
) -> None:
    """And never less than nothing."""
    assert 0 <= first(server_s, device_s, spread) <= device_s


def test_what_is_known_for_sure_is_the_lesser_of_two() -> None:
    """A server that cannot be used leaves the device."""
    assert first(0.2, 0.3, 0.0) == 0.2
    assert first(np.inf, 0.3, 0.5) == 0.3
    assert first(0.2, 0.0, 0.5) == 0.0


def test_rows_race_behind_their_heads() -> None:
    """A device-only row has nothing behind its cut, and is as ever."""
    none = np.zeros(2)
    prediction = Prediction(
        np.array([0.5, 0.1]), none, np.array([0.0, 0.3]), none, np.array([0.0, 0.1]), none
    )
    assert race_latency_s(prediction, np.array([0.0, 0.2]), 0.0) == pytest.approx([0.5, 0.3])


def test_the_quantile_of_a_lognormal() -> None:
    """One standard deviation above the median at 84 %."""
    assert lognormal_quantile(2.0, 0.5, 0.8413447) == pytest.approx(2.0 * np.exp(0.5))
