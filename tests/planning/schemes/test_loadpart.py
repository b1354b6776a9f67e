"""LoADPart: prefix sums that are the objective's own, kept and never stale."""

from dataclasses import replace

import numpy as np
import pytest
from tests.planning.chains import ONE_BYTE_PER_S, random_chain

from cutpoint.cost import head_rows
from cutpoint.planning import Problem
from cutpoint.planning.cuts.heads import prefix_heads, table_order
from cutpoint.planning.schemes.exhaustive import Exhaustive
from cutpoint.planning.schemes.loadpart import LoadPart, PrefixRows
from cutpoint.records import LinkConditions, LoadConditions
from cutpoint.testing import cost_table, random_limits, random_problem, random_shape, random_table


def test_prefix_sums_are_the_rows_of_the_prefixes() -> None:
    """Times, bytes both ways and limits equal those computed cut by cut, on 200 random DAGs."""
    rng = np.random.default_rng(2022)
    for _ in range(200):
        table = random_table(rng, random_shape(rng, int(rng.integers(1, 10))))
        limits = random_limits(rng, table)
        sums = PrefixRows(table)
        rows = head_rows(table, prefix_heads(table_order(table)), limits)
        for column in ("head_s", "encode_s", "tail_s", "up_bytes", "down_bytes", "is_offloaded"):
            np.testing.assert_allclose(getattr(sums, column), getattr(rows, column), err_msg=column)
        assert sums.is_allowed(limits).tolist() == rows.is_allowed.tolist()


def test_is_exact_on_chains() -> None:
    """On 300 chains, skips among them, it says optimal and is."""
    rng = np.random.default_rng(481)
    for _ in range(300):
        shape = random_chain(rng, int(rng.integers(1, 10)))
        problem = random_problem(rng, shape, is_limited=bool(rng.random() < 0.5))
        found, best = (p.plan(problem) for p in (LoadPart(), Exhaustive(LoadPart.setting)))
        assert found.status == best.status
        assert found.promised_s == pytest.approx(best.promised_s)


def test_a_partition_used_before_is_the_same_object() -> None:
    """Partitions are kept by cut point, and sums by table."""
    problem = random_problem(np.random.default_rng(3), random_chain(np.random.default_rng(3), 5))
    planner = LoadPart()
    assert planner.plan(problem).placement is planner.plan(problem).placement


def test_sums_are_never_stale() -> None:
    """One planner asked for many tables in turn, written to in between, plans as a new one does."""
    rng = np.random.default_rng(4)
    planner = LoadPart()
    problems = [random_problem(rng, random_shape(rng, 5)) for _ in range(20)]
    for turn in range(3):
        for problem in problems:
            assert planner.plan(problem) == LoadPart().plan(problem)
            if turn:
                problem.table.host_s[:] = rng.integers(0, 100, problem.table.host_s.shape)
            assert planner.plan(problem) == LoadPart().plan(problem)


def test_load_and_the_way_back_are_counted() -> None:
    """K multiplies the server's time and s_n / B_down is added, but not for full local."""
    table = cost_table([[1], []], [2, 8], [1, 2], [1, 6], input_bytes=3)
    link = LinkConditions(1.0, 4.0, 7.0, 7.0)
    idle = Problem(table, replace(ONE_BYTE_PER_S, link=link, load=LoadConditions(9.0, 1.0)))
    loaded = replace(idle, conditions=replace(idle.conditions, load=LoadConditions(9.0, 2.0)))
    assert LoadPart().plan(idle).promised_s == 2 + 1 + 2 + 6 / 4
    assert LoadPart().plan(loaded).promised_s == 2 + 1 + 2 * 2 + 6 / 4
    much = replace(idle, conditions=replace(idle.conditions, load=LoadConditions(9.0, 4.0)))
    assert LoadPart().plan(much).placement == (0, 0)
    assert LoadPart().plan(much).promised_s == 10
