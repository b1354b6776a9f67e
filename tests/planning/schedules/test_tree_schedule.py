"""The schedule of trees against all orders."""

import logging
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.planning.flow_shops import drawn, random_in_tree, random_out_tree, random_paths

from cutpoint.cost.flow_shop import makespan
from cutpoint.exceptions import PlannerError
from cutpoint.planning.schedules.general_schedule import closure_order
from cutpoint.planning.schedules.tree_schedule import concatenate, tree_order

_log = logging.getLogger(__name__)
_NUM_DRAWN = 400
JOB = st.tuples(st.integers(0, 20).map(float), st.integers(0, 20).map(float))


@pytest.mark.parametrize(
    "draw_shape",
    [random_paths, random_out_tree, random_in_tree],
    ids=["chains with inner transfers", "out-trees", "in-trees"],
)
def test_optimal_on_trees(draw_shape: Callable[[np.random.Generator, int], list[int]]) -> None:
    """On 400 drawn trees, whoever sends, no order is better."""
    rng = np.random.default_rng(0)
    for _ in range(_NUM_DRAWN):
        shop = drawn(rng, draw_shape(rng, int(rng.integers(1, 8))), float(rng.choice([0.5, 1.0])))
        assert shop.gap_of(tree_order) == 0.0


def test_better_than_path_wise_with_a_shared_prefix() -> None:
    """On out-trees, running each sender with what it needs as one job loses sometimes."""
    rng = np.random.default_rng(2)
    shops = [drawn(rng, random_out_tree(rng, 7), 1.0) for _ in range(_NUM_DRAWN)]
    gaps = [shop.gap_of(closure_order) for shop in shops]
    optimal = sum(gap == 0.0 for gap in gaps)
    _log.info("closures on out-trees: %d of 400, worst +%.1f %%", optimal, 100 * max(gaps))
    assert 250 < optimal < _NUM_DRAWN


@given(before=st.lists(JOB, max_size=3), first=JOB, second=JOB, after=st.lists(JOB, max_size=3))
def test_a_composite_is_two_jobs_in_a_row(
    before: list[tuple[float, float]],
    first: tuple[float, float],
    second: tuple[float, float],
    after: list[tuple[float, float]],
) -> None:
    """Whatever surrounds them, both end when their composite does, plus the time both overlap."""
    composite = concatenate(first, second)
    saved_s = min(first[1], second[0])
    apart = makespan([*before, first, second, *after])
    assert makespan([*before, composite, *after]) + saved_s == apart


def test_long_chains_are_quick() -> None:
    """Every composite is merged once: a comb of thousands of blocks is no burden."""
    count = 3000
    predecessors = [0, *(1 << max(vertex - 2, 0) for vertex in range(1, count))]
    order = tree_order([1.0] * count, [2.0] * count, predecessors)
    assert sorted(order) == list(range(count))


def test_other_dags_are_refused() -> None:
    """A diamond raises, and the message says what to use."""
    with pytest.raises(PlannerError, match="use the general one"):
        tree_order([1.0] * 4, [1.0] * 4, [0, 0b1, 0b1, 0b110])
