"""Every candidate cut of every model of the zoo gives the outputs of the uncut model."""

import numpy as np
import onnx
import pytest
from tests.loopback.conftest import SERVED, image_feeds

from cutpoint.client.session import InferenceSession
from cutpoint.execution import ModelFile, Segments, load_graph
from cutpoint.execution.runtime import onnxruntime_module, quiet_options
from cutpoint.graph import Arrays, candidate_cuts, cut_at
from cutpoint.lab.equivalence import compare
from cutpoint.lab.zoo import ZOO
from cutpoint.planning import shortlist

CANDIDATES = {
    "alexnet": 13, "densenet121": 71, "inception_v1": 20, "inception_v2": 17, "resnet50": 20,
    "shufflenet": 23, "squeezenet": 22, "vgg19": 24, "zfnet512": 13,
}  # fmt: skip


def uncut_outputs(path, feeds: list[Arrays]) -> list[Arrays]:
    """Give what ONNX Runtime itself makes of the model file."""
    session = onnxruntime_module().InferenceSession(
        str(path), quiet_options(), providers=["CPUExecutionProvider"]
    )
    names = [output.name for output in session.get_outputs()]
    return [dict(zip(names, session.run(names, feed), strict=True)) for feed in feeds]


@pytest.mark.parametrize("name", ZOO)
def test_every_candidate_cut_gives_the_outputs_of_the_uncut_model(name, zoo_model):
    """Head and tail, joined by the crossing values alone, equal the model file run whole."""
    path = zoo_model(name)
    graph = load_graph(ModelFile.open(path))
    feeds = image_feeds(graph)
    expected = uncut_outputs(path, feeds)
    cuts = candidate_cuts(graph)
    assert len(cuts) == CANDIDATES[name]
    segments = Segments(graph, cuts)
    for cut in cuts:
        given = []
        for feed in feeds:
            head = segments.run(segments.head_of(cut), feed).values
            crossing = {value: head[value] for value in cut.crossing}
            tail = segments.run(segments.tail_of(cut), crossing).values
            given.append(segments.outputs_of(tail))
        found = compare(given, expected)
        assert found.is_shown, f"{name} cut at {cut.crossing}: {found}"


@pytest.mark.parametrize("name", SERVED)
def test_head_and_tail_in_separate_processes_give_the_outputs_of_the_uncut_model(
    name, zoo_model, served
):
    """Each cut the model is held at, and server-only, runs its tail in the server's process."""
    path = zoo_model(name)
    graph = load_graph(ModelFile.open(path))
    feeds = image_feeds(graph)
    expected = uncut_outputs(path, feeds)
    kept = shortlist(graph, candidate_cuts(graph))
    for policy in ("server", *(",".join(cut.crossing) for cut in kept)):
        with InferenceSession(path, server=served.address, policy=policy) as session:
            session.wait_until_ready(20.0)
            given = []
            for feed in feeds:
                outputs = session.run(list(graph.outputs), feed)
                given.append(dict(zip(graph.outputs, outputs, strict=True)))
                record = session.last_record
                assert record.fallback_reason is None
                assert record.placement == ("server" if policy == "server" else "split")
        found = compare(given, expected)
        assert found.is_shown, f"{name} at {policy}: {found}"


def test_a_cut_no_segment_ends_at_is_built_on_request(zoo_model, served):
    """A candidate the server does not hold runs on the device until its tail is warm there."""
    path = zoo_model("squeezenet")
    graph = load_graph(ModelFile.open(path))
    kept = shortlist(graph, candidate_cuts(graph))
    other = next(cut for cut in candidate_cuts(graph) if cut not in kept)
    (feed,) = image_feeds(graph, 1)
    (expected,) = uncut_outputs(path, [feed])
    policy = ",".join(other.crossing)
    with InferenceSession(path, server=served.address, policy=policy) as session:
        session.wait_until_ready(20.0)
        for _ in range(2000):
            (output,) = session.run(None, feed)
            assert np.array_equal(output, expected[graph.outputs[0]])
            if session.last_record.placement == "split":
                break
        assert session.last_record.placement == "split"
        assert other.crossing == session.last_record.crossing


