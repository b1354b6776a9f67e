"""A net of pools, measured by nobody: what its nodes and codecs take is written down."""

from collections.abc import Callable

import numpy as np
import pytest

from cutpoint.cost import CodecSpeed
from cutpoint.cost.calibration import (
    CALIBRATION_FORMAT_VERSION,
    CalibratedRow,
    CalibratedValue,
    Calibration,
)
from cutpoint.cost.tolerance import tolerance_named
from cutpoint.graph import SERVER_ONLY, Graph
from cutpoint.lab.papers.choices import Chooser
from cutpoint.lab.papers.links import links_of
from cutpoint.lab.papers.paper_net import CodecFacts, PaperNet
from cutpoint.planning import cuts_to_hold

_POOL = "<kernel_shape = [2, 2], strides = [2, 2]>"
_STAGES = f"""
    a = AveragePool {_POOL} (x)
    b = MaxPool {_POOL} (a)
    c = Relu (b)
    d = AveragePool {_POOL} (c)
    e = MaxPool {_POOL} (d)
    y = MaxPool {_POOL} (e)
}}"""
_FLOATS = f"(float[1, 3, 64, 64] x) => (float[1, 3, 2, 2] y) {{{_STAGES}"
_PIXELS = f"""(uint8[1, 64, 64, 3] p) => (float[1, 3, 2, 2] y) {{
    t = Transpose <perm = [0, 3, 1, 2]> (p)
    f = Cast <to = 1> (t)
    x = Relu (f)
    {_STAGES}"""

FACTOR = 20.0
UPLINKS = (0.13, 1.1, 5.85, 18.88)


def _calibration(graph: Graph) -> Calibration:
    pixels = float(graph.size_bytes(graph.inputs))
    values = [CalibratedValue("p", "zstd", pixels, 0.9 * pixels)]
    values.append(CalibratedValue("p", "jpeg:90", pixels, 0.1 * pixels))
    rows = [CalibratedRow(SERVER_ONLY, ("p",), "zstd", is_lossless=True)]
    rows.append(CalibratedRow(SERVER_ONLY, ("p",), "jpeg:90", errors={"l2": (0.1,)}))
    for cut in cuts_to_hold(graph):
        rows.append(CalibratedRow(cut.id, cut.crossing, "uint8", errors={"l2": (0.01,)}))
        rows.append(CalibratedRow(cut.id, cut.crossing, "uint4+zstd", errors={"l2": (0.5,)}))
        for name in cut.crossing:
            raw = float(graph.size_bytes((name,)))
            values.append(CalibratedValue(name, "uint8", raw, raw / 4))
            values.append(CalibratedValue(name, "uint4+zstd", raw, raw / 20))
    return Calibration(
        CALIBRATION_FORMAT_VERSION,
        graph.sha256,
        graph.name,
        num_feeds=1,
        values=tuple(values),
        rows=tuple(rows),
    )


@pytest.fixture(scope="session")
def codecs(graph_of: Callable[..., Graph]) -> CodecFacts:
    """Give what codecs do to the pixels and the values."""
    calibration = _calibration(graph_of(_PIXELS))
    speeds = {codec: CodecSpeed(1e-4, 1e-9, 1e-9) for codec in calibration.codecs}
    return CodecFacts(calibration, tolerance_named("l2:0.1"), speeds, speeds)


@pytest.fixture(scope="session")
def net(graph_of: Callable[..., Graph], codecs: CodecFacts) -> PaperNet:
    """Give the net: 30 ms of nodes, a tenth of a millisecond of preprocessing before them."""
    floats, pixels = graph_of(_FLOATS), graph_of(_PIXELS)
    node_s = np.array([*([1e-4 / 3] * 3), 6e-3, 9e-3, 1e-3, 8e-3, 4e-3, 2e-3])
    return PaperNet("resnet18", floats, pixels, node_s, codecs)


@pytest.fixture(scope="session")
def chooser(net: PaperNet) -> Chooser:
    """Give what every policy chooses for the net, on a device twenty times slower."""
    return Chooser(net, FACTOR, links_of(UPLINKS))
