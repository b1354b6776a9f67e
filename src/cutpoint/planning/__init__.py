"""WHERE each node runs: pure functions from costs to plans."""

from cutpoint.planning.compile_table import compile_table
from cutpoint.planning.compiled_table import compiled_table
from cutpoint.planning.cuts.compile_heads import CompiledHeads, compile_heads
from cutpoint.planning.decider import Decider
from cutpoint.planning.evaluate import evaluate, is_closed
from cutpoint.planning.holdable import holdable
from cutpoint.planning.objective import LATENCY, Objective, session_objective
from cutpoint.planning.planner import Goal, Planner
from cutpoint.planning.plans import best_row, plan_for
from cutpoint.planning.problem import Problem
from cutpoint.planning.registry import PLANNERS, planner_named
from cutpoint.planning.result import INFEASIBLE, PlanResult, Status
from cutpoint.planning.shortlist import (
    MAX_SEGMENTS,
    cuts_to_hold,
    graph_cuts,
    mean_regret,
    non_dominated,
    shortlist,
)

__all__ = [
    "INFEASIBLE",
    "LATENCY",
    "MAX_SEGMENTS",
    "PLANNERS",
    "CompiledHeads",
    "Decider",
    "Goal",
    "Objective",
    "PlanResult",
    "Planner",
    "Problem",
    "Status",
    "best_row",
    "compile_heads",
    "compile_table",
    "compiled_table",
    "cuts_to_hold",
    "evaluate",
    "graph_cuts",
    "holdable",
    "is_closed",
    "mean_regret",
    "non_dominated",
    "plan_for",
    "planner_named",
    "session_objective",
    "shortlist",
]
