"""cutpoint's own planner: compile once, then an argmin."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from cutpoint.cost import FULL, CostTable, HeadRows, Limits, Setting, head_rows
from cutpoint.planning.cuts.compile_heads import MAX_LISTED, compile_heads
from cutpoint.planning.planner import Goal
from cutpoint.planning.problem import Problem
from cutpoint.planning.result import PlanResult
from cutpoint.planning.schemes.exhaustive import best_of


@dataclass(frozen=True)
class _Compiled:
    """The rows of the table that was planned for last."""

    table: CostTable
    limits: Limits
    rows: HeadRows
    is_complete: bool


class CompiledPlanner:
    """
    Take the best of the few cuts that are best under some condition at all.

    They are found once per table and limits (`compile_heads`); after that planning under
    other conditions is arithmetic on 2-60 rows.

    Parameters
    ----------
    setting
        Terms of the objective that count; all of them by default.
    goal
        ``"latency"``, for which the rows are complete, or ``"stage"``, for which they
        hold the best of nearly all conditions.
    max_listed
        Largest number of cuts to list before minimum cuts are used.

    Notes
    -----
    A table is remembered by its identity: costs do not change once written down.
    """

    name = "cutpoint"
    exempt: Mapping[str, str] = MappingProxyType({})

    def __init__(
        self, setting: Setting = FULL, goal: Goal = "latency", max_listed: int = MAX_LISTED
    ) -> None:
        self.setting = setting
        self.goal = goal
        self._max_listed = max_listed
        self._last: _Compiled | None = None

    def plan(self, problem: Problem) -> PlanResult:
        """Give the best row of the compiled table."""
        compiled = self._compiled(problem.table, problem.limits)
        best = best_of(compiled.rows, problem, self.setting, self.goal)
        if best.status == "infeasible" or (compiled.is_complete and self.goal == "latency"):
            return best
        return PlanResult("feasible", best.placement, best.promised_s)

    def _compiled(self, table: CostTable, limits: Limits) -> _Compiled:
        last = self._last
        if last is None or last.table is not table or last.limits != limits:
            found = compile_heads(table, limits, max_listed=self._max_listed)
            rows = head_rows(table, found.heads, limits)
            last = self._last = _Compiled(table, limits, rows, found.is_complete)
        return last
