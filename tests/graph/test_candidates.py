import time
from collections.abc import Callable
from dataclasses import replace

import onnx
import pytest
from hypothesis import given, settings
from tests.graph.every_candidate import every_candidate
from tests.graph.random_graphs import graphs
from tests.nets import net_graph

from cutpoint.graph import Graph, candidate_cuts, graph_from_model, plain_model
from cutpoint.graph.candidates import some_candidates
from cutpoint.lab.zoo import ZOO

Read = Callable[..., Graph]


def names(graph: Graph) -> list[str]:
    """Give the values at which a graph may be cut."""
    return [cut.crossing[0] for cut in candidate_cuts(graph)]


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("chain", ["a", "b", "c"]),
        ("diamond", ["a", "d"]),
        ("two_inputs_two_outputs", ["c"]),
        ("skip", ["a", "c"]),
        ("input_in_tail", ["c"]),
        ("output_in_head", ["a", "b"]),
        ("shared_weight", ["b"]),
        ("output_used", ["a", "b"]),
        ("side_branch", ["a"]),
    ],
)
def test_single_values_that_separate(
    model: str, expected: list[str], request: pytest.FixtureRequest
) -> None:
    """Candidates are the single values that separate a head from a tail, in their order."""
    assert expected == names(request.getfixturevalue(model))


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("Conv(x, w)", "Relu(v)", []),
        ("Conv(x, w)", "LeakyRelu(v)", []),
        ("Conv(x, w)", "Clip(v)", []),
        ("Conv(x, w)", "Mul(v, s)", []),
        ("Add(x, s)", "Relu(v)", []),
        ("Conv(x, w)", "Conv(v, w)", ["v"]),
        ("Conv(x, w)", "MaxPool<kernel_shape = [2, 2]>(v)", ["v"]),
        ("Relu(x)", "Add(v, s)", ["v"]),
        ("MaxPool<kernel_shape = [2, 2]>(x)", "Relu(v)", ["v"]),
        ("Identity(x)", "Exp(v)", []),
        ("Dropout(x)", "Conv(v, w)", []),
    ],
)
def test_what_is_fused_is_not_cut(
    first: str, second: str, expected: list[str], graph_of: Read
) -> None:
    """No cut goes between nodes that ONNX Runtime merges, nor behind one that costs nothing."""
    weights = "<float[2,2,1,1] w = {1, 2, 3, 4}, float s = {2}>"
    graph = graph_of(
        f"(float[1,2,4,4] x) => (float[1,2,H,W] y) {weights} {{ v = {first} y = {second} }}"
    )
    assert expected == names(graph)


def test_a_value_used_twice_is_not_fused(graph_of: Read) -> None:
    """A value that two nodes use is made in any case: a cut may go there."""
    graph = graph_of(
        """(float[1,4] x) => (float[1,4] y) <float[4] w = {1, 2, 3, 4}>
        { v = Add(x, w) a = Relu(v) b = Sigmoid(v) y = Sub(a, b) }"""
    )
    assert names(graph) == ["v"]


def test_a_name_the_file_has_not_is_no_candidate(chain: Graph) -> None:
    """A cut is named by the model file's values: what the optimiser made up is left out."""
    assert names(replace(chain, original_names=frozenset({"x", "a", "c", "y"}))) == ["a", "c"]


def test_a_value_of_unknown_size_is_no_candidate(chain: Graph) -> None:
    """A value whose shape is not known cannot travel."""
    values = {**chain.values, "b": replace(chain.values["b"], shape=None)}
    assert names(replace(chain, values=values)) == ["a", "c"]


def test_no_candidate_is_an_end(chain: Graph) -> None:
    """Every candidate leaves nodes on both sides."""
    for cut in candidate_cuts(chain):
        assert cut.placement == "split"
        assert 0 < cut.head < chain.all_nodes


