"""WHAT THE WORLD IS LIKE NOW: link and load, from samples as they come."""

from cutpoint.estimation.drift import DriftDetector
from cutpoint.estimation.lateness import Lateness
from cutpoint.estimation.link import BandwidthEstimate, LinkEstimator
from cutpoint.estimation.load import LoadEstimator
from cutpoint.estimation.progress import ProgressMeter
from cutpoint.estimation.slowdown import SlowdownEstimator

__all__ = [
    "BandwidthEstimate",
    "DriftDetector",
    "Lateness",
    "LinkEstimator",
    "LoadEstimator",
    "ProgressMeter",
    "SlowdownEstimator",
]
