"""A head as jobs of a flow shop."""

import numpy as np
import pytest

from cutpoint.planning.cuts.candidate_heads import candidate_heads
from cutpoint.planning.schedules.device_jobs import device_jobs
from cutpoint.planning.schedules.general_schedule import exact_order
from cutpoint.records import Conditions, LinkConditions
from cutpoint.testing import cost_table, random_problem, random_shape

LINK = Conditions(LinkConditions(1.0, 1.0, 0.5, 0.0), device_slowdown=2.0)


def test_columns_of_a_head() -> None:
    """Jobs are numbered within the head, slowed by g, and each value pays for its message."""
    table = cost_table([[2], [2, 3], [], []], [1, 2, 3, 4], [0] * 4, [10, 20, 30, 40], 5)
    jobs = device_jobs(table, 0b1010, LINK)
    assert jobs.blocks == (1, 3)
    assert jobs.compute_s == (4.0, 8.0)
    assert jobs.send_s == (20.5, 0.0)
    assert jobs.predecessors == (0, 0b1)
    assert jobs.link_free_at_s == 5.5
    assert jobs.makespan_s((0, 1)) == 26.0


def test_all_on_the_device_sends_nothing() -> None:
    """Neither outputs nor inputs leave, with a link or without one."""
    table = cost_table([[1], []], [1, 2], [0, 0], [10, 20], 5)
    for conditions in (LINK, Conditions(device_slowdown=2.0)):
        jobs = device_jobs(table, 0b11, conditions)
        assert (jobs.send_s, jobs.link_free_at_s, jobs.bound_s) == ((0.0, 0.0), 0.0, 6.0)


@pytest.mark.parametrize("seed", range(30))
def test_no_order_ends_before_the_bound(seed: int) -> None:
    """The bound is below the best order of every head, and equal where one block sends or none."""
    rng = np.random.default_rng(seed)
    problem = random_problem(rng, random_shape(rng, 7))
    for head in candidate_heads(problem.table)[0]:
        jobs = device_jobs(problem.table, head, problem.conditions)
        order = exact_order(jobs.compute_s, jobs.send_s, jobs.predecessors, jobs.link_free_at_s)
        best_s = jobs.makespan_s(order)
        assert jobs.bound_s <= best_s
        if sum(sent_s > 0 for sent_s in jobs.send_s) <= 1:
            assert jobs.bound_s == best_s
