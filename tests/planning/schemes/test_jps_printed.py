"""JPS as printed, on tables."""

from dataclasses import replace

import numpy as np
import pytest

from cutpoint.cost import Limits
from cutpoint.planning import Problem, planner_named
from cutpoint.planning.schedules.job_mix import JPS_SETTING
from cutpoint.planning.schedules.jps_paths import lines_of
from cutpoint.planning.schemes.jps_printed import JpsAsPrinted
from cutpoint.records import Conditions, LinkConditions
from cutpoint.testing import SHAPES, cost_table, random_problem, random_shape

LINK = Conditions(LinkConditions(1.0, 1.0, 0.0, 0.0))
DIAMOND = SHAPES["diamond"]


def test_the_example_of_the_paper_as_a_chain() -> None:
    """Two jobs, f = (4, 7) and g = (6, 2): one at each cut, done after 13."""
    table = cost_table([[1], [2], []], [4, 3, 100], [0] * 3, [6, 2, 1], 100)
    result = JpsAsPrinted().plan(Problem(table, LINK, num_jobs=2))
    assert (result.promised_s, result.mix) == (13.0, (((0, 1, 1), 1), ((0, 0, 1), 1)))


def test_shared_blocks_are_duplicated_into_paths() -> None:
    """A diamond is two lines that both count its ends; a head has all that a cut needs."""
    table = cost_table(DIAMOND, [1, 2, 4, 8], [0] * 4, [10, 20, 30, 40], 50)
    lines = {line.heads: line for line in lines_of(Problem(table, LINK), LINK)}
    left, right = lines[0, 0b1, 0b11, 0b1111], lines[0, 0b1, 0b101, 0b1111]
    assert (left.compute_s, left.send_s) == ((0, 1, 3, 11), (50, 10, 20, 0))
    assert (right.compute_s, right.send_s) == ((0, 1, 5, 13), (50, 10, 30, 0))


def test_duplicated_blocks_run_once() -> None:
    """The head is the union of the paths' heads: the shared first block is in it once."""
    table = cost_table(DIAMOND, [1, 20, 20, 800], [0] * 4, [900, 3, 4, 1], 900)
    result = JpsAsPrinted().plan(Problem(table, LINK))
    assert (result.placement, result.promised_s) == ((0, 0, 0, 1), 41 + 7)


def test_paths_cut_one_by_one_lose() -> None:
    """Each path finds a cheap cut of its own, and a job pays for all of them."""
    shape = [[1, 2, 3], [4], [4], [4], []]
    table = cost_table(shape, [10, 5, 5, 5, 500], [0] * 5, [14, 13, 13, 13, 1], 900)
    problem = Problem(table, LINK, num_jobs=4)
    printed, best = JpsAsPrinted().plan(problem), planner_named("jps").plan(problem)
    assert printed.promised_s > 1.5 * best.promised_s


def test_a_dag_of_too_many_paths_is_one_line() -> None:
    """Nine diamonds in a row have 512 paths; their line is that of the topological order."""
    shape: list[list[int]] = [[]]
    for _ in range(9):
        end = len(shape)
        shape[-1] = [end, end + 1]
        shape += [[end + 2], [end + 2], []]
    problem = random_problem(np.random.default_rng(0), shape)
    lines = lines_of(problem, JPS_SETTING.seen(problem.conditions))
    assert [len(line.heads) for line in lines] == [len(shape) + 1]
    assert JpsAsPrinted().plan(problem).status == "feasible"


@pytest.mark.parametrize("seed", range(40))
def test_the_best_pair_is_never_worse_on_a_line(seed: int) -> None:
    """Algorithm 2 takes a pair of cuts, so the best one of all is no slower."""
    rng = np.random.default_rng(seed)
    count = int(rng.integers(1, 8))
    problem = random_problem(rng, [*([block + 1] for block in range(count - 1)), []])
    printed_s = JpsAsPrinted().plan(problem).promised_s
    assert planner_named("jps").plan(problem).promised_s <= printed_s * (1 + 1e-12)


@pytest.mark.parametrize("name", ["jps", "jps-printed"])
def test_a_dead_link_and_too_little_memory(name: str) -> None:
    """Without a link all stays on the device; if that cannot hold it, no plan is left."""
    rng = np.random.default_rng(0)
    dead = Problem(random_problem(rng, random_shape(rng, 6)).table, Conditions(), num_jobs=3)
    result = planner_named(name).plan(dead)
    assert (set(result.placement), result.mix) == ({0}, ())
    least = float(dead.table.memory.sum()) - 1
    full = replace(dead, limits=Limits(device_memory_bytes=least))
    assert planner_named(name).plan(full).status == "infeasible"


@pytest.mark.parametrize("name", ["jps", "jps-printed"])
def test_what_may_not_leave_stays(name: str) -> None:
    """A line goes on to the next cut that is allowed."""
    table = cost_table([[1], [2], []], [4, 3, 100], [0] * 3, [6, 2, 1], 100)
    limits = Limits(never_send=frozenset({"v1"}))
    problem = Problem(table, LINK, limits, num_jobs=2)
    result = planner_named(name).plan(problem)
    assert result.status != "infeasible"
    assert all(limits.are_kept(table, placement) for placement, _ in result.mix)
    assert limits.are_kept(table, result.placement)
