"""Neurosurgeon: one scan over the cut points of a chain, or of a DAG laid out as one."""

from collections.abc import Mapping
from types import MappingProxyType

from cutpoint.cost import PrefixRows, Setting, placement_of
from cutpoint.planning.cuts.intervals import is_chain
from cutpoint.planning.cuts.prefixes import best_prefix
from cutpoint.planning.planner import Goal
from cutpoint.planning.problem import Problem
from cutpoint.planning.result import INFEASIBLE, PlanResult, Status


class Neurosurgeon:
    """
    Neurosurgeon's scan over all cut points [1]_: a reconstruction.

    Optimal on chains (of blocks each of which needs the one before it). Any other DAG is
    laid out in the table's order first, the variant that DADS [2]_ compared with: its
    prefixes are the only cuts looked at, and all values that cross one are charged.

    Notes
    -----
    The paper's text was not at hand; the formula is recalled. Unknown: how exactly the
    load level K enters the latency models of the server (here a factor on its time), and
    what the energy target weighs. Latency models per layer type are the profile's
    business, not the planner's. Limits are not in the paper: prefixes that break them
    are left out.

    References
    ----------
    .. [1] Kang, Y., Hauswald, J., Gao, C., Rovinski, A., Mudge, T., Mars, J., Tang, L.
           (2017). Neurosurgeon: Collaborative Intelligence Between the Cloud and Mobile
           Edge. *ACM ASPLOS*, 615 - 629.
    .. [2] Hu, C., Bao, W., Wang, D., Liu, F. (2019). Dynamic Adaptive DNN Surgery for
           Inference Acceleration on the Edge. *IEEE INFOCOM*, 1423 - 1431. Section V.
    """

    name = "neurosurgeon"
    goal: Goal = "latency"
    setting = Setting(message=False, waiting=False, device_load=False, returning=False)
    exempt: Mapping[str, str] = MappingProxyType(
        {"finds a plan where there is one": "prefixes of one order are the only cuts it looks at"}
    )

    def plan(self, problem: Problem) -> PlanResult:
        """Give the best prefix; of equals the one with most on the device."""
        # Section V of [2]: a topological sort makes the DAG a chain.
        rows = PrefixRows(problem.table)
        # T(i) = sum of TM up to i + D_i / B + sum of TC(K) from i on, as recalled of [1].
        best = best_prefix(problem, rows, self.setting)
        if best is None:
            return INFEASIBLE
        status: Status = "optimal" if is_chain(problem.table) else "feasible"
        placement = placement_of(rows.head(best[0]), problem.table.num_blocks)
        return PlanResult(status, placement, best[1])
