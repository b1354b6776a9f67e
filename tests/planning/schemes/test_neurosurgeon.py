"""Neurosurgeon: exact on chains, and what a chain laid over a DAG loses."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from tests.planning.chains import ONE_BYTE_PER_S, random_chain, two_branches, two_inputs

from cutpoint.cost import CostTable
from cutpoint.planning import Problem, planner_named
from cutpoint.planning.schemes.exhaustive import Exhaustive
from cutpoint.planning.schemes.neurosurgeon import Neurosurgeon
from cutpoint.records import LoadConditions
from cutpoint.testing import cost_table, random_problem, random_shape


def test_is_exact_on_chains() -> None:
    """On 300 chains, skips among them, it says optimal and is."""
    rng = np.random.default_rng(2017)
    for _ in range(300):
        shape = random_chain(rng, int(rng.integers(1, 10)))
        problem = random_problem(rng, shape, is_limited=bool(rng.random() < 0.5))
        found, best = (p.plan(problem) for p in (Neurosurgeon(), Exhaustive(Neurosurgeon.setting)))
        assert found.status == best.status
        assert found.promised_s == pytest.approx(best.promised_s)


def test_never_claims_the_optimum_off_chains() -> None:
    """On a DAG that is no chain a prefix is feasible, and part of the time it loses."""
    rng = np.random.default_rng(66)
    num_lost = 0
    for _ in range(200):
        problem = random_problem(rng, [*([[2], [2]]), *_shifted(random_shape(rng, 6), 2)])
        found, best = (p.plan(problem) for p in (Neurosurgeon(), Exhaustive(Neurosurgeon.setting)))
        assert found.status == "feasible"
        assert found.promised_s >= best.promised_s * (1 - 1e-12)
        num_lost += found.promised_s > best.promised_s * (1 + 1e-9)
    assert 0 < num_lost < 200


@pytest.mark.parametrize("name", ["neurosurgeon", "loadpart"])
@pytest.mark.parametrize(
    ("table_of", "scanned_s", "best_s"), [(two_branches, 11.0, 3.0), (two_inputs, 110.0, 22.0)]
)
def test_a_topological_order_loses_where_branches_differ(
    name: str, table_of: Callable[[], CostTable], scanned_s: float, best_s: float
) -> None:
    """Two blocks side by side lose 8 of 11 s; three, on a uniformly faster server, 88 of 110."""
    problem = Problem(table_of(), ONE_BYTE_PER_S)
    assert planner_named(name).plan(problem).promised_s == scanned_s
    for exact in ("qdmp", "dads-light"):
        assert planner_named(exact).plan(problem).promised_s == best_s


def test_load_keeps_work_on_the_device() -> None:
    """The load level K is a factor on the server's time: under load the cut moves."""
    table = cost_table([[1], []], [2, 8], [1, 2], [1, 1], input_bytes=3)
    idle = Problem(table, ONE_BYTE_PER_S)
    loaded = replace(idle, conditions=replace(ONE_BYTE_PER_S, load=LoadConditions(0.0, 5.0)))
    assert Neurosurgeon().plan(idle).placement == (0, 1)
    assert Neurosurgeon().plan(idle).promised_s == 2 + 1 + 2
    assert Neurosurgeon().plan(loaded).placement == (0, 0)


def _shifted(shape: list[list[int]], by: int) -> list[list[int]]:
    return [[consumer + by for consumer in consumers] for consumers in shape]
