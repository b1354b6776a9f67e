"""FROM samples TO numbers a planner may add, and the one latency objective."""

from cutpoint.cost.boards import POWER_PROFILES
from cutpoint.cost.codec_rate import AS_THEY_ARE, CodecRate
from cutpoint.cost.codec_speed import CodecSpeed, codec_speeds
from cutpoint.cost.coded_values import CodedValues, coded_values
from cutpoint.cost.coding import AS_IT_IS, Coding
from cutpoint.cost.cost_csv import cost_table_from_csv, cost_table_to_csv
from cutpoint.cost.cost_file import read_cost_table, write_cost_table
from cutpoint.cost.cost_json import (
    COST_FORMAT_VERSION,
    cost_table_from_json,
    cost_table_to_json,
)
from cutpoint.cost.cost_table import CostTable, CostValue, head_of, placement_of
from cutpoint.cost.cut_table import CutTable
from cutpoint.cost.cut_table_file import digest_of_cut_table, read_cut_table, write_cut_table
from cutpoint.cost.energy import (
    Activity,
    activity_j,
    energy_j,
    energy_weights,
    moved_energy_j,
)
from cutpoint.cost.graph_table import nodes_in, table_of_nodes
from cutpoint.cost.host_costs import HostCosts, check_is_of, fold
from cutpoint.cost.latency import (
    UNUSABLE_S,
    Prediction,
    condition_weights,
    latency_of,
    overlapped_latency_of,
    parts_of,
    predict,
    row_terms,
    upload_s_by_block,
)
from cutpoint.cost.limits import NO_LIMITS, Limits
from cutpoint.cost.node_costs import node_seconds
from cutpoint.cost.power import PowerProfile
from cutpoint.cost.power_file import power_profile, profile_given
from cutpoint.cost.prediction_error import PredictionError, leave_one_out
from cutpoint.cost.predictor_file import (
    PREDICTOR_FORMAT_VERSION,
    predictor_from_json,
    predictor_to_json,
)
from cutpoint.cost.predictors import Predictor, fit
from cutpoint.cost.prefix_rows import PrefixRows
from cutpoint.cost.rows import (
    HeadRows,
    Rows,
    coded_rows,
    crossing_names,
    crossing_sums,
    every_head,
    head_rows,
)
from cutpoint.cost.scaled import scaled_costs
from cutpoint.cost.setting import FULL, Setting
from cutpoint.cost.table_of import cost_table_of, nodes_of
from cutpoint.cost.throughput import Stages, stages

__all__ = [
    "AS_IT_IS",
    "AS_THEY_ARE",
    "COST_FORMAT_VERSION",
    "FULL",
    "NO_LIMITS",
    "POWER_PROFILES",
    "PREDICTOR_FORMAT_VERSION",
    "UNUSABLE_S",
    "Activity",
    "CodecRate",
    "CodecSpeed",
    "CodedValues",
    "Coding",
    "CostTable",
    "CostValue",
    "CutTable",
    "HeadRows",
    "HostCosts",
    "Limits",
    "PowerProfile",
    "Prediction",
    "PredictionError",
    "Predictor",
    "PrefixRows",
    "Rows",
    "Setting",
    "Stages",
    "activity_j",
    "check_is_of",
    "codec_speeds",
    "coded_rows",
    "coded_values",
    "condition_weights",
    "cost_table_from_csv",
    "cost_table_from_json",
    "cost_table_of",
    "cost_table_to_csv",
    "cost_table_to_json",
    "crossing_names",
    "crossing_sums",
    "digest_of_cut_table",
    "energy_j",
    "energy_weights",
    "every_head",
    "fit",
    "fold",
    "head_of",
    "head_rows",
    "latency_of",
    "leave_one_out",
    "moved_energy_j",
    "node_seconds",
    "nodes_in",
    "nodes_of",
    "overlapped_latency_of",
    "parts_of",
    "placement_of",
    "power_profile",
    "predict",
    "predictor_from_json",
    "predictor_to_json",
    "profile_given",
    "read_cost_table",
    "read_cut_table",
    "row_terms",
    "scaled_costs",
    "stages",
    "table_of_nodes",
    "upload_s_by_block",
    "write_cost_table",
    "write_cut_table",
]
