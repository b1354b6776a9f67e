"""The device's factor, found once: at it neither host alone has the edge."""

from collections.abc import Iterable
from statistics import median

from cutpoint.lab.papers.links import DELAY_S
from cutpoint.lab.papers.paper_net import PaperNet
from cutpoint.units import from_mbit_per_s

BALANCED_MBIT_PER_S = 8.0
"""The middle link of the grid."""


def balanced_factor(nets: Iterable[PaperNet]) -> float:
    """
    Give the factor at which the middle net takes as long on the device as on the idle server.

    No figure of the paper's could be read that a device might be calibrated on. So it is the one
    on which its question is open: a much slower device always sends and a much faster one never
    does, whatever the load.
    """
    return median(_factor_of(net) for net in nets)


def _factor_of(net: PaperNet) -> float:
    rate = from_mbit_per_s(BALANCED_MBIT_PER_S)
    graph = net.pixels
    sent_bytes = graph.size_bytes(tuple(graph.inputs)) + graph.size_bytes(tuple(graph.outputs))
    whole_s = float(net.pixel_s.sum())
    return (whole_s + 2 * DELAY_S + sent_bytes / rate) / whole_s
