"""Tallies count what is best, and add up."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutpoint.lab.shares.tally import Latencies, Tally

_SECONDS = st.floats(1e-4, 10.0)


def _latencies(*points: tuple[float, float, float]) -> Latencies:
    return Latencies(*(np.array(column) for column in zip(*points, strict=True)))


def test_each_point_is_counted_once_where_it_belongs() -> None:
    """A device, a server, a split by a hair, by 3 % and by half: each share says so."""
    tally = _latencies(
        (1.0, 2.0, 3.0), (2.0, 1.0, 3.0), (1.0, 2.0, 0.995), (2.06, 2.0, 2 / 1.03), (3.0, 3.0, 2.0)
    ).tally
    assert (tally.num_points, tally.num_device) == (5, 1)
    assert (tally.num_best, tally.num_over_1, tally.num_over_5) == (3, 2, 1)
    assert tally.most == pytest.approx(1.5)
    product = 1 / 0.995 * 1.03 * 1.5
    assert tally.gain == pytest.approx(product ** (1 / 5) - 1)
    assert tally.gain_when_best == pytest.approx(product ** (1 / 3) - 1)


def test_a_split_that_ties_is_not_best() -> None:
    """What no split improves on is the end's, and of equal ends the device's."""
    tally = _latencies((1.0, 1.0, 1.0), (2.0, 1.0, math.inf)).tally
    assert (tally.num_device, tally.num_best, tally.gain, tally.most) == (1, 0, 0.0, 1.0)


@given(st.lists(st.tuples(_SECONDS, _SECONDS, _SECONDS), min_size=2, max_size=20), st.data())
def test_tallies_add_up(points: list[tuple[float, float, float]], data: st.DataObject) -> None:
    """Counted together or apart, in any two parts, the outcome is the same."""
    at = data.draw(st.integers(1, len(points) - 1))
    together = _latencies(*points).tally
    apart = _latencies(*points[:at]).tally + _latencies(*points[at:]).tally
    assert apart.log_speedups == pytest.approx(together.log_speedups)
    assert (apart.num_points, apart.num_device, apart.num_best, apart.num_over_1) == (
        together.num_points, together.num_device, together.num_best, together.num_over_1,
    )  # fmt: skip
    assert apart.most == together.most
    assert sum((apart, together), Tally()).num_over_5 == 2 * together.num_over_5


def test_nothing_counted_is_no_share() -> None:
    """Without a point every share and gain is zero."""
    assert (Tally().best, Tally().gain, Tally().gain_when_best) == (0.0, 0.0, 0.0)


def test_latencies_at_a_point_are_those_of_the_point() -> None:
    """An index picks the same point of each kind."""
    grid = np.arange(12.0).reshape(3, 4)
    one = Latencies(grid, grid + 1, grid - 2).at(1)
    assert one.best_s.tolist() == [2.0, 3.0, 4.0, 5.0]
    assert float(Latencies(grid, grid + 1, grid - 2).at(2, 3).end_s) == 11.0
