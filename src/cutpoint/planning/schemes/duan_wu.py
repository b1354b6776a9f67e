"""Duan & Wu: compute and upload overlap inside one inference; path-wise, trees, any DAG."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from math import inf
from types import MappingProxyType

import numpy as np

from cutpoint.cost import Setting, head_rows, placement_of
from cutpoint.planning.cuts.candidate_heads import candidate_heads
from cutpoint.planning.cuts.priced import cheapest_head
from cutpoint.planning.evaluate import evaluate
from cutpoint.planning.planner import Goal
from cutpoint.planning.problem import Problem
from cutpoint.planning.result import INFEASIBLE, PlanResult, Status
from cutpoint.planning.schedules.device_jobs import DeviceJobs, device_jobs
from cutpoint.planning.schedules.general_schedule import (
    MAX_FREE,
    closure_order,
    exact_order,
    greedy_order,
)
from cutpoint.planning.schedules.path_schedule import path_order, paths_of, sends_from_ends
from cutpoint.planning.schedules.tree_schedule import is_in_forest, is_out_forest, tree_order
from cutpoint.records import Conditions

DUAN_WU_SETTING = Setting(
    waiting=False, load=False, device_load=False, returning=False, server=False, overlap=True
)
"""Duan & Wu, IWQoS 2021: device and uplink work at once, the server's time and the way back
are negligible. The fixed time of each message counts, as in the authors' ``w0 + w1 s / b``
of ICPP 2021; the device's own slow-down does not, their device times are profiled ones."""

Scheduler = Callable[[DeviceJobs], tuple[tuple[int, ...], bool]]
"""Gives an order of the jobs, and whether it is known to be the best."""


class DuanWu:
    """
    Choose the cut and the order on the device together, by the makespan [1]_.

    Parameters
    ----------
    name
        By which it is reported.
    schedule
        Orders the blocks of one head.

    Notes
    -----
    Reconstruction: of the paper only the abstract was available. It says that the uplink
    works while the device computes, and names three schedulers: an optimal one for
    independent paths, an optimal one for trees, a topological sort for other DAGs. How
    the cut is chosen is unknown. Here every head is tried (of a table with too many to
    list, those of `candidate_heads` and the minimum cut without overlap), except where a
    lower bound says that it cannot win.

    The plan is "optimal" if every head was listed and the order of each that could win
    is exact; inputs that the tail needs leave first, which is no loss.

    References
    ----------
    .. [1] Duan, Y., Wu, J. (2021). Computation Offloading Scheduling for Deep Neural
           Network Inference in Mobile Computing. *IEEE/ACM IWQoS*.
    """

    goal: Goal = "latency"
    setting = DUAN_WU_SETTING
    exempt: Mapping[str, str] = MappingProxyType({})

    def __init__(self, name: str, schedule: Scheduler) -> None:
        self.name = name
        self._schedule = schedule

    def plan(self, problem: Problem) -> PlanResult:
        """Give the head and the order with the least makespan; of equals the first found."""
        table, conditions = problem.table, self.setting.seen(problem.conditions)
        heads, is_proven = candidate_heads(table)
        if not is_proven:
            # The best cut that sends at the end: overlap only shortens it.
            soonest = cheapest_head(problem, self.setting)
            heads += [] if soonest is None else [soonest]
        best, best_s, least_unproven_s = INFEASIBLE, inf, inf
        for head, bound_s in _most_promising_first(problem, heads, conditions):
            if bound_s >= best_s:
                break
            jobs = device_jobs(table, head, conditions)
            if jobs.bound_s >= best_s:
                continue
            order, is_exact = self._schedule(jobs)
            makespan_s = jobs.makespan_s(order)
            if not is_exact and makespan_s > jobs.bound_s:
                least_unproven_s = min(least_unproven_s, jobs.bound_s)
            if makespan_s < best_s:
                placement = placement_of(head, table.num_blocks)
                listed = tuple(jobs.blocks[job] for job in order)
                best, best_s = PlanResult("feasible", placement, order=listed), makespan_s
        if best.status == "infeasible":
            return INFEASIBLE
        is_proven = is_proven and least_unproven_s >= best_s
        status: Status = "optimal" if is_proven else "feasible"
        promised_s = evaluate(problem, best, self.setting)
        return replace(best, status=status, promised_s=promised_s)


def _most_promising_first(
    problem: Problem, heads: list[int], conditions: Conditions
) -> Iterator[tuple[int, float]]:
    """Yield allowed heads with a lower bound of their makespan, in its order."""
    rows = head_rows(problem.table, heads, problem.limits)
    link = conditions.link
    if link is None or not conditions.is_server_usable:
        send_s = np.where(rows.is_offloaded, inf, 0.0)
    else:
        # One message at least, however many values there are.
        message_s = np.where(rows.up_bytes > 0, link.message_up_s, 0.0)
        send_s = message_s + rows.up_bytes / link.bandwidth_up_bytes_per_s
    bound_s = np.maximum(conditions.device_slowdown * rows.head_s, send_s)
    for row in np.argsort(bound_s, kind="stable"):
        if rows.is_allowed[row]:
            yield rows.heads[row], float(bound_s[row])


def path_wise(jobs: DeviceJobs) -> tuple[tuple[int, ...], bool]:
    """Order independent paths as jobs; other DAGs by the paper's topological sort."""
    if paths_of(jobs.predecessors) is None:
        return greedy_order(jobs.compute_s, jobs.send_s, jobs.predecessors), False
    order = path_order(jobs.compute_s, jobs.send_s, jobs.predecessors)
    return order, sends_from_ends(jobs.send_s, jobs.predecessors)


def layer_wise(jobs: DeviceJobs) -> tuple[tuple[int, ...], bool]:
    """Order trees exactly; other DAGs by the paper's topological sort."""
    if is_out_forest(jobs.predecessors) or is_in_forest(jobs.predecessors):
        return tree_order(jobs.compute_s, jobs.send_s, jobs.predecessors), True
    return greedy_order(jobs.compute_s, jobs.send_s, jobs.predecessors), False


def general(jobs: DeviceJobs) -> tuple[tuple[int, ...], bool]:
    """Order any DAG: exactly if it is a tree or few blocks send, else closure by closure."""
    columns = (jobs.compute_s, jobs.send_s, jobs.predecessors)
    if is_out_forest(jobs.predecessors) or is_in_forest(jobs.predecessors):
        return tree_order(*columns), True
    if sum(sent_s > 0 for sent_s in jobs.send_s) <= MAX_FREE:
        return exact_order(*columns, jobs.link_free_at_s), True
    return closure_order(*columns), False


def duan_wu_path() -> DuanWu:
    """Give the planner with the path-wise scheduler."""
    return DuanWu("duan-wu-path", path_wise)


def duan_wu_tree() -> DuanWu:
    """Give the planner with the layer-wise scheduler of trees."""
    return DuanWu("duan-wu-tree", layer_wise)


def duan_wu() -> DuanWu:
    """Give the planner for any DAG."""
    return DuanWu("duan-wu", general)
