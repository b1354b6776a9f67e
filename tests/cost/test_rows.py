"""Rows of heads, by three ways that must agree."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cutpoint.cost import (
    HeadRows,
    PrefixRows,
    every_head,
    head_rows,
    latency_of,
    placement_of,
    predict,
)
from cutpoint.graph import closed_sets
from cutpoint.planning import Problem
from cutpoint.testing import random_problem, random_shape

COLUMNS = ("head_s", "tail_s", "up_bytes", "down_bytes", "is_offloaded", "is_allowed")


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    """Draw a small table with limits."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return random_problem(rng, random_shape(rng, draw(st.integers(1, 9))), is_limited=True)


def check_equal(left: HeadRows, right: HeadRows) -> None:
    """Compare two ways row by row."""
    assert left.heads == right.heads
    for name in COLUMNS:
        np.testing.assert_allclose(getattr(left, name), getattr(right, name), rtol=0, atol=1e-9)


@given(problem=problems())
def test_every_head_is_what_each_is_alone(problem: Problem) -> None:
    """Costs grown block by block are those of the heads looked at by themselves."""
    rows = every_head(problem.table, problem.limits, 1 << problem.table.num_blocks)
    assert rows is not None
    check_equal(rows, head_rows(problem.table, rows.heads, problem.limits))
    assert set(rows.heads) == set(closed_sets(problem.table.predecessors, 1 << 10) or ())


@given(problem=problems())
def test_prefixes_by_sums_are_the_same_heads(problem: Problem) -> None:
    """Cumulative sums give what the heads cost, in any topological order."""
    table = problem.table
    orders = (None, sorted(range(table.num_blocks), key=lambda b: (table.depths[b], -b)))
    for order in orders:
        prefixes = PrefixRows(table, order)
        heads = [prefixes.head(row) for row in range(table.num_blocks + 1)]
        rows = head_rows(table, heads, problem.limits)
        for name in ("head_s", "tail_s", "up_bytes", "down_bytes"):
            np.testing.assert_allclose(getattr(prefixes, name), getattr(rows, name), atol=1e-9)
        np.testing.assert_array_equal(prefixes.is_allowed(problem.limits), rows.is_allowed)


@given(problem=problems())
def test_rows_and_itineraries_add_up_alike(problem: Problem) -> None:
    """The objective on rows is the objective on placements: one sum, told two ways."""
    table = problem.table
    rows = every_head(table, problem.limits, 1 << table.num_blocks)
    assert rows is not None
    latency_s = predict(rows, problem.conditions).latency_s
    for row, head in enumerate(rows.heads):
        placement = placement_of(head, table.num_blocks)
        parts = latency_of(table, placement, problem.conditions)
        np.testing.assert_allclose(latency_s[row], parts.latency_s, rtol=1e-12)
        assert rows.is_allowed[row] == problem.limits.are_kept(table, placement)


def test_more_heads_than_asked_for_are_not_listed() -> None:
    """A cap is a cap, and a wide level is seen before anything is listed."""
    rng = np.random.default_rng(0)
    wide = random_problem(rng, [[]] * 40)
    assert every_head(wide.table, wide.limits, 1000) is None
    chain = random_problem(rng, [[1], [2], []])
    assert every_head(chain.table, chain.limits, 3) is None
