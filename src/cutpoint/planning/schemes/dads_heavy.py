"""DADS under heavy load, exactly: the cut with the least longest stage."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import inf
from types import MappingProxyType

from cutpoint.cost import head_rows
from cutpoint.graph import closed_sets
from cutpoint.planning.cuts.ancestry import members
from cutpoint.planning.cuts.intervals import Interval, heads_in, intervals_of, surely_crossing
from cutpoint.planning.cuts.min_cut import MinCut
from cutpoint.planning.cuts.priced import Prices, prices_of
from cutpoint.planning.planner import Goal
from cutpoint.planning.problem import Problem
from cutpoint.planning.result import INFEASIBLE, PlanResult
from cutpoint.planning.schemes.dads_light import DADS_SETTING
from cutpoint.planning.schemes.exhaustive import best_of

MAX_IDEALS = 4096
"""Largest number of cuts listed between two adjacent cut vertices."""

_WEIGHTS = tuple(2.0**power for power in range(-6, 7, 2))


class DadsHeavy:
    """
    DADS's ECDI-H [1]_, min max of device, link and server stage, solved exactly.

    Between two adjacent cut vertices every closed set is listed (a block of an Inception
    net has at most a few hundred); what lies outside is the same for all of them. It
    also bounds them from below, so most intervals are never listed. A stage is at
    least what the interval forces on it: the frontier of good cuts is short.

    Parameters
    ----------
    max_ideals
        An interval with more closed sets, and a bound that does not rule it out, is
        searched by minimum cuts of weighted stages instead; the plan is then
        ``"feasible"``, no longer proven optimal.

    Notes
    -----
    The paper shows the problem NP-hard and gives Algorithm 2, a grid search over
    weights, which reaches only supported points of the trade-off and guarantees no more
    than its light-load cut does: see `DadsHeavyAsPrinted`. This method is ours; the
    problem is the paper's.

    References
    ----------
    .. [1] Hu, C., Bao, W., Wang, D., Liu, F. (2019). Dynamic Adaptive DNN Surgery for
           Inference Acceleration on the Edge. *IEEE INFOCOM*, 1423 - 1431. Section III-C.
    """

    name = "dads-heavy"
    goal: Goal = "stage"
    setting = DADS_SETTING
    exempt: Mapping[str, str] = MappingProxyType({})

    def __init__(self, max_ideals: int = MAX_IDEALS) -> None:
        self._max_ideals = max_ideals

    def plan(self, problem: Problem) -> PlanResult:
        """Give the cut with the least longest stage."""
        table, prices = problem.table, prices_of(problem, self.setting)
        if prices is None:
            return self._better(problem, INFEASIBLE, [table.everything])
        intervals = intervals_of(table)
        ends = [table.everything, *(interval.before for interval in intervals)]
        best = self._better(problem, INFEASIBLE, ends)
        unlisted = []
        # ECDI-H of [1]: min max{T_e, T_t, T_c}, interval by interval, least bound first.
        for floor_s, interval in _by_floor(problem, intervals, prices):
            if floor_s >= best.promised_s:
                break
            heads = _listed(problem, interval, self._max_ideals)
            if heads is None:
                unlisted.append(floor_s)
            else:
                best = self._better(problem, best, heads)
        if any(floor_s < best.promised_s for floor_s in unlisted):
            best = self._better(problem, best, weighted_heads(problem, prices))
        if any(floor_s < best.promised_s for floor_s in unlisted) and best.placement:
            return replace(best, status="feasible")
        return best

    def _better(self, problem: Problem, best: PlanResult, heads: Sequence[int]) -> PlanResult:
        rows = head_rows(problem.table, heads, problem.limits)
        found = best_of(rows, problem, self.setting, self.goal)
        return found if found.promised_s < best.promised_s else best


def weighted_heads(problem: Problem, prices: Prices) -> list[int]:
    """Give the heads that are least for some weights of device and server against the link."""
    network = MinCut(problem.table, problem.limits.may_leave(problem.table))
    return [
        network.head(alpha * prices.device_s, gamma * prices.server_s, prices.upload_s)
        for alpha in _WEIGHTS
        for gamma in _WEIGHTS
    ]


def _by_floor(
    problem: Problem, intervals: Sequence[Interval], prices: Prices
) -> list[tuple[float, Interval]]:
    undecided = [interval for interval in intervals if interval.inside]
    floors_s = [_floor_s(problem, interval, prices) for interval in undecided]
    return sorted(zip(floors_s, undecided, strict=True), key=lambda pair: pair[0])


def _floor_s(problem: Problem, interval: Interval, prices: Prices) -> float:
    """Give what the longest stage is at least, for every cut of an interval."""
    crossing = surely_crossing(problem.table, interval)
    may_leave = problem.limits.may_leave(problem.table)
    if not all(may_leave[index] for index in crossing):
        return inf
    return max(
        float(prices.device_s[list(members(interval.before))].sum()),
        float(prices.server_s[list(members(interval.after))].sum()),
        float(prices.upload_s[crossing].sum()),
    )


def _listed(problem: Problem, interval: Interval, cap: int) -> list[int] | None:
    """Give every head of an interval; ``None`` if there are too many."""
    position = {block: index for index, block in enumerate(interval.inside)}
    predecessors = [
        sum(1 << position[p] for p in members(problem.table.predecessors[b]) if p in position)
        for b in interval.inside
    ]
    ideals = closed_sets(predecessors, cap)
    return None if ideals is None else heads_in(interval, ideals)
