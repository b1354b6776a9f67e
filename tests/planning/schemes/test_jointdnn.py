"""JointDNN's shortest path: exact on chains, back and forth, every way charged."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from tests.planning.chains import ONE_BYTE_PER_S

from cutpoint.cost import FULL, CostTable, Setting
from cutpoint.planning import Problem, evaluate, is_closed
from cutpoint.planning.cuts.ancestry import members
from cutpoint.planning.result import PlanResult
from cutpoint.planning.schemes.jointdnn import JointDnn, segments_of
from cutpoint.testing import (
    SHAPES,
    brute_force_s,
    cost_table,
    random_problem,
    random_shape,
    random_table,
)


def test_is_exact_on_chains_among_all_placements() -> None:
    """On 300 chains it is the best of all 2^n placements; some of the best go back."""
    rng = np.random.default_rng(2021)
    num_back = 0
    for _ in range(300):
        num_blocks = int(rng.integers(1, 7))
        shape = [[block + 1] for block in range(num_blocks - 1)] + [[]]
        problem = random_problem(rng, shape, is_limited=bool(rng.random() < 0.3), may_be_odd=False)
        found = JointDnn().plan(problem)
        if problem.limits.has_memory_caps:
            continue
        assert found.status == "optimal"
        assert found.promised_s == pytest.approx(brute_force_s(JointDnn(), problem))
        num_back += not is_closed(problem, found.placement)
    assert num_back > 0


@pytest.mark.parametrize("setting", [JointDnn().setting, FULL])
def test_is_the_best_that_whole_segments_allow(setting: Setting) -> None:
    """On 200 random DAGs with side outputs, no placement of whole segments is better."""
    rng = np.random.default_rng(2022)
    for _ in range(200):
        shape = random_shape(rng, int(rng.integers(2, 9)))
        problem = random_problem(rng, shape, may_be_odd=False)
        problem = replace(problem, table=_with_outputs(rng, problem.table))
        segments = segments_of(problem.table)
        worths_s = []
        for hosts in product((0, 1), repeat=len(segments)):
            placement = [0] * problem.table.num_blocks
            for segment, host in zip(segments, hosts, strict=True):
                for block in members(segment.blocks):
                    placement[block] = host
            plan = PlanResult("feasible", tuple(placement))
            worths_s.append(evaluate(problem, plan, setting))
        assert JointDnn(setting).plan(problem).promised_s == pytest.approx(min(worths_s))


def test_goes_back_where_both_ways_pay() -> None:
    """Device, server, device, server: small values between blocks that fit either host."""
    table = cost_table([[1], [2], [3], []], [1, 50, 1, 50], [50, 1, 50, 1], [1] * 4, input_bytes=9)
    problem = Problem(table, ONE_BYTE_PER_S)
    assert JointDnn().plan(problem) == PlanResult("optimal", (0, 1, 0, 1), 4 + 4)


def test_the_time_of_a_message_ends_the_going_back() -> None:
    """Where each message takes long, one journey is all that pays, or none."""
    table = cost_table([[1], [2], [3], []], [1, 50, 1, 50], [50, 1, 50, 1], [1] * 4, input_bytes=9)
    link = ONE_BYTE_PER_S.link
    assert link is not None
    slow = replace(ONE_BYTE_PER_S, link=replace(link, message_up_s=30.0, message_down_s=30.0))
    assert JointDnn().plan(Problem(table, slow)).placement == (0, 0, 0, 0)


def test_an_output_left_on_the_server_is_fetched_at_the_end() -> None:
    """An early result made on the server costs a message of its own when the device ends."""
    table = cost_table([[1], [2], []], [99, 0, 0], [0, 99, 99], [4, 2, 1], input_bytes=3)
    values = tuple(
        replace(value, is_output=True) if value.name == "v0" else value for value in table.values
    )
    problem = Problem(replace(table, values=values), ONE_BYTE_PER_S)
    found = JointDnn().plan(problem)
    # x goes up, v0 comes down once: the next block needs it and it is an output.
    assert found == PlanResult("optimal", (1, 0, 0), 3 + 4)


def test_segments_end_where_one_value_crosses() -> None:
    """A chain has a segment per block; branches and what joins them are one."""
    numbers = {
        name: len(segments_of(random_table(np.random.default_rng(0), shape)))
        for name, shape in SHAPES.items()
    }
    assert numbers == {
        "one block": 1,
        "chain": 4,
        "diamond": 2,
        "skip over a block": 2,
        "two towers": 1,
        "inception block": 3,
        "out-tree": 2,
        "in-tree": 1,
        "early output": 2,
    }


def _with_outputs(rng: np.random.Generator, table: CostTable) -> CostTable:
    values = tuple(
        replace(value, is_output=value.is_output or bool(rng.random() < 0.3))
        for value in table.values
    )
    return replace(table, values=values)
