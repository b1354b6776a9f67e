"""FROM samples TO numbers a planner may add, and the one latency objective."""

from cutpoint.cost.cut_table import CutTable
from cutpoint.cost.host_costs import HostCosts, check_is_of, fold
from cutpoint.cost.latency import Prediction, predict

__all__ = ["CutTable", "HostCosts", "Prediction", "check_is_of", "fold", "predict"]
