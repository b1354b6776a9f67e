"""Every cut, looked at: the judge of all other planners on small graphs."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from cutpoint.cost import FULL, HeadRows, Setting, every_head, placement_of, predict, stages
from cutpoint.exceptions import PlannerError
from cutpoint.planning.evaluate import evaluate
from cutpoint.planning.planner import Goal
from cutpoint.planning.problem import Problem
from cutpoint.planning.result import INFEASIBLE, PlanResult

MAX_CUTS = 100_000
"""Largest number of cuts that is listed."""


class Exhaustive:
    """
    List every closed set of blocks and take the best.

    Parameters
    ----------
    setting
        Terms of the objective that count.
    goal
        ``"latency"`` or ``"stage"``.
    max_cuts
        Refuse a table that has more.

    Raises
    ------
    PlannerError
        When asked to plan for a table of more cuts.
    """

    name = "exhaustive"
    exempt: Mapping[str, str] = MappingProxyType({})

    def __init__(
        self, setting: Setting = FULL, goal: Goal = "latency", max_cuts: int = MAX_CUTS
    ) -> None:
        self.setting = setting
        self.goal = goal
        self._max_cuts = max_cuts

    def plan(self, problem: Problem) -> PlanResult:
        """Give the best of all cuts; of equals the one with most on the device."""
        rows = every_head(problem.table, problem.limits, self._max_cuts)
        if rows is None:
            raise PlannerError(
                f"{problem.table.name!r} has over {self._max_cuts} cuts, too many to list: "
                "use planner 'cutpoint', which finds the best ones by minimum cuts"
            )
        order = sorted(
            range(len(rows.heads)), key=lambda row: (-rows.heads[row].bit_count(), rows.heads[row])
        )
        best = best_of(rows.only(order), problem, self.setting, self.goal)
        # Rows were added up step by step; the promise is one sum.
        promised_s = evaluate(problem, best, self.setting, self.goal)
        return replace(best, promised_s=promised_s)


def best_of(
    rows: HeadRows, problem: Problem, setting: Setting, goal: Goal = "latency"
) -> PlanResult:
    """
    Give the best allowed row; of equals the first.

    Returns
    -------
    PlanResult
        ``"optimal"``: the caller knows of what. Infeasible if no row is allowed, or none
        that is can be carried out.
    """
    if not rows.is_allowed.any():
        return INFEASIBLE
    conditions = setting.seen(problem.conditions)
    if goal == "latency":
        worth_s = predict(rows, conditions).latency_s
    else:
        worth_s = stages(rows, conditions).longest_s
    row = int(np.argmin(np.where(rows.is_allowed, worth_s, np.inf)))
    if not np.isfinite(worth_s[row]) or not rows.is_allowed[row]:
        return INFEASIBLE
    placement = placement_of(rows.heads[row], problem.table.num_blocks)
    return PlanResult("optimal", placement, float(worth_s[row]))