def test_weights_that_are_handed_on_are_no_candidates(graph_of: Read) -> None:
    """A chain of nodes that pass a weight on, as older exporters write it, is nowhere cut."""
    graph = graph_of(
        """(float[1,4] x) => (float[1,4] y) <float[4] w = {1, 2, 3, 4}>
        { u = Identity(w) v = Identity(u) a = Relu(x) b = Div(a, v) y = Tanh(b) }"""
    )
    assert names(graph) == ["a", "b"]
    assert {"w", "u", "v"}.isdisjoint(graph.values)


def test_a_quantised_net_is_cut_at_whole_numbers(graph_of: Read) -> None:
    """Between quantising and dequantising, not at the floats around: the runtime merges those."""
    graph = graph_of(
        """(float[1,2,4,4] x) => (float[1,2,4,4] y)
        <float s = {0.5}, uint8 z = {128}, float[2,2,1,1] w = {1, 2, 3, 4}> {
            xq = QuantizeLinear(x, s, z) xf = DequantizeLinear(xq, s, z)
            a = Conv(xf, w) b = Relu(a)
            bq = QuantizeLinear(b, s, z) bf = DequantizeLinear(bq, s, z)
            c = MaxPool<kernel_shape = [1, 1]>(bf)
            cq = QuantizeLinear(c, s, z) cf = DequantizeLinear(cq, s, z)
            y = Exp(cf)
        }"""
    )
    assert names(graph) == ["xq", "bq", "cq"]


def test_floats_that_two_nodes_dequantise_are_no_candidate(graph_of: Read) -> None:
    """What comes of dequantising is no cut though two nodes use it: the value before is smaller."""
    graph = graph_of(
        """(float[1,4] x) => (float[1,4] y) <float s = {0.5}, uint8 z = {128}> {
            a = Tanh(x) q = QuantizeLinear(a, s, z) f = DequantizeLinear(q, s, z)
            b = Exp(f) c = Abs(f) y = Sub(b, c)
        }"""
    )
    assert names(graph) == ["q"]


@pytest.mark.parametrize(
    ("given", "made", "expected"),
    [("float", "double", ["a", "c"]), ("float", "float16", ["a", "b", "c"])],
)
def test_a_wider_copy_is_no_candidate(
    given: str, made: str, expected: list[str], graph_of: Read
) -> None:
    """A cast is a cut where it makes fewer bytes, none where the cut before it is cheaper."""
    kind = {"double": 11, "float16": 10}[made]
    graph = graph_of(
        f"({given}[1,4] x) => ({made}[1,4] y)"
        f"{{ a = Tanh(x) b = Cast<to = {kind}>(a) c = Exp(b) y = Neg(c) }}"
    )
    assert names(graph) == expected


MASKED = """(int64[2,3] ids, int64[2,3] mask) => (float[2,3,4] y)
    <float[9,4] table, float[4,4] w, bool one = {1}, float none = {-1000}> {
        seen = Cast<to = 9>(mask) hidden = Not(seen) last = Unsqueeze(hidden, axes)
        a = Gather(table, ids) b = MatMul(a, w) c = Where(last, none, b)
        d = MatMul(c, w) e = Where(last, none, d) y = Tanh(e)
    }"""
"""A text net in small: each layer takes a mask."""


def masked(graph_of: Read) -> Graph:
    """Read it with weights, which the notation cannot hold at this size."""
    numbers = ", ".join(["1"] * 36)
    weights = f"float[9,4] table = {{{numbers}}}, float[4,4] w = {{{numbers[: 16 * 3 - 2]}}}"
    text = MASKED.replace("float[9,4] table, float[4,4] w", f"{weights}, int64[1] axes = {{2}}")
    return graph_of(text)


def test_masks_cross_beside_a_value(graph_of: Read) -> None:
    """Where the tail needs a mask besides, both cross: the mask as it is smallest."""
    crossing = [cut.crossing for cut in candidate_cuts(masked(graph_of))]
    assert crossing == [("a", "last"), ("b", "last"), ("c", "last"), ("d", "last"), ("e",)]


