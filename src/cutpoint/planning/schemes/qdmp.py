"""QDMP: the minimum cut, sought only between two adjacent cut vertices."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import inf
from types import MappingProxyType

import numpy as np

from cutpoint.cost import CostTable, head_rows, placement_of, predict
from cutpoint.planning.cuts.ancestry import members
from cutpoint.planning.cuts.intervals import Interval, heads_in, intervals_of, surely_crossing
from cutpoint.planning.cuts.min_cut import MinCut
from cutpoint.planning.cuts.priced import Prices, prices_of
from cutpoint.planning.planner import Goal
from cutpoint.planning.problem import Problem
from cutpoint.planning.result import INFEASIBLE, PlanResult
from cutpoint.planning.schemes.dads_light import DADS_SETTING, DadsLight


class Qdmp:
    """
    QDMP's two stages [1]_: cut vertices first, then the cut in between: a reconstruction.

    First every cut vertex is tried as the last block on the device. Then the intervals
    between two adjacent ones are taken by their lower bound, least first: one whose
    bound is no better than what was found is skipped, in the others the minimum cut is
    sought among the interval's own blocks. As every cut is in exactly one interval the
    result is the minimum over all cuts.

    Notes
    -----
    Only the abstract was at hand: that the optimum lies between two adjacent cut
    vertices, and that the minimum cut is sought only there. Unknown: how the paper picks
    the pair. Picking by a lower bound is ours. Our cut vertices include those a skip
    connection jumps over; see `intervals_of`. The terms are DADS's. Memory caps, which
    the paper has not, are left to the whole minimum cut with Lagrangian prices.

    References
    ----------
    .. [1] Zhang, S., Li, Y., Liu, X., Guo, S., Wang, W., Wang, J., Ding, B., Wu, D.
           (2020). Towards Real-time Cooperative Deep Inference over the Cloud and Edge
           End Devices. *Proceedings of the ACM on Interactive, Mobile, Wearable and
           Ubiquitous Technologies*, 4(2), 69.
    """

    name = "qdmp"
    goal: Goal = "latency"
    setting = DADS_SETTING
    exempt: Mapping[str, str] = MappingProxyType({})

    def plan(self, problem: Problem) -> PlanResult:
        """Give the cut with the least device, upload and server time."""
        if problem.limits.has_memory_caps:
            return DadsLight().plan(problem)
        table, intervals = problem.table, intervals_of(problem.table)
        heads = [table.everything, *(interval.before for interval in intervals)]
        latencies_s = self._latencies_s(problem, heads)
        prices = prices_of(problem, self.setting)
        if prices is not None:
            for floor_s, interval in _by_floor(problem, intervals, prices):
                if floor_s >= min(latencies_s):
                    break
                # Stage 2 of [1]: the minimum cut of the part between two adjacent cut vertices.
                head = _cut_inside(problem, interval, prices)
                if head is not None:
                    heads.append(head)
                    latencies_s += self._latencies_s(problem, [head])
        best = int(np.argmin(latencies_s))
        if not np.isfinite(latencies_s[best]):
            return INFEASIBLE
        placement = placement_of(heads[best], table.num_blocks)
        return PlanResult("optimal", placement, latencies_s[best])

    def _latencies_s(self, problem: Problem, heads: Sequence[int]) -> list[float]:
        """Give the latency of each head, infinite where the limits forbid it."""
        rows = head_rows(problem.table, heads, problem.limits)
        latency_s = predict(rows, self.setting.seen(problem.conditions)).latency_s
        return list(map(float, np.where(rows.is_allowed, latency_s, np.inf)))


def _by_floor(
    problem: Problem, intervals: Sequence[Interval], prices: Prices
) -> list[tuple[float, Interval]]:
    """Give the intervals with something to decide and their lower bounds, least first."""
    undecided = [interval for interval in intervals if interval.inside]
    floors_s = [_floor_s(problem, interval, prices) for interval in undecided]
    return sorted(zip(floors_s, undecided, strict=True), key=lambda pair: pair[0])


def _floor_s(problem: Problem, interval: Interval, prices: Prices) -> float:
    """Bound the cuts of an interval from below: each block where it is faster, one value sent."""
    table = problem.table
    inside = list(interval.inside)
    total_s = float(prices.device_s[list(members(interval.before))].sum())
    total_s += float(prices.server_s[list(members(interval.after))].sum())
    total_s += float(np.minimum(prices.device_s[inside], prices.server_s[inside]).sum())
    crossing = surely_crossing(table, interval)
    if crossing:
        may_leave = problem.limits.may_leave(table)
        is_forbidden = not all(may_leave[index] for index in crossing)
        return inf if is_forbidden else total_s + float(prices.upload_s[crossing].sum())
    has_inputs = any(value.producer is None and value.consumers for value in table.values)
    if interval.after and (interval.before or has_inputs):
        # Something has to cross, if only the cheapest.
        total_s += float(prices.upload_s.min())
    return total_s


def _cut_inside(problem: Problem, interval: Interval, prices: Prices) -> int | None:
    """
    Give the cheapest head of an interval; of equally cheap ones the smallest.

    Returns
    -------
    int or None
        ``None`` if the limits leave none: every cut is infinite, and what the solver
        gives need not even be closed.
    """
    table, inside = problem.table, list(interval.inside)
    part, kept = _part_of(table, interval)
    may_leave = problem.limits.may_leave(table)
    # The last block stands for all that follow: it is the server's at any price.
    network = MinCut(part, tuple(may_leave[index] for index in kept))
    ideal = network.head(
        np.append(prices.device_s[inside], inf),
        np.append(prices.server_s[inside], 0.0),
        prices.upload_s[kept],
    )
    if ideal >> len(inside):
        return None
    head = heads_in(interval, [ideal])[0]
    is_closed = all(table.predecessors[block] & ~head == 0 for block in members(head))
    return head if is_closed else None


def _part_of(table: CostTable, interval: Interval) -> tuple[CostTable, list[int]]:
    """
    Give the part of a table between two cut vertices, and which values are left of it.

    What the blocks before made is the part's input; one block stands for all after it.
    """
    position = {block: index for index, block in enumerate(interval.inside)}
    values, kept = [], []
    crossing = set(surely_crossing(table, interval))
    for index, value in enumerate(table.values):
        used = sorted({position.get(consumer, len(position)) for consumer in value.consumers
                       if not interval.before >> consumer & 1})  # fmt: skip
        is_made_after = value.producer is not None and interval.after >> value.producer & 1
        if not used or is_made_after or index in crossing:
            continue
        producer = None if value.producer is None else position.get(value.producer)
        values.append(replace(value, producer=producer, consumers=tuple(used), is_output=False))
        kept.append(index)
    blocks = (*(table.blocks[block] for block in interval.inside), "all that follow")
    seconds = np.zeros((2, len(blocks)))
    return CostTable(table.name, blocks, seconds, tuple(values)), kept
