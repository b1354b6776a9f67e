"""The one form of reports."""

import math

import msgspec
import numpy as np
import pytest

from cutpoint.lab.experiments.form import at_least, at_most, interval, summarise


def test_a_summary_is_of_the_latencies() -> None:
    """Mean and percentiles are those of numpy, and the interval of the mean holds the mean."""
    given = np.random.default_rng(5).exponential(1.0, 400)
    told = summarise(given.tolist())
    assert told.mean == pytest.approx(given.mean())
    assert (told.p50, told.p95, told.p99) == pytest.approx(np.percentile(given, [50, 95, 99]))
    low, high = told.ci
    assert low < told.mean < high
    assert (high - low) / 2 == pytest.approx(1.96 * given.std() / 20, rel=0.15)
    assert told == summarise(given.tolist()), "the same every time"


def test_the_interval_of_thousands_is_like_that_of_hundreds_of_times_fewer() -> None:
    """Both ways to the interval agree where they meet."""
    given = np.random.default_rng(6).exponential(1.0, 5001)
    by_formula, by_draws = summarise(given.tolist()).ci, summarise(given[:5000].tolist()).ci
    assert by_formula == pytest.approx(by_draws, rel=0.02)


@pytest.mark.parametrize("alike", [[0.2], [0.2, 0.2, 0.2]])
def test_latencies_that_do_not_differ_have_no_width(alike: list[float]) -> None:
    """One, or several that are the same."""
    told = summarise(alike)
    assert told.ci == (told.mean, told.mean) == pytest.approx((0.2, 0.2))


@pytest.mark.parametrize("wrong", [[], [0.1, math.nan], [math.inf], [-0.1]])
def test_what_is_no_latency_is_refused(wrong: list[float]) -> None:
    """Rather than summed up to something."""
    with pytest.raises(ValueError, match="latencies are finite"):
        summarise(wrong)


def test_claims_hold_on_their_side_of_the_bound() -> None:
    """The bound itself is within; a value that is no number never is."""
    assert at_most("x", 1, 1).holds
    assert at_least("x", 1, 1).holds
    assert not at_most("x", 1.01, 1).holds
    assert not at_least("x", 0.99, 1).holds
    assert not at_most("x", math.nan, 1).holds
    assert not at_least("x", math.nan, 1).holds
    assert msgspec.to_builtins(at_most("x", np.float64(2.0), 1)) == {
        "name": "x", "value": 2.0, "bound": 1.0, "holds": False,
    }  # fmt: skip


def test_an_interval_is_the_middle_95_percent() -> None:
    """Of values from 0 to 1000, all but the outer 25 on each side."""
    assert interval(range(1001)) == pytest.approx((25, 975))
