import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutpoint.estimation import SlowdownEstimator

FACTORS = st.floats(0.06, 19)


def test_at_first_the_device_is_as_profiled() -> None:
    """Before the first run the factor is one."""
    assert SlowdownEstimator().factor(0.0) == 1.0


def test_one_run_moves_the_factor_by_its_weight() -> None:
    """A run four times slower moves the factor by 0.3 of the way, on a log scale."""
    slowdown = SlowdownEstimator()
    slowdown.observe(duration_s=4.0, profiled_s=1.0, at_s=0.0)
    assert slowdown.factor(0.0) == pytest.approx(4**0.3)


@given(factor=FACTORS)
def test_a_lasting_factor_is_found(factor: float) -> None:
    """Twenty runs at one factor bring the belief within 1 % of it."""
    slowdown = SlowdownEstimator()
    for _ in range(20):
        slowdown.observe(factor * 0.02, 0.02, 0.0)
    assert slowdown.factor(0.0) == pytest.approx(factor, rel=0.01)


def test_a_run_of_next_to_nothing_says_next_to_nothing() -> None:
    """A few microseconds that take six times as long are no sign of a slow device."""
    slowdown = SlowdownEstimator()
    for _ in range(5):
        slowdown.observe(duration_s=6e-5, profiled_s=1e-5, at_s=0.0)
    assert slowdown.factor(0.0) < 1.1


@given(factor=FACTORS, count=st.integers(1, 10))
def test_slower_and_faster_are_followed_alike(factor: float, count: int) -> None:
    """Runs slower by a factor and runs faster by it move the belief equally far."""
    slower, faster = SlowdownEstimator(), SlowdownEstimator()
    for _ in range(count):
        slower.observe(factor, 1.0, 0.0)
        faster.observe(1.0, factor, 0.0)
    assert slower.factor(0.0) == pytest.approx(1 / faster.factor(0.0))


@pytest.mark.parametrize(
    ("duration_s", "factor"), [(1e9, 20**0.3), (1e-9, 20**-0.3), (30.0, 20**0.3)]
)
def test_one_run_counts_for_a_factor_of_twenty_at_most(duration_s: float, factor: float) -> None:
    """A run that hung, or a clock that jumped, moves the belief by a bounded step."""
    slowdown = SlowdownEstimator()
    slowdown.observe(duration_s, 1.0, 0.0)
    assert slowdown.factor(0.0) == pytest.approx(factor)


@pytest.mark.parametrize(("duration_s", "profiled_s"), [(0.0, 1.0), (1.0, 0.0), (-1.0, 1.0)])
def test_no_time_says_nothing(duration_s: float, profiled_s: float) -> None:
    """An empty head tells nothing of the device."""
    slowdown = SlowdownEstimator()
    slowdown.observe(duration_s, profiled_s, 0.0)
    assert slowdown.factor(0.0) == 1.0


def test_belief_fades_while_nothing_runs_here() -> None:
    """What was believed of the device is forgotten by and by: a policy does not stick to it."""
    slowdown = SlowdownEstimator()
    for _ in range(20):
        slowdown.observe(5.0, 1.0, at_s=10.0)
    factors = [slowdown.factor(at_s) for at_s in (10.0, 40.0, 100.0, 400.0)]
    assert factors == sorted(factors, reverse=True)
    assert factors[0] == pytest.approx(5.0, rel=0.01)
    assert factors[-1] == pytest.approx(1.0, abs=0.01)


def test_one_slow_run_among_quick_ones_is_chance() -> None:
    """A rise beyond noise is believed as far as two runs in a row show it; a fall at once."""
    slowdown, noise = SlowdownEstimator(), 1.25**0.3
    slowdown.observe(1.0, 1.0, at_s=0.0)
    slowdown.observe(8.0, 1.0, at_s=0.0)
    assert slowdown.factor(0.0) == pytest.approx(noise)
    slowdown.observe(4.0, 1.0, at_s=0.0)
    assert slowdown.factor(0.0) == pytest.approx(noise**0.7 * 4**0.3)
    slowdown.observe(1.0, 1.0, at_s=0.0)
    assert slowdown.factor(0.0) == pytest.approx((noise**0.7 * 4**0.3) ** 0.7)


def test_short_work_that_is_quick_again_brings_the_factor_down() -> None:
    """Where nothing else is computed here, encoding shows that the device is slow no more."""
    slowdown = SlowdownEstimator()
    for _ in range(10):
        slowdown.observe(4.0, 1.0, at_s=0.0)
    for _ in range(20):
        slowdown.observe_at_most(duration_s=0.004, profiled_s=0.004, at_s=0.0)
    assert 1.0 < slowdown.factor(0.0) < 1.25


@pytest.mark.parametrize(
    ("duration_s", "profiled_s"), [(0.04, 0.004), (0.004, 0.004), (0.0, 0.004), (0.004, 0.0)]
)
def test_short_work_never_raises_the_factor(duration_s: float, profiled_s: float) -> None:
    """Encoding may be held up by much that is not the device's speed."""
    slowdown = SlowdownEstimator()
    slowdown.observe_at_most(duration_s, profiled_s, at_s=0.0)
    assert slowdown.factor(0.0) == 1.0
