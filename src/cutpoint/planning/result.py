"""What a planner answers."""

from dataclasses import dataclass
from math import inf
from typing import Literal

from cutpoint.cost import head_of

Status = Literal["optimal", "feasible", "infeasible"]
"""Proven best of all cuts under the planner's own objective; a plan that keeps the limits;
no plan that the planner considers keeps them."""


@dataclass(frozen=True)
class PlanResult:
    """
    One planner's answer.

    Parameters
    ----------
    status
        See `Status`.
    placement
        Host of each block: 0 the device, 1 the server, 2 the one behind it. Empty if
        infeasible.
    promised_s
        What the planner's own objective gives for this plan; infinite if infeasible.
    order
        Blocks of the device in the order in which they run, where that matters.
    mix
        For several jobs: how many run under each placement, first come first; empty when
        all run under `placement`.
    """

    status: Status
    placement: tuple[int, ...] = ()
    promised_s: float = inf
    order: tuple[int, ...] = ()
    mix: tuple[tuple[tuple[int, ...], int], ...] = ()

    @property
    def head(self) -> int:
        """Blocks on the device as a bit mask."""
        return head_of(self.placement)


INFEASIBLE = PlanResult("infeasible")
"""Nothing that the planner considers keeps the limits."""
