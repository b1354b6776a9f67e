"""FROM samples TO numbers a planner may add, and the one latency objective."""

from cutpoint.cost.cost_table import CostTable, CostValue, head_of, placement_of
from cutpoint.cost.cut_table import CutTable
from cutpoint.cost.host_costs import HostCosts, check_is_of, fold
from cutpoint.cost.latency import (
    Prediction,
    latency_of,
    overlapped_latency_of,
    predict,
    upload_s_by_block,
)
from cutpoint.cost.limits import NO_LIMITS, Limits
from cutpoint.cost.rows import HeadRows, Rows, head_rows
from cutpoint.cost.setting import FULL, Setting
from cutpoint.cost.throughput import Stages, stages

__all__ = [
    "FULL",
    "NO_LIMITS",
    "CostTable",
    "CostValue",
    "CutTable",
    "HeadRows",
    "HostCosts",
    "Limits",
    "Prediction",
    "Rows",
    "Setting",
    "Stages",
    "check_is_of",
    "fold",
    "head_of",
    "head_rows",
    "latency_of",
    "overlapped_latency_of",
    "placement_of",
    "predict",
    "stages",
    "upload_s_by_block",
]
