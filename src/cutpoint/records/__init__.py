"""The frozen types that travel between rooms."""

from cutpoint.records.conditions import Conditions, LinkConditions, LoadConditions
from cutpoint.records.parts import Parts
from cutpoint.records.plan import DEVICE, RAW, Leg, Placement, Plan
from cutpoint.records.profile import FORMAT_VERSION, Environment, Profile
from cutpoint.records.record import InferenceRecord, LegRun, Phase
from cutpoint.records.sample import Sample, SampleKind
from cutpoint.records.withdrawal import Withdrawal

__all__ = [
    "DEVICE",
    "FORMAT_VERSION",
    "RAW",
    "Conditions",
    "Environment",
    "InferenceRecord",
    "Leg",
    "LegRun",
    "LinkConditions",
    "LoadConditions",
    "Parts",
    "Phase",
    "Placement",
    "Plan",
    "Profile",
    "Sample",
    "SampleKind",
    "Withdrawal",
]
