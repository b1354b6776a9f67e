"""JPS with the best pair of cuts: several jobs share one device and one uplink."""

from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from cutpoint.cost import head_rows, stages
from cutpoint.planning.cuts.candidate_heads import candidate_heads
from cutpoint.planning.planner import Goal
from cutpoint.planning.problem import Problem
from cutpoint.planning.result import INFEASIBLE, PlanResult, Status
from cutpoint.planning.schedules.job_mix import JPS_SETTING, scheduled

Column = NDArray[np.float64]


class Jps:
    """
    Run some jobs at one cut and the others at another, whichever two end soonest.

    Notes
    -----
    Deviations from print [1]_: Algorithm 2 looks at two neighbouring cuts and floors
    their ratio, which loses a tenth and more against the best mix (see `JpsAsPrinted`);
    here every pair of cuts is taken with its best count, which loses a few per cent.
    Cuts are closed sets of any DAG instead of duplicated paths, and all crossing values
    of a job leave in one message.

    The plan is "optimal" where every cut was listed and two suffice: for two jobs at
    most, or if no third cut is worth having. For more jobs three cuts can be better.

    References
    ----------
    .. [1] Duan, Y., Wu, J. (2021). Joint Optimization of DNN Partition and Scheduling for
           Mobile Cloud Computing. *ICPP*.
    """

    name = "jps"
    goal: Goal = "jobs"
    setting = JPS_SETTING
    exempt: Mapping[str, str] = MappingProxyType({})

    def plan(self, problem: Problem) -> PlanResult:
        """Give the pair of cuts, and the counts, with the least makespan of all jobs."""
        heads, is_all = candidate_heads(problem.table)
        rows = head_rows(problem.table, heads, problem.limits)
        seconds = stages(rows, self.setting.seen(problem.conditions))
        usable = np.flatnonzero(rows.is_allowed & np.isfinite(seconds.link_s))
        if not usable.size:
            return INFEASIBLE
        front = usable[line_of(seconds.device_s[usable], seconds.link_s[usable])]
        first, second, num_first = best_pair(
            seconds.device_s[front], seconds.link_s[front], problem.num_jobs
        )
        counts = Counter({heads[front[first]]: num_first})
        counts[heads[front[second]]] += problem.num_jobs - num_first
        is_proven = is_all and (problem.num_jobs <= 2 or len(front) <= 2)
        status: Status = "optimal" if is_proven else "feasible"
        return scheduled(problem, self.setting, counts, status)


def line_of(compute_s: Column, send_s: Column) -> NDArray[np.intp]:
    """
    Give the cuts that no other one beats in both terms, by increasing compute time.

    What was left out never helps: the makespan grows with every time of every job. The
    others are a line as JPS has it: more computing, less to send.
    """
    order = np.lexsort((send_s, compute_s))
    least_before = np.minimum.accumulate(np.concatenate(([np.inf], send_s[order][:-1])))
    return order[send_s[order] < least_before]


def best_pair(compute_s: Column, send_s: Column, num_jobs: int) -> tuple[int, int, int]:
    """
    Give two cuts of a line and how many jobs run at the first; of equals the first found.

    Parameters
    ----------
    compute_s, send_s
        Seconds of each cut, the former strictly increasing, the latter decreasing.

    Returns
    -------
    first, second, num_first : int
        Indices in order, equal if one cut is best; the other jobs run at the second.

    Notes
    -----
    Of a line, jobs in Johnson's order are those in the order of the line, and
    Proposition 4.1 of JPS gives the makespan: ``f(x1) + max(sum of the other f, sum of
    the other g) + g(xn)``. One sum falls with the count and the other grows, so the best
    count is next to where they meet.
    """
    alone_s = compute_s + (num_jobs - 1) * np.maximum(compute_s, send_s) + send_s
    single = int(np.argmin(alone_s))
    best, best_s = (single, single, num_jobs), float(alone_s[single])
    if num_jobs == 1:
        return best
    for first in range(len(compute_s) - 1):
        f, g = compute_s[first], send_s[first]
        others_f, others_g = compute_s[first + 1 :], send_s[first + 1 :]
        meet = num_jobs * others_f - f - (num_jobs - 1) * others_g
        meet = np.floor(meet / (g - others_g + others_f - f))
        for count in (np.clip(meet, 1, num_jobs - 1), np.clip(meet + 1, 1, num_jobs - 1)):
            left_f = (count - 1) * f + (num_jobs - count) * others_f
            left_g = count * g + (num_jobs - count - 1) * others_g
            makespan_s = f + np.maximum(left_f, left_g) + others_g
            least = int(np.argmin(makespan_s))
            if makespan_s[least] < best_s:
                best = (first, first + 1 + least, int(count[least]))
                best_s = float(makespan_s[least])
    return best
