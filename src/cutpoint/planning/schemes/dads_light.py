"""DADS under light load: the minimum cut, as printed and corrected."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from cutpoint.cost import Setting, placement_of
from cutpoint.planning.cuts.min_cut import MinCut
from cutpoint.planning.cuts.priced import cheapest_head, prices_of
from cutpoint.planning.evaluate import evaluate
from cutpoint.planning.planner import Goal
from cutpoint.planning.problem import Problem
from cutpoint.planning.result import INFEASIBLE, PlanResult, Status

DADS_SETTING = Setting(message=False, waiting=False, load=False, device_load=False, returning=False)
"""Section II of [1]_: bandwidth is the only thing that changes, and nothing returns."""


class DadsLight:
    """
    DADS's DSL: the minimum cut of the latency network [1]_, with three corrections.

    Notes
    -----
    Deviations from the print: the input is the device's (the paper's network uploads it
    for nothing), a block on the server feeds none on the device (the paper neither
    charges nor forbids it), and capacities are integers (floats gave wrong sets). Limits
    are infinite capacities; memory caps, which the paper has not, are Lagrangian prices.

    References
    ----------
    .. [1] Hu, C., Bao, W., Wang, D., Liu, F. (2019). Dynamic Adaptive DNN Surgery for
           Inference Acceleration on the Edge. *IEEE INFOCOM*, 1423 - 1431.
    """

    name = "dads-light"
    goal: Goal = "latency"
    setting = DADS_SETTING
    exempt: Mapping[str, str] = MappingProxyType({})

    def plan(self, problem: Problem) -> PlanResult:
        """Give the cut with the least device, upload and server time."""
        head = cheapest_head(problem, self.setting)
        if head is None:
            return INFEASIBLE
        status: Status = "feasible" if problem.limits.has_memory_caps else "optimal"
        result = PlanResult(status, placement_of(head, problem.table.num_blocks))
        return PlanResult(status, result.placement, evaluate(problem, result, self.setting))


class DadsLightAsPrinted:
    """
    Algorithm 1 of DADS as printed [1]_, defects included, for comparison.

    Notes
    -----
    Neither is the input pinned nor crossing back forbidden, so what it promises may not
    be achievable. Limits are not in the paper: a plan that breaks them is infeasible.

    References
    ----------
    .. [1] Hu, C., Bao, W., Wang, D., Liu, F. (2019). Dynamic Adaptive DNN Surgery for
           Inference Acceleration on the Edge. *IEEE INFOCOM*, 1423 - 1431. Algorithm 1.
    """

    name = "dads-light-printed"
    goal: Goal = "latency"
    setting = DADS_SETTING
    exempt: Mapping[str, str] = MappingProxyType(
        {
            "promises what the objective gives": "uploads the input, and crosses back, for nothing",
            "data only moves away from the device": "crossing back is not forbidden",
            "never worse than the ends": "believes the input to travel for nothing",
            "more bandwidth is never slower": "the input is not charged, so nothing holds it",
            "finds a plan where there is one": "limits are not in the paper: one cut, kept or not",
        }
    )

    def plan(self, problem: Problem) -> PlanResult:
        """Give the cut of the printed network, and the cut's capacity as the promise."""
        table = problem.table
        prices = prices_of(problem, self.setting)
        if prices is None:
            head = table.everything
            return self._checked(problem, head, float(table.device_s.sum()))
        network = MinCut(
            table,
            tuple(value.may_cross for value in table.values),
            is_input_pinned=False,
            is_back_forbidden=False,
        )
        head = network.head(prices.device_s, prices.server_s, prices.upload_s)
        on_device = np.array([bool(head >> block & 1) for block in range(table.num_blocks)])
        promised_s = float(prices.device_s[on_device].sum() + prices.server_s[~on_device].sum())
        for value, upload_s in zip(table.values, prices.upload_s, strict=True):
            # Eq. (3) of [1]: the outputs of V_S are uploaded, each once; the input is not.
            if value.producer is not None and on_device[value.producer]:
                promised_s += float(upload_s) * any(not on_device[c] for c in value.consumers)
        return self._checked(problem, head, promised_s)

    def _checked(self, problem: Problem, head: int, promised_s: float) -> PlanResult:
        placement = placement_of(head, problem.table.num_blocks)
        if not problem.limits.are_kept(problem.table, placement):
            return INFEASIBLE
        return PlanResult("feasible", placement, promised_s)
