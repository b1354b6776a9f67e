"""Planners side by side: what each answers, promises, takes, and what its answer is worth."""

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf, isclose
from pathlib import Path
from statistics import median

from cutpoint.cli.cut_names import crossing_values, cut_name
from cutpoint.cost import FULL, NO_LIMITS, head_rows, latency_of, stages
from cutpoint.exceptions import CutpointError
from cutpoint.planning import (
    PLANNERS,
    Goal,
    Planner,
    PlanResult,
    Problem,
    evaluate,
    is_closed,
    planner_named,
)
from cutpoint.records import Parts

ALL = "all"
"""Stands for every planner of the package."""

_BRIEF_S, _LONG_S = 0.1, 1.0
"""A first call below the one is timed five times more, above the other only once more."""

_PROMISE_TOLERANCE = 1e-6

Listener = Callable[[int, int, str], None]
"""Told how many are done of how many, and what comes now."""


@dataclass(frozen=True)
class PlannerRow:
    """
    One planner's answer for one link.

    Parameters
    ----------
    planner
        Its name.
    status
        ``optimal``, ``feasible``, ``infeasible``, or ``failed``: then `error` says why.
    goal
        What it makes small.
    name, crossing, placement
        Of its cut. With several jobs under several cuts, of the one most jobs take.
    parts, frames_per_s
        Under the whole objective; no frames per second for what is not one cut in two.
    latency_s
        Sum of the parts.
    promised_s, achieved_s
        What its own objective gives: as it says, and as it is.
    decide_s, first_call_s
        Median of several calls, and the first one, which may compile or import.
    """

    planner: str
    status: str
    goal: Goal | None = None
    name: str = ""
    crossing: tuple[str, ...] = ()
    placement: tuple[int, ...] = ()
    parts: Parts | None = None
    latency_s: float = inf
    frames_per_s: float | None = None
    promised_s: float = inf
    achieved_s: float = inf
    decide_s: float | None = None
    first_call_s: float | None = None
    error: str | None = None

    @property
    def is_promise_kept(self) -> bool | None:
        """Whether the plan takes what its planner says; ``None`` where there is no plan."""
        if self.parts is None:
            return None
        return isclose(self.promised_s, self.achieved_s, rel_tol=_PROMISE_TOLERANCE, abs_tol=1e-12)


def planners_of(names: Sequence[str]) -> list[Planner]:
    """
    Give planners by name; ``all`` stands for those of the package.

    Raises
    ------
    PlannerError
        If there is none of a name.
    """
    wanted: dict[str, None] = {}
    for name in names:
        wanted.update(dict.fromkeys(PLANNERS if name == ALL else (name,)))
    here = str(Path.cwd())
    if any(":" in name for name in wanted) and here not in sys.path:
        # An installed program looks for modules beside itself, `python -m` beside the caller.
        sys.path.insert(0, here)
    return [planner_named(name) for name in wanted]


def planner_rows(
    planners: Sequence[Planner], problems: Sequence[Problem], listener: Listener
) -> list[list[PlannerRow]]:
    """Ask every planner about every problem; one list per problem."""
    found = []
    total = len(planners) * len(problems)
    for number, problem in enumerate(problems):
        rows = []
        for position, planner in enumerate(planners):
            listener(number * len(planners) + position, total, planner.name)
            rows.append(_asked(planner, problem))
        found.append(rows)
    listener(total, total, "done")
    return found


def _asked(planner: Planner, problem: Problem) -> PlannerRow:
    """Ask one planner; what it raises is its answer, because the others have theirs."""
    try:
        result, first_call_s = _timed(planner, problem)
        calls = 5 if first_call_s < _BRIEF_S else 3 if first_call_s < _LONG_S else 1
        decide_s = median(_timed(planner, problem)[1] for _ in range(calls))
        return _row(planner, problem, result, decide_s, first_call_s)
    except CutpointError as error:
        return PlannerRow(planner.name, "failed", error=str(error))
    except Exception as error:  # planners from outside raise what they like
        return PlannerRow(planner.name, "failed", error=f"{type(error).__name__}: {error}")


def _timed(planner: Planner, problem: Problem) -> tuple[PlanResult, float]:
    begin = time.perf_counter()
    result = planner.plan(problem)
    return result, time.perf_counter() - begin


def _row(
    planner: Planner, problem: Problem, result: PlanResult, decide_s: float, first_call_s: float
) -> PlannerRow:
    if result.status == "infeasible":
        return PlannerRow(
            planner.name,
            result.status,
            planner.goal,
            decide_s=decide_s,
            first_call_s=first_call_s,
        )
    conditions, placement = problem.conditions, result.placement
    parts = latency_of(problem.table, placement, conditions, problem.onward)
    return PlannerRow(
        planner=planner.name,
        status=result.status,
        goal=planner.goal,
        name=_name(problem, result),
        crossing=tuple(value.name for value in crossing_values(problem.table, placement)),
        placement=placement,
        parts=parts,
        latency_s=evaluate(problem, result, FULL),
        frames_per_s=_frames_per_s(problem, placement),
        promised_s=result.promised_s,
        achieved_s=evaluate(problem, result, planner.setting, planner.goal),
        decide_s=decide_s,
        first_call_s=first_call_s,
    )


def _name(problem: Problem, result: PlanResult) -> str:
    mix = [(placement, num) for placement, num in result.mix if num]
    if len(mix) < 2:
        return cut_name(problem.table, result.placement, most_named=1)
    return "; ".join(
        f"{num} x {cut_name(problem.table, placement, most_named=1)}" for placement, num in mix
    )


def _frames_per_s(problem: Problem, placement: tuple[int, ...]) -> float | None:
    if max(placement) > 1 or not is_closed(problem, placement):
        return None
    head = sum(1 << block for block, host in enumerate(placement) if host == 0)
    rows = head_rows(problem.table, [head], NO_LIMITS)
    return float(stages(rows, problem.conditions).frames_per_s[0])
