"""What a plan is worth: its planner's own objective, or the whole one."""

from math import inf

import numpy as np

from cutpoint.cost import (
    FULL,
    NO_LIMITS,
    Setting,
    head_of,
    head_rows,
    latency_of,
    overlapped_latency_of,
    stages,
)
from cutpoint.cost.flow_shop import makespan_of_runs
from cutpoint.planning.planner import Goal
from cutpoint.planning.problem import Problem
from cutpoint.planning.result import PlanResult


def evaluate(
    problem: Problem, result: PlanResult, setting: Setting = FULL, goal: Goal = "latency"
) -> float:
    """
    Give what a plan takes under a setting of the objective, in seconds.

    Parameters
    ----------
    setting
        Its planner's, to check a promise; `FULL` for what it is worth in truth.
    goal
        Latency of one inference, longest stage of a stream, or end of the last upload
        of all jobs.

    Returns
    -------
    float
        Infinite for an infeasible plan.
    """
    if result.status == "infeasible":
        return inf
    if goal == "latency":
        return _latency_s(problem, result, setting)
    if goal == "stage":
        return _longest_stage_s(problem, result, setting)
    return _jobs_s(problem, result, setting)


def is_closed(problem: Problem, placement: tuple[int, ...]) -> bool:
    """Tell whether data only moves away from the device: no block feeds an earlier host."""
    return all(placement[source] <= placement[target] for source, target in problem.table.arcs())


def _latency_s(problem: Problem, result: PlanResult, setting: Setting) -> float:
    conditions = setting.seen(problem.conditions)
    if setting.overlap and (result.order or not result.head):
        parts = overlapped_latency_of(problem.table, result.head, result.order, conditions)
        return parts.latency_s
    onward = None if problem.onward is None else setting.seen(problem.onward)
    return latency_of(problem.table, result.placement, conditions, onward).latency_s


def _longest_stage_s(problem: Problem, result: PlanResult, setting: Setting) -> float:
    rows = head_rows(problem.table, [result.head], NO_LIMITS)
    return float(stages(rows, setting.seen(problem.conditions)).longest_s[0])


def _jobs_s(problem: Problem, result: PlanResult, setting: Setting) -> float:
    """Schedule the jobs in the order of the mix; a job computes its head, then sends."""
    mix = result.mix or ((result.placement, problem.num_jobs),)
    jobs = [(job_of(problem, head_of(placement), setting), num) for placement, num in mix]
    if any(num and np.isinf(send_s) for (_, send_s), num in jobs):
        return inf
    return makespan_of_runs((compute_s, send_s, num) for (compute_s, send_s), num in jobs)


def job_of(problem: Problem, head: int, setting: Setting) -> tuple[float, float]:
    """
    Give one job's device time and upload time under a setting: f and g of JPS.

    All crossing values of a job travel in one message.
    """
    conditions = setting.seen(problem.conditions)
    on_device = [b for b in range(problem.table.num_blocks) if head >> b & 1]
    compute_s = conditions.device_slowdown * float(problem.table.device_s[on_device].sum())
    if head == problem.table.everything:
        return compute_s, 0.0
    if conditions.link is None or not conditions.is_server_usable:
        return compute_s, inf
    rows = head_rows(problem.table, [head], NO_LIMITS)
    return compute_s, float(stages(rows, conditions).link_s[0])
