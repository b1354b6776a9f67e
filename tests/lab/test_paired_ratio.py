"""The ratio of two medians that were measured in turn."""

from collections.abc import Callable

import numpy as np
import pytest

from cutpoint.lab.paired_ratio import measure_in_turn, paired_ratio


@pytest.mark.parametrize("factor", [1.0, 1.05, 3.0])
def test_the_interval_holds_the_true_ratio(factor: float) -> None:
    """Durations with noise and a common drift: the ratio is found, and its interval is narrow."""
    rng = np.random.default_rng(1)
    drift = 1 + 0.5 * np.sin(np.arange(2000) / 50)
    reference = 0.01 * drift * rng.lognormal(0, 0.05, 2000)
    given = factor * 0.01 * drift * rng.lognormal(0, 0.05, 2000)
    ratio = paired_ratio(given.tolist(), reference.tolist())
    assert ratio.low <= factor <= ratio.high
    assert ratio.low < ratio.ratio < ratio.high
    assert ratio.num_pairs == 2000
    assert ratio.width < 0.2 * factor


def test_a_difference_beyond_the_noise_is_outside_the_interval() -> None:
    """Five per cent with one per cent of noise is no accident."""
    rng = np.random.default_rng(2)
    reference = rng.normal(1.0, 0.01, 500)
    ratio = paired_ratio((reference * 1.05).tolist(), rng.permutation(reference).tolist())
    assert ratio.low > 1.03


def test_more_noise_is_a_wider_interval() -> None:
    """The interval tells how sure the ratio is."""
    rng = np.random.default_rng(3)
    quiet, loud = (rng.normal(1.0, spread, (2, 400)) for spread in (0.01, 0.1))
    widths = [paired_ratio(*each.tolist()).width for each in (quiet, loud)]
    assert widths[0] < widths[1] / 3


@pytest.mark.parametrize("sizes", [(0, 0), (2, 3)])
def test_what_is_no_pairs_is_refused(sizes: tuple[int, int]) -> None:
    """Nothing, or more of one than of the other, has no ratio."""
    with pytest.raises(ValueError, match="pairs are wanted"):
        paired_ratio([1.0] * sizes[0], [1.0] * sizes[1])


def test_rounds_turn_and_end_when_it_is_enough() -> None:
    """Each runs once a round, each begins a round in turn, and rounds are added while asked for."""
    order: list[str] = []

    def noted(name: str) -> Callable[[], float]:
        return lambda: (order.append(name), float(len(order)))[1]

    runs = [noted(name) for name in "abc"]
    taken = measure_in_turn(runs, 2, lambda taken: len(taken[0]) >= 4, most_rounds=10)
    assert [len(each) for each in taken] == [4, 4, 4]
    assert "".join(order) == "abcbcacababc"
    assert len(measure_in_turn(runs, 2, lambda taken: False, most_rounds=6)[0]) == 6
