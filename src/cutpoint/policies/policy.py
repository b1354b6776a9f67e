"""What a policy is: it decides now, and remembers."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from cutpoint.cost import CutTable
from cutpoint.graph import Cut, Graph
from cutpoint.graph.size_bucket import Bucket
from cutpoint.planning import LATENCY, Objective
from cutpoint.records import (
    Conditions,
    InferenceRecord,
    LoadReport,
    Plan,
    ProbeRequest,
    ProbeSample,
)

Hedge = Literal["off", "auto", "always"]
"""When the device computes on after sending: never, where the risk of waiting is worth the joules,
or whenever something was sent."""


@dataclass(frozen=True)
class Situation:
    """
    What one decision may look at.

    Parameters
    ----------
    at_s
        Now, on the session's clock.
    table
        The candidate cuts.
    conditions
        Link, load and device as believed now.
    server
        Address of the server; ``None`` when there is none.
    bucket
        What inputs this one is planned like, where their sizes vary; a policy that remembers
        what it chose remembers it for each.
    deadline_s
        Wanted latency from now on; ``None`` for soonest.
    hedge
        When the device is to compute on after sending.
    objective
        What is to be small: one of `cutpoint.planning.objective.LINEAR`. Published schemes keep to
        their own; Neurosurgeon has one of energy.
    """

    at_s: float
    table: CutTable
    conditions: Conditions
    server: str | None
    bucket: Bucket = ()
    deadline_s: float | None = None
    hedge: Hedge = "off"
    objective: Objective = LATENCY


def alone(plan: Plan, situation: Situation) -> Plan:
    """Give a device-only plan with the reason, if it is one because the server cannot be used."""
    conditions = situation.conditions
    if plan.placement != "device" or conditions.is_server_usable:
        return plan
    return replace(plan, note=conditions.unavailable or "the link was not measured yet")


class Policy(Protocol):
    """
    Decides for one inference at a time; has no clock, socket or thread of its own.

    One that looks at nothing but the conditions may say so by an attribute ``is_steady``, true:
    it is not asked again within a moment in which none of them has changed, as long as it is true.
    One that knows how rows fare in a race may have a method ``raced(situation)``, which gives the
    plan that is soonest if it is raced: under ``auto`` that race is taken where it is worth it.
    """

    @property
    def name(self) -> str:
        """By which it is chosen and reported."""
        ...

    @property
    def needs_every_candidate(self) -> bool:
        """Whether it is lost without one of its cuts, however dear that is to hold."""
        ...

    def candidates(self, graph: Graph) -> Sequence[Cut]:
        """Give the interior cuts it may ask for; segments are built for these."""
        ...

    def decide(self, situation: Situation) -> Plan:
        """Give the plan of the next inference."""
        ...

    def observe(self, record: InferenceRecord) -> None:
        """Learn from an inference that has ended."""
        ...


class Sensing(Protocol):
    """
    What a policy with estimators of its own has beside: it asks for probes and hears of all.

    A policy that has these two is asked and told by the client, and by a simulation, whatever the
    session measures for itself; where it has them not, the conditions are all that it is told.
    """

    def next_probe(self, server: str, at_s: float) -> ProbeRequest | None:
        """Give what is to be sent to a connected server now; asked a few times a second."""
        ...

    def sensed(self, server: str, sample: ProbeSample | LoadReport) -> None:
        """Learn from a probe that was answered, or from what a server told of its load."""
        ...
