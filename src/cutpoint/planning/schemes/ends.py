"""The two ends, and one cut that never changes."""

from collections.abc import Mapping
from types import MappingProxyType

from cutpoint.cost import FULL, Setting, head_of, placement_of
from cutpoint.exceptions import PlannerError
from cutpoint.planning.evaluate import evaluate, is_closed
from cutpoint.planning.planner import Goal
from cutpoint.planning.problem import Problem
from cutpoint.planning.result import INFEASIBLE, PlanResult

_KEEPS_ITS_CUT = MappingProxyType(
    dict.fromkeys(
        (
            "never worse than the ends",
            "a dead link keeps all on the device",
            "a free link and a faster server take all",
            "finds a plan where there is one",
        ),
        "always the same cut, whatever it costs",
    )
)


class FixedCut:
    """
    Always the same blocks on the device.

    Parameters
    ----------
    name
        By which it is reported.
    head
        Names of the blocks on the device; ``None`` for all of them.

    Raises
    ------
    PlannerError
        When asked to plan for a table without such a block, or whose other blocks
        feed these.
    """

    goal: Goal = "latency"
    setting: Setting = FULL
    exempt: Mapping[str, str] = _KEEPS_ITS_CUT

    def __init__(self, name: str, head: frozenset[str] | None) -> None:
        self.name = name
        self._head = head

    def plan(self, problem: Problem) -> PlanResult:
        """Give its cut if the limits allow it."""
        table = problem.table
        wanted = frozenset(table.blocks) if self._head is None else self._head
        if not wanted <= set(table.blocks):
            raise PlannerError(
                f"planner {self.name!r}: {table.name!r} has no block "
                f"{sorted(wanted - set(table.blocks))[0]!r}"
            )
        placement = tuple(0 if block in wanted else 1 for block in table.blocks)
        if not is_closed(problem, placement):
            raise PlannerError(f"planner {self.name!r}: a block of its head needs one that is not")
        if not problem.limits.are_kept(table, placement):
            return INFEASIBLE
        result = PlanResult("feasible", placement_of(head_of(placement), table.num_blocks))
        promised_s = evaluate(problem, result, self.setting)
        return PlanResult(result.status, result.placement, promised_s)


def device_only() -> FixedCut:
    """Give the planner that keeps everything on the device."""
    return FixedCut("device-only", None)


def server_only() -> FixedCut:
    """Give the planner that sends the inputs and keeps nothing."""
    return FixedCut("server-only", frozenset())