class TestNegativeControls:
    """The comparison fails when it must."""

    def test_two_crossing_values_swapped(self):
        """A tail that gets its two inputs the wrong way round is caught."""
        _, feeds, expected, segments, cut = _two_branches()
        assert _through(segments, cut, feeds, expected).is_shown
        first, second = cut.crossing
        swapped = {first: second, second: first}
        assert not _through(segments, cut, feeds, expected, swapped).is_shown

    def test_an_initializer_zeroed(self):
        """A model with one weight set to zero is caught."""
        _, feeds, expected, _, cut = _two_branches()
        model = _branching_model()
        weight = model.graph.initializer[0]
        zeros = np.zeros(tuple(weight.dims), np.float32)
        weight.CopyFrom(onnx.numpy_helper.from_array(zeros, weight.name))
        graph = load_graph(ModelFile.open(model.SerializeToString()))
        segments = Segments(graph, [cut_at(graph, cut.crossing)])
        assert not _through(segments, cut_at(graph, cut.crossing), feeds, expected).is_shown

    def test_a_stale_segment(self):
        """A tail of an older version of the weights is caught."""
        _, feeds, expected, segments, cut = _two_branches()
        older = load_graph(ModelFile.open(_branching_model(seed=99).SerializeToString()))
        stale = Segments(older, [cut_at(older, cut.crossing)])
        given = []
        for feed in feeds:
            head = segments.run(segments.head_of(cut), feed).values
            tail = stale.run(stale.tail_of(cut_at(older, cut.crossing)), head).values
            given.append(stale.outputs_of(tail))
        assert not compare(given, expected).is_shown

    def test_a_model_whose_outputs_do_not_vary_with_its_input(self):
        """Equal outputs of a model that ignores its input show nothing."""
        model = _branching_model(gain=0.0)
        graph = load_graph(ModelFile.open(model.SerializeToString()))
        feeds = _feeds()
        cut = cut_at(graph, ("left", "right"))
        segments = Segments(graph, [cut])
        expected = [
            segments.outputs_of(segments.run(segments.segments, feed).values) for feed in feeds
        ]
        found = _through(segments, cut, feeds, expected)
        assert found.error == 0
        assert not found.is_shown


def _branching_model(seed: int = 0, gain: float = 1.0) -> onnx.ModelProto:
    """Give a model whose head makes two values of one shape that its tail subtracts."""
    rng = np.random.default_rng(seed)
    make = onnx.helper

    def weight(name: str, scale: float = 1.0) -> onnx.TensorProto:
        values = scale * rng.standard_normal((8, 8))
        return onnx.numpy_helper.from_array(values.astype(np.float32), name)

    nodes = [
        make.make_node("MatMul", ["x", "w_left"], ["l"]),
        make.make_node("Sigmoid", ["l"], ["left"]),
        make.make_node("MatMul", ["x", "w_right"], ["r"]),
        make.make_node("Tanh", ["r"], ["right"]),
        make.make_node("MatMul", ["left", "w_out"], ["o"]),
        make.make_node("Sub", ["o", "right"], ["difference"]),
        make.make_node("Mul", ["difference", "gain"], ["scaled"]),
        make.make_node("Add", ["scaled", "one"], ["y"]),
    ]
    tensor = onnx.TensorProto.FLOAT
    constants = [
        onnx.numpy_helper.from_array(np.full((1,), gain, np.float32), "gain"),
        onnx.numpy_helper.from_array(np.ones((1,), np.float32), "one"),
    ]
    graph = make.make_graph(
        nodes,
        "branches",
        [make.make_tensor_value_info("x", tensor, (1, 8))],
        [make.make_tensor_value_info("y", tensor, (1, 8))],
        [weight("w_left"), weight("w_right"), weight("w_out"), *constants],
    )
    return make.make_model(graph, opset_imports=[make.make_opsetid("", 17)], ir_version=8)


def _feeds() -> list[Arrays]:
    rng = np.random.default_rng(5)
    return [{"x": rng.standard_normal((1, 8)).astype(np.float32)} for _ in range(3)]


def _two_branches():
    graph = load_graph(ModelFile.open(_branching_model().SerializeToString()))
    feeds = _feeds()
    cut = cut_at(graph, ("left", "right"))
    segments = Segments(graph, [cut])
    expected = [segments.outputs_of(segments.run(segments.segments, feed).values) for feed in feeds]
    return graph, feeds, expected, segments, cut


def _through(segments, cut, feeds, expected, swapped=None):
    """Run head and tail with nothing but the crossing values between them."""
    names = swapped or {}
    given = []
    for feed in feeds:
        head = segments.run(segments.head_of(cut), feed).values
        crossing = {names.get(value, value): head[value] for value in cut.crossing}
        tail = segments.run(segments.tail_of(cut), crossing).values
        given.append(segments.outputs_of(tail))
    return compare(given, expected)
