"""DADS planned on the test bed that its own figures imply."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from cutpoint.cost import FULL
from cutpoint.lab.papers.links import link_conditions
from cutpoint.lab.papers.paper_net import PaperNet
from cutpoint.lab.papers.printed_fit import PrintedFit
from cutpoint.planning import Problem, planner_named
from cutpoint.planning.evaluate import evaluate


def implied_speedups(
    net: PaperNet, fit: PrintedFit, uplinks_mbit_per_s: tuple[float, ...]
) -> Mapping[float, float]:
    """
    Give edge-only / DADS by uplink, where edge and cloud take what the print says.

    The input is float32, links have no delay, and each host spends its time on the nodes as this
    one does.
    """
    input_bytes = float(net.floats.size_bytes(net.floats.inputs))
    table = net.costs(1.0)
    shares = table.device_s / table.device_s.sum()
    edge_s, cloud_s = fit.edge_s(input_bytes), fit.cloud_s(input_bytes)
    table = replace(table, host_s=np.array([shares * edge_s, shares * cloud_s]))
    planner = planner_named("dads-light")
    found = {}
    for uplink in uplinks_mbit_per_s:
        problem = Problem(table, link_conditions(uplink, delay_s=0.0))
        found[uplink] = edge_s / evaluate(problem, planner.plan(problem), FULL)
    return MappingProxyType(found)
