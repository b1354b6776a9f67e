"""Which heads are looked at."""

import numpy as np
import pytest

from cutpoint.cost import head_of
from cutpoint.graph import closed_sets
from cutpoint.planning import is_closed
from cutpoint.planning.cuts.candidate_heads import candidate_heads
from cutpoint.planning.problem import Problem
from cutpoint.testing import SHAPES, random_problem, random_shape


def problem_on(name: str) -> Problem:
    """Draw a problem on a named shape."""
    return random_problem(np.random.default_rng(0), SHAPES[name])


def test_all_of_them_if_they_are_few() -> None:
    """Every closed set is listed once, those with most on the device first."""
    table = problem_on("inception block").table
    heads, is_all = candidate_heads(table)
    assert is_all
    assert sorted(heads) == sorted(closed_sets(table.predecessors, 1000) or [])
    assert (heads[0], heads[-1]) == (table.everything, 0)
    sizes = [head.bit_count() for head in heads]
    assert sizes == sorted(sizes, reverse=True)


@pytest.mark.parametrize("seed", range(20))
def test_closed_and_of_every_single_value_if_they_are_many(seed: int) -> None:
    """What is listed instead is closed, and has both ends and every cut at one value."""
    rng = np.random.default_rng(seed)
    problem = random_problem(rng, random_shape(rng, 10))
    table = problem.table
    heads, is_all = candidate_heads(table, max_heads=1)
    assert not is_all
    assert {0, table.everything} <= set(heads)
    for head in heads:
        assert is_closed(problem, tuple(0 if head >> block & 1 else 1 for block in range(10)))
    for head in closed_sets(table.predecessors, 10_000) or []:
        crossing = [
            value.producer
            for value in table.values
            if any(not head >> consumer & 1 for consumer in value.consumers)
            and (value.producer is None or head >> value.producer & 1)
        ]
        if len(crossing) == 1 and crossing[0] is not None:
            hands_over = 1 << crossing[0]
            assert any(other & hands_over and other & ~head == 0 for other in heads)


def test_a_chain_has_its_prefixes() -> None:
    """A chain of four blocks has five heads."""
    heads, _ = candidate_heads(problem_on("chain").table)
    assert heads == [0b1111, 0b111, 0b11, 0b1, 0]
    assert head_of((0, 0, 1, 1)) in heads
