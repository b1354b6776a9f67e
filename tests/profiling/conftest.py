"""A tiny chain of convolutions, and a profile made up for it."""

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from cutpoint.execution import ModelFile, load_graph
from cutpoint.graph import Cut, Graph, candidate_cuts
from cutpoint.planning import shortlist
from cutpoint.records import FORMAT_VERSION, Environment, Profile, Sample

NUM_CONVS = 6
NUM_CHANNELS = 32
SIDE = 128


def conv_chain() -> bytes:
    """Six times Conv, Relu and MaxPool on a 128x128 image: about a millisecond of work."""
    rng = np.random.default_rng(7)
    nodes, weights, given, num_given = [], [], "image", 3
    for i in range(NUM_CONVS):
        shape = (NUM_CHANNELS, num_given, 3, 3)
        weight = rng.standard_normal(shape, dtype=np.float32) / np.sqrt(9 * num_given)
        weights.append(numpy_helper.from_array(weight.astype(np.float32), f"weight{i}"))
        nodes.append(
            helper.make_node("Conv", [given, f"weight{i}"], [f"conv{i}"], pads=[1, 1, 1, 1])
        )
        nodes.append(helper.make_node("Relu", [f"conv{i}"], [f"relu{i}"]))
        nodes.append(
            helper.make_node(
                "MaxPool", [f"relu{i}"], [f"pool{i}"], kernel_shape=[2, 2], strides=[2, 2]
            )
        )
        given, num_given = f"pool{i}", NUM_CHANNELS
    nodes.append(helper.make_node("Flatten", [given], ["classes"]))
    image = helper.make_tensor_value_info("image", onnx.TensorProto.FLOAT, [1, 3, SIDE, SIDE])
    classes = helper.make_tensor_value_info(
        "classes", onnx.TensorProto.FLOAT, [1, 4 * NUM_CHANNELS]
    )
    graph = helper.make_graph(nodes, "conv_chain", [image], [classes], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(model.SerializeToString())


@pytest.fixture(scope="session")
def graph() -> Graph:
    """Load the chain as a graph."""
    return load_graph(ModelFile.open(conv_chain(), name="conv_chain"))


@pytest.fixture(scope="session")
def cuts(graph: Graph) -> tuple[Cut, ...]:
    """Give its shortlisted cuts, four at least."""
    listed = shortlist(graph, candidate_cuts(graph))
    assert len(listed) >= 4
    return listed


@pytest.fixture
def profile() -> Profile:
    """Give a profile nobody measured."""
    environment = Environment(
        runtime="1.31.1",
        providers=("CPUExecutionProvider",),
        num_threads=1,
        cpu="Räspberry Pi",
        num_cores=4,
        power_mode=None,
        malloc_kept=True,
        emulated_slowdown=2.5,
    )
    samples = (
        Sample("whole", "", 0.125, 0.11),
        Sample("segment", "0123456789ab", 0.03125, 0.0),
        Sample("node", "Conv_0", 1e-7),
        Sample("upload", "fedcba987654", 3.0, None, 602112),
    )
    return Profile(
        format_version=FORMAT_VERSION,
        model_sha256="ab" * 32,
        model_name="tiny",
        host="pi",
        environment=environment,
        cuts=(("a",), ("b", "c")),
        samples=samples,
        contention=1.02,
        dropped_cuts=(("d",),),
    )
