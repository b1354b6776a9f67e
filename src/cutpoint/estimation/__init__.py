"""WHAT THE WORLD IS LIKE NOW: link and load, from samples as they come."""

from cutpoint.estimation.breaker import Breaker
from cutpoint.estimation.drift import DriftDetector
from cutpoint.estimation.lateness import Lateness
from cutpoint.estimation.link import BandwidthEstimate, LinkEstimator
from cutpoint.estimation.load import LoadEstimator
from cutpoint.estimation.pace import Pace
from cutpoint.estimation.progress import ProgressMeter
from cutpoint.estimation.slowdown import SlowdownEstimator

__all__ = [
    "BandwidthEstimate",
    "Breaker",
    "DriftDetector",
    "Lateness",
    "LinkEstimator",
    "LoadEstimator",
    "Pace",
    "ProgressMeter",
    "SlowdownEstimator",
]
