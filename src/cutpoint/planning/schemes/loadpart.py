"""LoADPart: an O(n) scan with prefix sums, a load factor, and partitions kept by cut point."""

from collections.abc import Mapping
from types import MappingProxyType

from cutpoint.cost import CostTable, PrefixRows, Setting
from cutpoint.planning.cuts.intervals import is_chain
from cutpoint.planning.cuts.prefixes import best_prefix
from cutpoint.planning.planner import Goal
from cutpoint.planning.problem import Problem
from cutpoint.planning.result import INFEASIBLE, PlanResult, Status

_MOST_TABLES = 8
"""Tables whose sums are kept; the oldest go first."""


class LoadPart:
    """
    LoADPart's linear scan under bandwidth and server load [1]_: a reconstruction.

    The graph is laid out in topological order; the first p blocks run on the device.
    Prefix sums of the device's times and suffix sums of the server's are made once per
    table, so a decision is a few operations on arrays of length n + 1. Partitions that
    were chosen before are kept by p, as the paper keeps sub-graphs. Optimal on chains.

    Notes
    -----
    Only the abstract was at hand; the algorithm is recalled, and a follow-on's code was
    read. Unknown: the regression features, the refresh period of k, and every figure of
    its tables. k is one factor on all server time. The return of the outputs is counted
    as recalled, no message time and no queueing. Limits are not in the paper: prefixes
    that break them are left out.

    References
    ----------
    .. [1] Liu, H., Zheng, W., Li, L., Guo, M. (2022). LoADPart: Load-Aware Dynamic
           Partition of Deep Neural Networks for Edge Offloading. *IEEE ICDCS*, 481 - 491.
    """

    name = "loadpart"
    goal: Goal = "latency"
    setting = Setting(message=False, waiting=False, device_load=False)
    exempt: Mapping[str, str] = MappingProxyType(
        {"finds a plan where there is one": "prefixes of one order are the only cuts it looks at"}
    )

    def __init__(self) -> None:
        self._known: dict[int, KeptPrefixes] = {}

    def plan(self, problem: Problem) -> PlanResult:
        """Give the best prefix; of equals the longest, full local first of all."""
        # [1], as recalled: argmin over p of F[p] + s_p / B + k G[p + 1] + s_n / B_down,
        # against F[n]; row n is that one.
        rows = self._rows(problem.table)
        best = best_prefix(problem, rows, self.setting)
        if best is None:
            return INFEASIBLE
        status: Status = "optimal" if is_chain(problem.table) else "feasible"
        return PlanResult(status, rows.placement(best[0]), best[1])

    def _rows(self, table: CostTable) -> "KeptPrefixes":
        known = self._known.get(id(table))
        if known is not None and known.is_of(table):
            return known
        # A kept table cannot be collected, so no other one gets its id.
        self._known[id(table)] = fresh = KeptPrefixes(table)
        while len(self._known) > _MOST_TABLES:
            del self._known[next(iter(self._known))]
        return fresh


class KeptPrefixes(PrefixRows):
    """
    The rows of all prefixes of a table, and the partitions that were chosen from them.

    Parameters
    ----------
    table
        As it is now: `is_of` tells whether it still is.
    """

    def __init__(self, table: CostTable) -> None:
        super().__init__(table)
        self._content = _content(table)
        self._placements: dict[int, tuple[int, ...]] = {}

    def is_of(self, table: CostTable) -> bool:
        """Tell whether these are this table's sums, written-to arrays noticed."""
        return self._table is table and self._content == _content(table)

    def placement(self, point: int) -> tuple[int, ...]:
        """Give the partition of a cut point, the same object each time."""
        if point not in self._placements:
            tail = self._table.num_blocks - point
            self._placements[point] = (0,) * point + (1,) * tail
        return self._placements[point]


def _content(table: CostTable) -> tuple[bytes, bytes]:
    """Give what can be written to in a table; all else in it is immutable."""
    return table.host_s.tobytes(), table.memory.tobytes()
