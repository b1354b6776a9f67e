"""WHAT THE WORLD IS LIKE NOW: link and load, from samples as they come."""

from cutpoint.estimation.blame import Blame
from cutpoint.estimation.breaker import Breaker
from cutpoint.estimation.burst_probe import BurstProbe
from cutpoint.estimation.chained_load import chained_load
from cutpoint.estimation.drift import DriftDetector
from cutpoint.estimation.lateness import Lateness
from cutpoint.estimation.link import BandwidthEstimate, LinkEstimator
from cutpoint.estimation.load import LoadEstimator
from cutpoint.estimation.load_factor import LoadFactor
from cutpoint.estimation.monitored_load import MonitoredLoad
from cutpoint.estimation.pace import Pace
from cutpoint.estimation.probe_budget import (
    IDLE_BYTES_PER_S,
    ProbeBudget,
    check_pause_s,
    probe_bytes,
)
from cutpoint.estimation.probing_link import ProbingLink
from cutpoint.estimation.progress import ProgressMeter
from cutpoint.estimation.report_age import ReportAge
from cutpoint.estimation.residuals import Residuals
from cutpoint.estimation.single_transfer import SingleTransfer
from cutpoint.estimation.slowdown import SlowdownEstimator
from cutpoint.estimation.statistics_load import (
    Cumulative,
    StatisticsLoad,
    StatisticsSnapshot,
)
from cutpoint.estimation.tiny_probes import TinyProbes
from cutpoint.estimation.two_size_ping import TwoSizePing

__all__ = [
    "IDLE_BYTES_PER_S",
    "BandwidthEstimate",
    "Blame",
    "Breaker",
    "BurstProbe",
    "Cumulative",
    "DriftDetector",
    "Lateness",
    "LinkEstimator",
    "LoadEstimator",
    "LoadFactor",
    "MonitoredLoad",
    "Pace",
    "ProbeBudget",
    "ProbingLink",
    "ProgressMeter",
    "ReportAge",
    "Residuals",
    "SingleTransfer",
    "SlowdownEstimator",
    "StatisticsLoad",
    "StatisticsSnapshot",
    "TinyProbes",
    "TwoSizePing",
    "chained_load",
    "check_pause_s",
    "probe_bytes",
]
