"""Device, server, and the server behind it: an ordered cut into three by one minimum cut."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from cutpoint.cost import FULL, CostTable, CostValue, Setting, placement_of
from cutpoint.planning.cuts.min_cut import MinCut
from cutpoint.planning.cuts.priced import heads_that_fit
from cutpoint.planning.evaluate import evaluate
from cutpoint.planning.planner import Goal
from cutpoint.planning.problem import Problem
from cutpoint.planning.result import INFEASIBLE, PlanResult

_NUM_BISECTIONS = 30

Hosts = tuple[int, ...]
Column = NDArray[np.float64]


class ThreeTiers:
    """
    The best placement on device, server and the server behind, data only moving away.

    Exact. Each block gets two labels, whether it has left the device and whether it has
    left the server; the second implies the first, so both together are one minimum cut
    [1]_ of a table that has every block twice. What each placement pays once (messages,
    waiting) depends only on which hosts it uses: the cut is made for each set of hosts
    that may be used, and the best by the whole objective is taken.

    Parameters
    ----------
    setting
        Terms that count.

    Notes
    -----
    Ours, after the ordered labels of [1]_; systems of device, edge and cloud such as
    DDNN [2]_ choose the two exits by hand. Without a link onward it is the best cut of two
    hosts. With memory caps the price of memory on the device or the servers is raised
    until the plan fits, and the plan is ``"feasible"``.

    References
    ----------
    .. [1] Ishikawa, H. (2003). Exact Optimization for Markov Random Fields with Convex
           Priors. *IEEE Transactions on Pattern Analysis and Machine Intelligence*,
           25(10), 1333 - 1336.
    .. [2] Teerapittayanon, S., McDanel, B., Kung, H. T. (2017). Distributed Deep Neural
           Networks over the Cloud, the Edge and End Devices. *IEEE ICDCS*, 328 - 339.
    """

    name = "three-tiers"
    num_hosts = 3
    goal: Goal = "latency"
    exempt: Mapping[str, str] = MappingProxyType({})

    def __init__(self, setting: Setting = FULL) -> None:
        self.setting = setting

    def plan(self, problem: Problem) -> PlanResult:
        """Give the placement with the least latency; of equals the one on fewest hosts."""
        best = INFEASIBLE
        is_exact = not problem.limits.has_memory_caps
        for placement in self._candidates(problem):
            if not problem.limits.are_kept(problem.table, placement):
                continue
            found = PlanResult("optimal" if is_exact else "feasible", placement)
            promised_s = evaluate(problem, found, self.setting)
            if promised_s < best.promised_s:
                best = PlanResult(found.status, placement, promised_s)
        return best

    def _candidates(self, problem: Problem) -> list[Hosts]:
        """Give the best placement for each set of hosts, and those with dear memory."""
        num_blocks = problem.table.num_blocks
        placements: list[Hosts] = [(0,) * num_blocks]
        tiers = _tiers_of(problem, self.setting)
        if tiers is None:
            return placements
        placements += [(host,) * num_blocks for host in range(1, tiers.num_hosts)]
        if problem.limits.has_memory_caps:
            placements += [
                tuple(host * there for there in placement_of(head, num_blocks))
                for head in heads_that_fit(problem)
                for host in range(1, tiers.num_hosts)
            ]
        solvers = [_two_hosts(problem, tiers, 1)]
        if tiers.num_hosts > 2:
            solvers += [_two_hosts(problem, tiers, 2), _three_hosts(problem, tiers)]
        for solve in solvers:
            placements.append(solve(tiers.host_s))
            if problem.limits.has_memory_caps:
                placements += _with_dear_memory(problem, tiers, solve)
        return placements


@dataclass(frozen=True)
class _Tiers:
    """
    Seconds that minimum cuts add up.

    Parameters
    ----------
    host_s
        Of each block on each host that can be used, its outputs' way back included.
        Shape ``(n_hosts, n_blocks)``.
    send_s
        Of each value over each link. Shape ``(n_hosts - 1, n_values)``.
    """

    host_s: Column
    send_s: Column

    @property
    def num_hosts(self) -> int:
        return len(self.host_s)


_Solver = Callable[[Column], Hosts]
"""From seconds per host and block to the cheapest placement on some set of hosts."""


def _tiers_of(problem: Problem, setting: Setting) -> _Tiers | None:
    """Give the prices of a problem; ``None`` if the server cannot be used."""
    table = problem.table
    sizes = np.array([value.size_bytes for value in table.values])
    returned = table.wiring.returned_bytes
    host_s = [setting.seen(problem.conditions).device_slowdown * table.device_s]
    send_s, way_back_s = [], np.zeros(table.num_blocks)
    for hop in (problem.conditions, problem.onward):
        seen = None if hop is None else setting.seen(hop)
        if seen is None or seen.link is None or not seen.is_server_usable:
            break
        way_back_s = way_back_s + returned / seen.link.bandwidth_down_bytes_per_s
        host_s.append(seen.load.slowdown * table.host_s[len(host_s)] + way_back_s)
        send_s.append(sizes / seen.link.bandwidth_up_bytes_per_s)
    return _Tiers(np.array(host_s), np.array(send_s)) if send_s else None


def _two_hosts(problem: Problem, tiers: _Tiers, behind: int) -> _Solver:
    """Solve for the device and one host behind it; values travel all links between."""
    network = MinCut(problem.table, problem.limits.may_leave(problem.table))
    send_s = tiers.send_s[:behind].sum(axis=0)

    def solve(host_s: Column) -> Hosts:
        head = network.head(host_s[0], host_s[behind], send_s)
        return tuple(0 if head >> b & 1 else behind for b in range(problem.table.num_blocks))

    return solve


def _three_hosts(problem: Problem, tiers: _Tiers) -> _Solver:
    """Solve for all three hosts: label 2 of block b is vertex b, label 1 vertex n + b."""
    table, num_blocks = problem.table, problem.table.num_blocks
    may_leave = (
        *(value.may_cross for value in table.values),
        *problem.limits.may_leave(table),
        *(True for _ in range(num_blocks)),
    )
    network = MinCut(_doubled(table), may_leave)
    none = np.zeros(num_blocks)

    def solve(host_s: Column) -> Hosts:
        # The chain of [1] per block: host 2 is cut off before label 2, host 1 between the
        # labels, host 0 after label 1; label 1 cannot hold without label 2.
        head = network.head(
            np.concatenate([none, host_s[0]]),
            np.concatenate([host_s[2], none]),
            np.concatenate([tiers.send_s[1], tiers.send_s[0], host_s[1]]),
        )
        return tuple(2 - (head >> b & 1) - (head >> num_blocks + b & 1) for b in range(num_blocks))

    return solve


def _doubled(table: CostTable) -> CostTable:
    """Give a table with each block twice: left the server or not, left the device or not."""
    num_blocks = table.num_blocks
    values = []
    for label in (0, 1):
        shift = label * num_blocks
        for index, value in enumerate(table.values):
            producer = None if value.producer is None else value.producer + shift
            consumers = tuple(consumer + shift for consumer in value.consumers)
            values.append(CostValue(f"{label}.{index}", 0.0, producer, consumers))
    values += [CostValue(f"host 1.{b}", 0.0, b, (num_blocks + b,)) for b in range(num_blocks)]
    blocks = tuple(f"{label}.{b}" for label in (0, 1) for b in range(num_blocks))
    return CostTable(table.name, blocks, np.zeros((2, 2 * num_blocks)), tuple(values))


def _with_dear_memory(problem: Problem, tiers: _Tiers, solve: _Solver) -> list[Hosts]:
    """Give the placements met while the price of memory is raised until it fits."""
    table, limits = problem.table, problem.limits
    share = table.memory / max(float(table.memory.sum()), 1.0)
    highest = 2.0 * float(tiers.host_s.sum() + tiers.send_s.sum()) * table.num_blocks
    found: list[Hosts] = []
    for rows, cap_bytes in (
        (slice(0, 1), limits.device_memory_bytes),
        (slice(1, None), limits.server_memory_bytes),
    ):
        low, high = 0.0, highest
        for _ in range(_NUM_BISECTIONS if cap_bytes < np.inf else 0):
            dear_s = tiers.host_s.copy()
            dear_s[rows] += (low + high) / 2 * share
            found.append(solve(dear_s))
            is_on_device = np.array(found[-1]) == 0
            is_held = is_on_device if rows.start == 0 else ~is_on_device
            fits = float(table.memory[is_held].sum()) <= cap_bytes
            low, high = (low, (low + high) / 2) if fits else ((low + high) / 2, high)
    return found
