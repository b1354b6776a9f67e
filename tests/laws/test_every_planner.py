"""Laws for every planner: a new one is added to the list and gets all of them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cutpoint.planning import PLANNERS, Problem, planner_named
from cutpoint.testing import LAWS, check_planner, random_problem, random_shape

EVERY_PLANNER = pytest.mark.parametrize("name", PLANNERS)


@st.composite
def problems(draw: st.DrawFn, most_blocks: int = 6) -> Problem:
    """Draw a random DAG with costs, conditions and often limits."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = random_shape(rng, draw(st.integers(1, most_blocks)))
    return random_problem(rng, shape, is_limited=draw(st.booleans()))


@EVERY_PLANNER
def test_laws_on_the_named_tables(name: str) -> None:
    """Every law holds on every named shape, free and limited."""
    check_planner(planner_named(name))


@EVERY_PLANNER
@settings(max_examples=40)
@given(problem=problems())
def test_laws_on_random_tables(name: str, problem: Problem) -> None:
    """Every law holds on random DAGs."""
    check_planner(planner_named(name), [problem])


@EVERY_PLANNER
def test_exemptions_name_laws_and_say_why(name: str) -> None:
    """Nobody is exempt from a law that is not there, or without a reason."""
    exempt = planner_named(name).exempt
    assert set(exempt) <= set(LAWS)
    assert all(reason.strip() for reason in exempt.values())
