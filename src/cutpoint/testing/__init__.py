"""Laws and small tables for planners, ours and yours."""

from cutpoint.testing.laws import LAWS, Law, brute_force_s, check_planner
from cutpoint.testing.tables import (
    SHAPES,
    Shape,
    cost_table,
    named_problems,
    odd_table,
    random_conditions,
    random_limits,
    random_problem,
    random_shape,
    random_table,
)

__all__ = [
    "LAWS",
    "SHAPES",
    "Law",
    "Shape",
    "brute_force_s",
    "check_planner",
    "cost_table",
    "named_problems",
    "odd_table",
    "random_conditions",
    "random_limits",
    "random_problem",
    "random_shape",
    "random_table",
]
