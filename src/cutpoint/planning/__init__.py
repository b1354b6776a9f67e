"""WHERE each node runs: pure functions from costs to plans."""

from cutpoint.planning.compile_table import compile_table
from cutpoint.planning.plans import best_row, plan_for
from cutpoint.planning.shortlist import MAX_SEGMENTS, mean_regret, non_dominated, shortlist

__all__ = [
    "MAX_SEGMENTS",
    "best_row",
    "compile_table",
    "mean_regret",
    "non_dominated",
    "plan_for",
    "shortlist",
]
