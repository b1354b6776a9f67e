"""Several jobs in one pipeline: Algorithm 1 of JPS."""

from collections.abc import Mapping

from cutpoint.cost import Setting, placement_of
from cutpoint.planning.evaluate import evaluate, job_of
from cutpoint.planning.problem import Problem
from cutpoint.planning.result import PlanResult, Status
from cutpoint.planning.schedules.johnson import johnson_key

JPS_SETTING = Setting(waiting=False, load=False, device_load=False, returning=False, server=False)
"""Duan & Wu, ICPP 2021: the server's time and the return are negligible, a message takes
``w0 + w1 s / b``, and device times are those of a look-up table (no g). Jobs overlap with
each other; inside a job the head comes first, then one message with all values."""


def scheduled(
    problem: Problem, setting: Setting, counts: Mapping[int, int], status: Status
) -> PlanResult:
    """
    Give the plan that runs so many jobs at each head, in Johnson's order [1]_.

    Parameters
    ----------
    counts
        Number of jobs by head; together those of the problem.

    References
    ----------
    .. [1] Duan, Y., Wu, J. (2021). Joint Optimization of DNN Partition and Scheduling for
           Mobile Cloud Computing. *ICPP*. Algorithm 1.
    """
    # Algorithm 1 of [1]: S1 = {f < g} by ascending f, then S2 = {f >= g} by descending g.
    ordered = sorted(
        (head for head, count in counts.items() if count),
        key=lambda head: (johnson_key(*job_of(problem, head, setting)), -head.bit_count(), head),
    )
    num_blocks = problem.table.num_blocks
    mix = tuple((placement_of(head, num_blocks), counts[head]) for head in ordered)
    plan = PlanResult(status, mix[0][0], mix=mix if len(mix) > 1 else ())
    promised_s = evaluate(problem, plan, setting, "jobs")
    return PlanResult(status, plan.placement, promised_s, mix=plan.mix)
