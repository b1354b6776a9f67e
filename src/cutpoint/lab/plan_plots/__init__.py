"""Plots of plans: which cut is best where, how the graph is cut, and what splitting saves."""

from cutpoint.lab.plan_plots.best_cut_map import BestCutMap, best_cut_map
from cutpoint.lab.plan_plots.plan_figure import PlottedPlan, plot_plan
from cutpoint.lab.plan_plots.saving_figure import plot_savings
from cutpoint.lab.plan_plots.savings import WORTH_IT, Savings, savings

__all__ = [
    "WORTH_IT",
    "BestCutMap",
    "PlottedPlan",
    "Savings",
    "best_cut_map",
    "plot_plan",
    "plot_savings",
    "savings",
]
