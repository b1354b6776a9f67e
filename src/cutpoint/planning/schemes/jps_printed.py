"""JPS as printed: Algorithms 1 to 3, defects included."""

from collections import Counter
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from cutpoint.cost import head_rows
from cutpoint.planning.planner import Goal
from cutpoint.planning.problem import Problem
from cutpoint.planning.result import INFEASIBLE, PlanResult
from cutpoint.planning.schedules.job_mix import JPS_SETTING, scheduled
from cutpoint.planning.schedules.jps_line import clustered, cut_pair
from cutpoint.planning.schedules.jps_paths import Line, lines_of


class JpsAsPrinted:
    """
    Joint partition and scheduling of several jobs [1]_, for comparison.

    Notes
    -----
    What print leaves open: the first cut of a line is taken to be the input's and the
    last one to send nothing; see `CutPair.counts` for the counts and `cut_pair` for the
    cases without ``l* - 1``. A job's head is the union of its paths' heads, closed under
    what they need, so that duplicated blocks run once; jobs, not paths, are then put in
    Johnson's order, and each sends one message: a plan of ours says no more. A DAG with
    too many paths to list is a line of the prefixes of its topological order.

    Limits are not in the paper: a value that may not leave takes for ever, and a plan
    that breaks them all the same is infeasible.

    References
    ----------
    .. [1] Duan, Y., Wu, J. (2021). Joint Optimization of DNN Partition and Scheduling for
           Mobile Cloud Computing. *ICPP*. Algorithms 1 - 3.
    """

    name = "jps-printed"
    goal: Goal = "jobs"
    setting = JPS_SETTING
    exempt: Mapping[str, str] = MappingProxyType(
        {
            "never worse than the ends": (
                "a floored ratio of two neighbouring cuts, and paths cut one by one whose "
                "values then leave together"
            ),
            "finds a plan where there is one": "limits are not in the paper: two cuts, kept or not",
        }
    )

    def plan(self, problem: Problem) -> PlanResult:
        """Cut every path by Algorithm 2, and schedule the jobs by Algorithm 1."""
        lines = lines_of(problem, self.setting.seen(problem.conditions))
        # Algorithm 3 of [1]: each path on its own; duplicated blocks run once.
        halves = [_halves(line, problem.num_jobs) for line in lines]
        counts = Counter(
            _union(left if job < num_left else right for left, right, num_left in halves)
            for job in range(problem.num_jobs)
        )
        rows = head_rows(problem.table, list(counts), problem.limits)
        if not rows.is_allowed.all():
            return INFEASIBLE
        return scheduled(problem, self.setting, counts, "feasible")


def _halves(line: Line, num_jobs: int) -> tuple[int, int, int]:
    """Give a path's heads at ``l* - 1`` and ``l*``, and how many jobs run at the former."""
    cuts = clustered(line.send_s)
    pair = cut_pair([line.compute_s[cut] for cut in cuts], [line.send_s[cut] for cut in cuts])
    right = line.heads[cuts[pair.right]]
    num_left, _ = pair.counts(num_jobs)
    left = line.heads[cuts[pair.right - 1]] if num_left else right
    return left, right, num_left


def _union(heads: Iterable[int]) -> int:
    union = 0
    for head in heads:
        union |= head
    return union
