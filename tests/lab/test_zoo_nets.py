"""Every net of the zoo is as large as published, and the classic ones answer to the image."""

import math
from decimal import Decimal

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from cutpoint.execution import ModelFile, Segments, load_graph
from cutpoint.execution.runtime import onnxruntime_module, quiet_options
from cutpoint.graph import candidate_cuts
from cutpoint.lab.equivalence import compare
from cutpoint.lab.zoo import ZOO, build, calibration, sample_images
from cutpoint.lab.zoo.nets import alexnet, tiny_yolo
from cutpoint.planning import shortlist

QUICK = ("googlenet", "mobilenet_v2", "nin", "resnet18")
"""Nets that build and run in about a second."""

SLOW = ("alexnet_towers", "resnet101", "resnet152", "tiny_yolov2", "vgg16", "xception")

_DARKNET_HEADER_BYTES = 16
"""Version and number of images seen."""

EACH = [*QUICK, *(pytest.param(name, marks=pytest.mark.soak) for name in SLOW)]


@pytest.fixture(scope="module", params=EACH)
def net(request: pytest.FixtureRequest, zoo_model) -> onnx.ModelProto:
    """Each of the classic nets, one in memory at a time."""
    return onnx.load(zoo_model(request.param))


def images_for(net: onnx.ModelProto, count: int) -> np.ndarray:
    """Give images of the net's size, each a batch of one."""
    channels, height, width = ZOO[net.graph.name].image
    return sample_images(count, height, width, seed=1, channels=channels)[:, None]


def answers(net: onnx.ModelProto, images: np.ndarray) -> np.ndarray:
    """Give the one output for each image."""
    session = onnxruntime_module().InferenceSession(
        net.SerializeToString(), quiet_options(), providers=["CPUExecutionProvider"]
    )
    return np.concatenate([session.run(None, {"input": image})[0] for image in images])


@pytest.mark.parametrize("name", ZOO)
def test_weights_and_multiply_adds_are_the_published_ones(name: str) -> None:
    """Every learned number is counted, and every multiply-add to the published digit."""
    entry, net = ZOO[name], ZOO[name].make()
    digit = Decimal(entry.gmacs).as_tuple().exponent
    assert net.num_parameters == entry.num_parameters
    assert round(Decimal(net.num_macs) / 10**9, -digit) == Decimal(entry.gmacs)
    assert entry.source


@pytest.mark.parametrize("name", ZOO)
def test_an_architecture_is_described_by_its_entry(name: str) -> None:
    """Name and image are those of the entry, and each weight is read by a node."""
    net = ZOO[name].make()
    read = {value for node in net.graph.node for value in node.input}
    assert net.graph.name == name
    assert net.image_shape == (1, *ZOO[name].image)
    assert net.shapes.keys() == net.roles.keys()
    assert net.shapes.keys() <= read


@pytest.mark.parametrize("name", ZOO)
def test_nothing_is_computed_in_vain(name: str) -> None:
    """Every value leads to an output: a branch left out of the graph would be seen."""
    graph = ZOO[name].make().graph
    wanted = {output.name for output in graph.output}
    for node in reversed(graph.node):
        assert wanted & set(node.output), node.name
        wanted |= set(node.input)


def test_a_built_net_is_valid(net: onnx.ModelProto) -> None:
    """The checker takes the net, shape inference included."""
    onnx.checker.check_model(net, full_check=True)


def test_outputs_are_finite_and_vary_with_the_image(net: onnx.ModelProto) -> None:
    """Two images give two answers, and different images have different winners."""
    outputs = answers(net, images_for(net, 8)).reshape(8, -1)
    assert np.isfinite(outputs).all()
    assert np.abs(outputs[0] - outputs[1]).max() > 0.1 * np.abs(outputs).max()
    assert len(set(outputs.argmax(axis=1).tolist())) > 3


def test_logits_spread_as_calibrated(net: onnx.ModelProto) -> None:
    """The typical spread of the scores at one place is near what calibration aims at."""
    spreads = answers(net, images_for(net, 8)).std(axis=1).reshape(8, -1).mean(axis=1)
    assert 0.5 * calibration.LOGITS_STD < np.median(spreads) < 2 * calibration.LOGITS_STD


def test_a_net_survives_cutting(net: onnx.ModelProto) -> None:
    """At each cut worth holding, head and tail give the outputs of the whole net."""
    graph = load_graph(ModelFile.open(net.SerializeToString()))
    images = images_for(net, 2)
    (name,) = graph.outputs
    expected = [{name: output[None]} for output in answers(net, images)]
    cuts = shortlist(graph, candidate_cuts(graph))
    segments = Segments(graph, cuts)
    assert cuts
    for cut in cuts:
        given = []
        for image in images:
            head = segments.run(segments.head_of(cut), {"input": image}).values
            crossing = {value: head[value] for value in cut.crossing}
            tail = segments.run(segments.tail_of(cut), crossing).values
            given.append(segments.outputs_of(tail))
        found = compare(given, expected)
        assert found.is_shown, f"cut at {cut.crossing}: {found}"


def test_the_two_towers_meet_twice() -> None:
    """The image enters both, and only the third convolutions and the features join them."""
    graph = alexnet.alexnet_towers().graph
    joined = [node for node in graph.node if node.op_type == "Concat"]
    assert [len(node.input) for node in joined] == [2, 2]
    for node in joined:
        assert [value.split(".")[0] for value in node.input] == ["tower1", "tower2"]
    readers = [node.name for node in graph.node if joined[0].output[0] in node.input]
    assert len(readers) == 2
    assert [node.name.split(".")[0] for node in graph.node if "input" in node.input] == [
        "tower1",
        "tower2",
    ]


def test_tiny_yolo_is_as_large_as_its_weights_file() -> None:
    """Means and variances among them, its numbers and a header are a file of 63,471,556 bytes."""
    net = tiny_yolo.tiny_yolov2()
    numbers = sum(math.prod(shape) for shape in net.shapes.values())
    assert 4 * numbers + _DARKNET_HEADER_BYTES == 63_471_556


def test_a_built_net_holds_each_weight_once() -> None:
    """Initializers are the weights and the constants, all finite, and name and seed are told."""
    model, net = build("mobilenet_v2", seed=5), ZOO["mobilenet_v2"].make()
    held = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    assert len(held) == len(model.graph.initializer)
    assert net.shapes.keys() <= held.keys()
    assert all(held[name].shape == shape for name, shape in net.shapes.items())
    assert all(np.isfinite(array).all() for array in held.values())
    assert {prop.key: prop.value for prop in model.metadata_props} == {
        "cutpoint.zoo.name": "mobilenet_v2",
        "cutpoint.zoo.seed": "5",
    }
    assert list(model.opset_import) == [helper.make_opsetid("", 17)]
