"""A net of pools, measured by nobody: its costs and encoded sizes are written down."""

from collections.abc import Callable

import numpy as np
import pytest

from cutpoint.cost import CodecSpeed, table_of_nodes
from cutpoint.graph import Graph
from cutpoint.lab.shares.host_times import HostTimes
from cutpoint.lab.shares.measured_net import GPU_LIKE, SAME, MeasuredNet, gpu_like_s

_POOL = "<kernel_shape = [2, 2], strides = [2, 2]>"
_STAGES = f"""(float[1, 3, 32, 32] x) => (float[1, 3, 1, 1] y) {{
    a = AveragePool {_POOL} (x)
    left = MaxPool {_POOL} (a)
    right = AveragePool {_POOL} (a)
    b = Add (left, right)
    c = MaxPool {_POOL} (b)
    d = Relu (c)
    e = AveragePool {_POOL} (d)
    y = MaxPool {_POOL} (e)
}}"""

CODECS = {"zstd": 0.7, "float16": 0.5, "uint8": 0.25, "uint8+zstd": 0.15, "uint4+zstd": 0.06}


def _net(graph: Graph) -> MeasuredNet:
    rng = np.random.default_rng(4)
    node_s = rng.uniform(1e-4, 2e-3, len(graph.nodes))
    same = table_of_nodes(graph, [node_s, node_s])
    server_s = rng.uniform(1e-5, 2e-4, len(graph.nodes))
    values = [name for name in graph.values if name not in graph.outputs]
    return MeasuredNet(
        name="squeezenet",
        graph=graph,
        costs={SAME: same, GPU_LIKE: table_of_nodes(graph, [node_s, server_s])},
        sent_bytes={
            codec: {
                name: graph.size_bytes((name,)) * ratio * rng.uniform(0.8, 1.2) for name in values
            }
            for codec, ratio in CODECS.items()
        },
        picture_bytes={"png": 1500.0, "jpeg:90": 400.0},
        num_pixels=32 * 32,
        after_relu=frozenset({"d"}),
        contention=1.0,
        num_pictures=1,
        times=HostTimes(
            {
                codec: CodecSpeed(1e-5 * number, 1e-9 * number, 2e-9)
                for number, codec in enumerate([*CODECS, "png", "jpeg:90"], 1)
            },
            {
                codec: CodecSpeed(2e-5 * number, 3e-9, 1e-9 * number)
                for number, codec in enumerate([*CODECS, "png", "jpeg:90"], 1)
            },
            prepare_s_per_pixel=1e-8,
        ),
    )


@pytest.fixture(scope="session")
def net(graph_of: Callable[..., Graph]) -> MeasuredNet:
    """Give the net."""
    return _net(graph_of(_STAGES))


@pytest.fixture(scope="session")
def gpu_s(graph_of: Callable[..., Graph]) -> Callable[[str], list[float]]:
    """Give what an assumed accelerator takes for the blocks of a graph."""
    return lambda text: gpu_like_s(graph_of(text)).tolist()
