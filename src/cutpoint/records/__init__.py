"""The frozen types that travel between rooms."""

from cutpoint.records.conditions import Conditions, LinkConditions, LoadConditions
from cutpoint.records.load_report import LoadReport
from cutpoint.records.parts import Parts
from cutpoint.records.plan import DEVICE, RAW, Leg, Placement, Plan
from cutpoint.records.probe import ProbeRequest, ProbeSample
from cutpoint.records.profile import FORMAT_VERSION, Environment, Profile
from cutpoint.records.record import InferenceRecord, LegRun, Phase, RaceRun
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
    "LoadReport",
    "Parts",
    "Phase",
    "Placement",
    "Plan",
    "ProbeRequest",
    "ProbeSample",
    "Profile",
    "RaceRun",
    "Sample",
    "SampleKind",
    "Withdrawal",
]
