"""The factor by which a device is slower, found from one printed cell and kept for all others."""

from math import sqrt

from cutpoint.cost import FULL
from cutpoint.exceptions import ExperimentError
from cutpoint.lab.papers.paper_net import PaperNet
from cutpoint.planning import Planner, Problem
from cutpoint.planning.evaluate import evaluate
from cutpoint.records import Conditions

_LEAST, _MOST = 1e-3, 1e6
_STEPS = 80


def device_factor(net: PaperNet, conditions: Conditions, planner: Planner, speedup: float) -> float:
    """
    Give the factor at which a planner is as much quicker than the device alone as was printed.

    With a slower device offloading gains more, so there is one such factor; it is found by
    bisection. The plan is the planner's own; what it takes is the whole objective's.

    Parameters
    ----------
    conditions
        Link and server of the printed cell.
    speedup
        Latency of device-only / that of the plan, above 1.

    Raises
    ------
    ExperimentError
        If no factor from 0.001 to 1,000,000 gives that.
    """
    if not speedup > 1 or speedup_at(net, _MOST, conditions, planner) < speedup:
        raise ExperimentError(
            f"no device is slow enough for {net.name} to gain {speedup:g} x over this link: the "
            "cell cannot be had with this planner"
        )
    low, high = _LEAST, _MOST
    for _ in range(_STEPS):
        middle = sqrt(low * high)
        if speedup_at(net, middle, conditions, planner) < speedup:
            low = middle
        else:
            high = middle
    return high


def speedup_at(net: PaperNet, factor: float, conditions: Conditions, planner: Planner) -> float:
    """Give latency of device-only / that of a planner's plan, on a device of a factor."""
    problem = Problem(net.costs(factor), conditions)
    return factor * net.whole_s / evaluate(problem, planner.plan(problem), FULL)
