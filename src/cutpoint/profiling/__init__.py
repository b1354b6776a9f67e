"""HOW LONG it takes, by the clock; the profile file."""

from cutpoint.profiling.affordable import MAX_EXCESS, affordable
from cutpoint.profiling.environment import read_environment
from cutpoint.profiling.measure import measure
from cutpoint.profiling.profile_file import check_profile, load_profile, save_profile
from cutpoint.profiling.rounds import Round, Rounds
from cutpoint.profiling.steps import ProgressCallback
from cutpoint.profiling.summary import Spread, spread

__all__ = [
    "MAX_EXCESS",
    "ProgressCallback",
    "Round",
    "Rounds",
    "Spread",
    "affordable",
    "check_profile",
    "load_profile",
    "measure",
    "read_environment",
    "save_profile",
    "spread",
]