def test_sizes_cross_beside_a_value(graph_of: Read) -> None:
    """Where the tail needs the size of an early value, that one number crosses, not the value."""
    graph = graph_of(
        """(float[2,4] x) => (float[2,4] y) {
            a = Relu(x) size = Shape(a) b = Tanh(a) c = Exp(b) d = Expand(c, size) y = Neg(d)
        }"""
    )
    crossing = [cut.crossing for cut in candidate_cuts(graph)]
    assert crossing == [("a",), ("b", "size"), ("c", "size"), ("d",)]


def test_sizes_and_masks_are_no_candidates(graph_of: Read) -> None:
    """No cut is at a size, a position or a mask alone."""
    graph = graph_of(
        """(float[2,4] x) => (float[8] y, int64[1] n) <int64[1] one = {1}, int64[1] none = {0}> {
            a = Relu(x) size = Shape(a) count = ReduceProd<keepdims = 1>(size)
            n = Mul(count, one) b = Tanh(a) flat = Reshape(b, n) y = Neg(flat)
        }"""
    )
    assert [cut.crossing for cut in candidate_cuts(graph)] == [("a",), ("b", "n")]


@settings(max_examples=400)
@given(graph=graphs())
def test_candidates_are_those_of_the_definition(graph: Graph) -> None:
    """One walk finds what trying every value finds: the same cuts, in the same order."""
    assert candidate_cuts(graph) == every_candidate(graph)


@pytest.mark.parametrize("name", ZOO)
def test_candidates_of_every_net_are_those_of_the_definition(name: str) -> None:
    """The same of real nets."""
    graph = net_graph(name)
    assert candidate_cuts(graph) == every_candidate(graph)


def long_chain(num_layers: int, *, is_masked: bool) -> Graph:
    """Give layers one behind the other, each of which takes a mask."""
    kind = onnx.TensorProto.FLOAT
    x = onnx.helper.make_tensor_value_info("v0", kind, [1, 4])
    mask = onnx.helper.make_tensor_value_info("mask", onnx.TensorProto.INT64, [1, 4])
    beside = ["hidden"] if is_masked else []
    nodes = [onnx.helper.make_node("Cast", ["mask"], ["hidden"], to=kind)] if is_masked else []
    nodes += [
        onnx.helper.make_node("PRelu" if is_masked else "Tanh", [f"v{i}", *beside], [f"v{i + 1}"])
        for i in range(num_layers)
    ]
    y = onnx.helper.make_tensor_value_info(f"v{num_layers}", kind, [1, 4])
    inputs = [x, mask] if is_masked else [x]
    model = onnx.helper.make_model(
        onnx.helper.make_graph(nodes, "chain", inputs, [y]),
        opset_imports=[onnx.helper.make_opsetid("", 17)],
        ir_version=8,
    )
    names = frozenset(name for node in nodes for name in (*node.input, *node.output))
    return graph_from_model(
        plain_model(model), name="chain", sha256="ab" * 32, original_names=names
    )


@pytest.mark.parametrize("is_masked", [False, True])
def test_a_long_chain_is_looked_through_at_once(is_masked: bool) -> None:
    """5,000 layers take a fraction of a second: no look at all values for each value."""
    graph = long_chain(5000, is_masked=is_masked)
    began_s = time.perf_counter()
    cuts = candidate_cuts(graph)
    assert time.perf_counter() - began_s < 3
    assert [cut.head.bit_count() for cut in cuts] == list(range(1 + is_masked, 5000 + is_masked))
    assert {len(cut.crossing) for cut in cuts} == {1 + is_masked}


@settings(max_examples=100)
@given(graph=graphs())
def test_some_candidates_are_candidates(graph: Graph) -> None:
    """As many as were asked for, or all there are, and each of them once."""
    every = candidate_cuts(graph)
    few = some_candidates(graph, 3)
    assert set(few) <= set(every)
    assert len(set(few)) == len(few) >= min(1, len(every))


def test_some_candidates_are_spread_over_the_graph() -> None:
    """Three cuts of a chain lie at its quarters."""
    few = some_candidates(long_chain(400, is_masked=False), 3)
    assert [cut.head.bit_count() for cut in few] == [100, 200, 300]
