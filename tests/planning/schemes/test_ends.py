"""Planners that never change their mind."""

import numpy as np
import pytest

from cutpoint.cost import Limits
from cutpoint.exceptions import PlannerError
from cutpoint.planning import INFEASIBLE, Problem
from cutpoint.planning.schemes.ends import FixedCut, device_only, server_only
from cutpoint.testing import SHAPES, random_problem


@pytest.fixture
def problem() -> Problem:
    """Give a problem on a chain of four."""
    return random_problem(np.random.default_rng(0), SHAPES["chain"])


def test_the_ends_and_one_cut(problem: Problem) -> None:
    """All here, all there, and the blocks that were named."""
    assert device_only().plan(problem).placement == (0, 0, 0, 0)
    assert server_only().plan(problem).placement == (1, 1, 1, 1)
    assert FixedCut("mine", frozenset({"b0", "b1"})).plan(problem).placement == (0, 0, 1, 1)


def test_a_forbidden_cut_is_infeasible(problem: Problem) -> None:
    """A cut that never changes has no other to give."""
    limited = Problem(problem.table, problem.conditions, Limits(min_depth=1))
    assert server_only().plan(limited) == INFEASIBLE


@pytest.mark.parametrize(
    ("head", "words"), [({"b9"}, "has no block 'b9'"), ({"b1"}, "needs one that is not")]
)
def test_a_cut_that_is_none_is_an_error(problem: Problem, head: set[str], words: str) -> None:
    """Unknown blocks and heads that are not closed are the caller's mistake."""
    with pytest.raises(PlannerError, match=words):
        FixedCut("mine", frozenset(head)).plan(problem)
