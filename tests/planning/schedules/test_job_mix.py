"""Algorithm 1 of JPS: Johnson's order of several jobs."""

from itertools import permutations

import numpy as np

from cutpoint.cost.flow_shop import makespan
from cutpoint.planning import Problem, evaluate
from cutpoint.planning.evaluate import job_of
from cutpoint.planning.schedules.job_mix import JPS_SETTING, scheduled
from cutpoint.testing import SHAPES, random_problem


def test_no_order_of_the_jobs_is_better() -> None:
    """Three groups at any cuts run in an order that no permutation of the jobs beats."""
    rng = np.random.default_rng(0)
    for _ in range(50):
        problem = random_problem(rng, SHAPES["chain"])
        problem = Problem(problem.table, problem.conditions, num_jobs=4)
        first, second, third = rng.choice([0, 0b1, 0b11, 0b111, 0b1111], 3, replace=False).tolist()
        counts = {first: 1, second: 2, third: 1}
        plan = scheduled(problem, JPS_SETTING, counts, "feasible")
        assert sum(count for _, count in plan.mix) == 4
        jobs = [job_of(problem, head, JPS_SETTING) for head in (first, second, second, third)]
        assert plan.promised_s == min(map(makespan, permutations(jobs)))
        assert plan.promised_s == evaluate(problem, plan, JPS_SETTING, "jobs")


def test_one_placement_is_no_mix() -> None:
    """Where all jobs run alike, and of groups without jobs, the mix says nothing."""
    problem = random_problem(np.random.default_rng(0), SHAPES["chain"])
    plan = scheduled(problem, JPS_SETTING, {0b1: problem.num_jobs, 0b11: 0}, "feasible")
    assert (plan.mix, plan.placement) == ((), (0, 1, 1, 1))
