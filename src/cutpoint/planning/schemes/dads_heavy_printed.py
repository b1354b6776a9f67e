"""DADS's Algorithm 2 under heavy load: a grid search over weights, repaired where it must be."""

from collections.abc import Mapping
from math import inf, isqrt
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from cutpoint.cost import head_rows, placement_of, stages
from cutpoint.planning.cuts.min_cut import MinCut
from cutpoint.planning.cuts.priced import Prices, prices_of
from cutpoint.planning.planner import Goal
from cutpoint.planning.problem import Problem
from cutpoint.planning.result import INFEASIBLE, PlanResult
from cutpoint.planning.schemes.dads_light import DADS_SETTING

SHRINK = 4
"""K: by how much the step shrinks from sweep to sweep. The paper gives no value; this is ours."""

TOLERANCE_S = 1e-4
"""Epsilon: a sweep that gains less is the last. The paper gives no value; this is ours."""

MAX_CUTS = 100
"""Minimum cuts per sweep; the first one as printed can need 100,000."""

Axis = NDArray[np.float64]


class DadsHeavyAsPrinted:
    """
    Algorithm 2 of DADS, DSH [1]_: minimum cuts over a grid of weights of the stages.

    Costs become alpha * device, link, gamma * server. Sweep after sweep the box around
    the best weights is searched in finer steps, until a sweep gains no more.

    Parameters
    ----------
    shrink
        K of the paper.
    tolerance_s
        Epsilon of the paper.
    max_cuts
        Per sweep. The first one has (alpha_u + 1)(gamma_u + 1) as printed: 10^5 for the
        paper's own tiny YOLOv2 with an output of 4 KB on WiFi.

    Notes
    -----
    As printed are the bounds, the sweeps, the box and the end. Repaired: the cut is the
    corrected one of `DadsLight`; (1, 1) is tried first, for the ratio of 3 of Theorem 1
    needs it, and the printed grid lacks it where gamma_u < 1; the cut of the best
    weights is kept, where Search returns the last one; stages are those of unscaled
    times; weights stay at zero or above. A first sweep over the cap is thinned: zero, one
    and the bounds stay, with even ratios between, and the next box reaches to the
    neighbours in the thinned grid. Later sweeps over the cap take fewer steps. Limits
    are infinite capacities; with memory caps, which the paper has not, only cuts that
    happen to fit count, and both ends are tried.

    The ratio says nothing for the search: the light-load cut alone has it. Use
    `DadsHeavy`, which is exact.

    References
    ----------
    .. [1] Hu, C., Bao, W., Wang, D., Liu, F. (2019). Dynamic Adaptive DNN Surgery for
           Inference Acceleration on the Edge. *IEEE INFOCOM*, 1423 - 1431. Algorithm 2.
    """

    name = "dads-heavy-printed"
    goal: Goal = "stage"
    setting = DADS_SETTING
    exempt: Mapping[str, str] = MappingProxyType(
        {"finds a plan where there is one": "memory caps are not in the paper"}
    )

    def __init__(
        self, shrink: int = SHRINK, tolerance_s: float = TOLERANCE_S, max_cuts: int = MAX_CUTS
    ) -> None:
        self._shrink = shrink
        self._tolerance_s = tolerance_s
        self._max_cuts = max_cuts

    def plan(self, problem: Problem) -> PlanResult:
        """Give the best cut met in the search."""
        prices = prices_of(problem, self.setting)
        if prices is None:
            return _Met(problem).result(problem.table.everything)
        search, per_axis = _Search(problem, prices), isqrt(self._max_cuts)
        if problem.limits.has_memory_caps:
            search.take([problem.table.everything, 0])
        search.sweep(np.ones(1), np.ones(1))
        axes = [first_axis(most, per_axis) for most in first_bounds(prices)]
        step, before_s = 1.0, inf
        # Algorithm 2 of [1]: while |T'max - Tmax| >= epsilon; Tmax is infinite at first.
        while True:
            search.sweep(*axes)
            if before_s - search.longest_s < self._tolerance_s or search.longest_s == inf:
                return search.met.result(search.head)
            before_s = search.longest_s
            num_steps = min(self._shrink, max((per_axis - 1) // 2, 1))
            centres = (search.alpha, search.gamma)
            axes = [
                next_axis(axis, centre, step, num_steps)
                for axis, centre in zip(axes, centres, strict=True)
            ]
            step /= self._shrink


def first_bounds(prices: Prices) -> tuple[float, float]:
    """
    Give alpha_u and gamma_u: all the device's time, and the server's, over the least upload.

    Values that travel for nothing are left out of the least; without any other both are 1.
    """
    uploads_s = prices.upload_s[prices.upload_s > 0]
    if not uploads_s.size:
        return 1.0, 1.0
    least_s = float(uploads_s.min())
    return float(prices.device_s.sum()) / least_s, float(prices.server_s.sum()) / least_s


def first_axis(most: float, most_points: int) -> Axis:
    """Give 0, 1, 2 and so on up to a bound; over so many points, even ratios instead."""
    if most + 1 <= most_points:
        return np.arange(int(most) + 1, dtype=float)
    return np.concatenate([[0.0], np.geomspace(1.0, most, max(most_points - 1, 2))])


def next_axis(axis: Axis, centre: float, step: float, num_steps: int) -> Axis:
    """Give finer points from one neighbour of the centre to the other, none below zero."""
    below, above = axis[axis < centre], axis[axis > centre]
    low = float(below[-1]) if below.size else max(centre - step, 0.0)
    high = float(above[0]) if above.size else centre + step
    return np.unique(
        np.concatenate(
            [np.linspace(low, centre, num_steps + 1), np.linspace(centre, high, num_steps + 1)]
        )
    )


class _Met:
    """The longest stage of every head met, with unscaled times."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self.longest_s: dict[int, float] = {}

    def add(self, heads: list[int]) -> None:
        fresh = sorted(set(heads) - set(self.longest_s))
        if fresh:
            rows = head_rows(self._problem.table, fresh, self._problem.limits)
            longest_s = stages(rows, DADS_SETTING.seen(self._problem.conditions)).longest_s
            longest_s = np.where(rows.is_allowed, longest_s, inf)
            self.longest_s.update(zip(fresh, map(float, longest_s), strict=True))

    def result(self, head: int) -> PlanResult:
        self.add([head])
        if self.longest_s[head] == inf:
            return INFEASIBLE
        placement = placement_of(head, self._problem.table.num_blocks)
        return PlanResult("feasible", placement, self.longest_s[head])


class _Search:
    """Search of Algorithm 2: the best weights seen so far, and their cut."""

    def __init__(self, problem: Problem, prices: Prices) -> None:
        self._prices = prices
        self._network = MinCut(problem.table, problem.limits.may_leave(problem.table))
        self.met = _Met(problem)
        self.alpha, self.gamma, self.longest_s = 1.0, 1.0, inf
        self.head = problem.table.everything

    def take(self, heads: list[int]) -> None:
        """Begin with these heads, met without weights."""
        self.met.add(heads)
        self.head = min(heads, key=lambda head: self.met.longest_s[head])
        self.longest_s = self.met.longest_s[self.head]

    def sweep(self, alphas: Axis, gammas: Axis) -> None:
        """Meet the cuts of all pairs of weights and keep the best, of equals the last."""
        prices = self._prices
        weights = [(float(alpha), float(gamma)) for alpha in alphas for gamma in gammas]
        heads = [
            self._network.head(alpha * prices.device_s, gamma * prices.server_s, prices.upload_s)
            for alpha, gamma in weights
        ]
        self.met.add(heads)
        for (alpha, gamma), head in zip(weights, heads, strict=True):
            if self.met.longest_s[head] <= self.longest_s:  # "<=" as printed
                self.alpha, self.gamma, self.head = alpha, gamma, head
                self.longest_s = self.met.longest_s[head]
