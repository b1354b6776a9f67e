"""What a planner is: costs in, plan out."""

from collections.abc import Mapping
from typing import Literal, Protocol

from cutpoint.cost import Setting
from cutpoint.planning.problem import Problem
from cutpoint.planning.result import PlanResult

Goal = Literal["latency", "stage", "jobs"]
"""What is made small: one inference's latency; the longest stage, which bounds the
throughput; the time until the last of several jobs has been sent."""


class Planner(Protocol):
    """A published scheme, or ours: a pure function with a name and the terms it counts."""

    @property
    def name(self) -> str:
        """By which it is chosen and reported."""
        ...

    @property
    def goal(self) -> Goal:
        """What it makes small."""
        ...

    @property
    def setting(self) -> Setting:
        """Which terms of the one objective it counts."""
        ...

    @property
    def exempt(self) -> Mapping[str, str]:
        """Laws it breaks by design or as printed, with the reason; see `cutpoint.testing`."""
        ...

    def plan(self, problem: Problem) -> PlanResult:
        """
        Give the plan.

        Raises
        ------
        CostError
            If the limits name what the table has not.
        """
        ...
