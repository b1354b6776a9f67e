"""The compiled heads where a shortcut once lost the best one."""

import numpy as np
import pytest

from cutpoint.cost import CostTable, CostValue, Limits
from cutpoint.planning import PLANNERS, Problem, compile_heads, planner_named
from cutpoint.records import Conditions, LinkConditions, LoadConditions

SLOW_BACK = Conditions(LinkConditions(1e6, 1e3, 0.0, 0.0), LoadConditions())


def table(*values: CostValue) -> CostTable:
    """Give three blocks that are dear on the device behind the first."""
    seconds = np.array([[0.01, 1.0, 1.0], [0.001, 0.1, 0.1]])
    return CostTable("three", ("a", "b", "c"), seconds, values)


@pytest.mark.parametrize("max_listed", [100, 1])
def test_an_early_output_changes_what_returns(max_listed: int) -> None:
    """One output that returns, and cuts before and behind it: the way back is not the same."""
    early = table(
        CostValue("x", 600.0, None, (0,)),
        CostValue("v0", 300.0, 0, (1,), is_output=True),
        CostValue("v1", 300.0, 1, (2,)),
        CostValue("v2", 0.0, 2, (), is_output=True),
    )
    heads = compile_heads(early, max_listed=max_listed).heads
    assert 0b001 in heads
    for name in ("cutpoint", "exhaustive"):
        result = planner_named(name).plan(Problem(early, SLOW_BACK))
        assert result.placement == (0, 1, 1), name


def test_a_block_that_nothing_needs_changes_nothing() -> None:
    """The best cut leaves a dead block wherever it is cheapest."""
    dead = table(
        CostValue("x", 600.0, None, (0,)),
        CostValue("v0", 300.0, 0, (1, 2)),
        CostValue("v1", 300.0, 1, (), is_output=True),
        CostValue("v2", 10.0, 2, ()),
    )
    problem = Problem(dead, SLOW_BACK)
    best = planner_named("exhaustive").plan(problem)
    assert planner_named("cutpoint").plan(problem).promised_s == pytest.approx(best.promised_s)


@pytest.mark.parametrize("name", sorted({*PLANNERS} - {"exhaustive"}))
def test_memory_caps_leave_a_narrow_way(name: str) -> None:
    """Where one cut alone fits both hosts, whoever claims to find plans finds it."""
    chain = table(
        CostValue("x", 600.0, None, (0,)),
        CostValue("v0", 300.0, 0, (1,)),
        CostValue("v1", 300.0, 1, (2,)),
        CostValue("v2", 10.0, 2, (), is_output=True),
    )
    chain = CostTable(
        chain.name, chain.blocks, chain.host_s, chain.values, np.array([10.0, 10.0, 10.0])
    )
    limits = Limits(device_memory_bytes=20, server_memory_bytes=10)
    planner = planner_named(name)
    result = planner.plan(Problem(chain, SLOW_BACK, limits))
    if "finds a plan where there is one" not in planner.exempt:
        assert result.placement == (0, 0, 1)
    else:
        assert result.placement in ((), (0, 0, 1))
