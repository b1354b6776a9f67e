import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutpoint.estimation import SlowdownEstimator

FACTORS = st.floats(0.06, 19)


def test_at_first_the_device_is_as_profiled() -> None:
    """Before the first run the factor is one."""
    assert SlowdownEstimator().factor == 1.0


def test_one_run_moves_the_factor_by_its_weight() -> None:
    """A run four times slower moves the factor by 0.3 of the way, on a log scale."""
    slowdown = SlowdownEstimator()
    slowdown.observe(duration_s=4.0, profiled_s=1.0)
    assert slowdown.factor == pytest.approx(4**0.3)


@given(factor=FACTORS)
def test_a_lasting_factor_is_found(factor: float) -> None:
    """Twenty runs at one factor bring the belief within 1 % of it."""
    slowdown = SlowdownEstimator()
    for _ in range(20):
        slowdown.observe(factor * 0.02, 0.02)
    assert slowdown.factor == pytest.approx(factor, rel=0.01)


@given(factor=FACTORS, count=st.integers(1, 10))
def test_slower_and_faster_are_followed_alike(factor: float, count: int) -> None:
    """Runs slower by a factor and runs faster by it move the belief equally far."""
    slower, faster = SlowdownEstimator(), SlowdownEstimator()
    for _ in range(count):
        slower.observe(factor, 1.0)
        faster.observe(1.0, factor)
    assert slower.factor == pytest.approx(1 / faster.factor)


@pytest.mark.parametrize(
    ("duration_s", "factor"), [(1e9, 20**0.3), (1e-9, 20**-0.3), (30.0, 20**0.3)]
)
def test_one_run_counts_for_a_factor_of_twenty_at_most(duration_s: float, factor: float) -> None:
    """A run that hung, or a clock that jumped, moves the belief by a bounded step."""
    slowdown = SlowdownEstimator()
    slowdown.observe(duration_s, 1.0)
    assert slowdown.factor == pytest.approx(factor)


@pytest.mark.parametrize(("duration_s", "profiled_s"), [(0.0, 1.0), (1.0, 0.0), (-1.0, 1.0)])
def test_no_time_says_nothing(duration_s: float, profiled_s: float) -> None:
    """An empty head tells nothing of the device."""
    slowdown = SlowdownEstimator()
    slowdown.observe(duration_s, profiled_s)
    assert slowdown.factor == 1.0
