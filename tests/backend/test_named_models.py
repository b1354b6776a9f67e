"""Models with one thing each that a part may get wrong run at every cut as they run whole."""

from collections.abc import Callable

import numpy as np
import onnx
import pytest

from cutpoint.graph import closed_sets
from cutpoint.testing.backend import CutpointBackend
from cutpoint.testing.uncut import run_uncut

ModelOf = Callable[..., onnx.ModelProto]

X = np.array([-2, -1, 1, 2], np.float32)

MODELS = {
    "functions": """<ir_version: 8, opset_import: ["" : 17, "local" : 1, "far" : 1]>
        model (float[4] x) => (float[4] y) { a = local.outer(x) b = Relu(a) y = far.lone(b) }
        <opset_import: ["" : 17, "local" : 1], domain: "local">
        outer (x) => (y) { n = Neg(x) y = local.inner(n) }
        <opset_import: ["" : 16], domain: "local">
        inner (x) => (y) { y = Exp(x) }
        <opset_import: ["" : 17], domain: "far">
        lone (x) => (y) { y = Tanh(x) }""",
    "a function called in a branch": """<ir_version: 8, opset_import: ["" : 17, "local" : 1]>
        model (float[4] x) => (float[4] y) <float[4] w = {1, 2, 3, 4}> {
            s = ReduceSum<keepdims = 0>(x)
            zero = Constant<value = float {0}>()
            c = Greater(s, zero)
            a = Mul(x, w)
            y = If(c) <
                then_branch = yes () => (float[4] t) { t = local.twice(a) },
                else_branch = no () => (float[4] e) { e = Mul(a, w) }
            >
        }
        <opset_import: ["" : 17], domain: "local">
        twice (x) => (y) { y = Add(x, x) }""",
    "captured at depth": """(float[4] x) => (float[4] y) <float[4] w = {1, 2, 3, 4}> {
        c = Constant<value = bool {1}>()
        n = Neg(w)
        a = Relu(x)
        d = Cast<to = 9>(a)
        one = Constant<value = int64[1] {2}>()
        first = Gather(d, one)
        go = Squeeze(first)
        y = If(go) <
            then_branch = yes () => (float[4] t) {
                t = If(c) <
                    then_branch = yes2 () => (float[4] t2) { q = Mul(a, n) t2 = Add(q, x) },
                    else_branch = no2 () => (float[4] e2) { e2 = Neg(x) }
                >
            },
            else_branch = no () => (float[4] e) { e = Mul(a, w) }
        >
    }""",
    "a loop that carries and captures": """(float[4] x) => (float[4] y, float[k, 4] all) {
        rounds = Constant<value = int64 {3}>()
        go = Constant<value = bool {1}>()
        a = Tanh(x)
        b = Exp(a)
        y, all = Loop(rounds, go, a) <body = step (int64 i, bool on, float[4] now)
            => (bool still, float[4] next, float[4] seen) {
            still = Identity(on)
            next = Mul(now, b)
            seen = Add(next, x)
        }>
    }""",
    "weights made of weights": """(float[4] x) => (float[4] y, float[4] z)
        <int8[4] w = {1, 2, 3, 4}, float s = {0.5}, int8 zero = {0}> {
        d = DequantizeLinear(w, s, zero)
        i = Identity(d)
        t = Transpose(i)
        a = Mul(x, t)
        b = Add(a, t)
        y = Mul(b, d)
        z = Sub(a, d)
    }""",
    "an output that crosses": """(float[4] x) => (float[4] a, float[4] y, float[4] x)
        { a = Relu(x) b = Neg(a) y = Mul(b, a) }""",
    "weights listed as inputs": """<ir_version: 3, opset_import: ["" : 7]>
        old (float[4] x, float[4] w = {1, 2, 3, 4}) => (float[4] y)
        { a = Add(x, w) b = Tanh(a) y = Mul(b, w) }""",
    "inputs and outputs left out": """(float[4] x) => (float[2,2] y) {
        a = Relu(x)
        shape = Constant<value = int64[2] {2, 2}>()
        b = Reshape(a, shape)
        most = Constant<value = float {1.5}>()
        c = Clip(b, , most)
        k = Constant<value = int64[1] {1}>()
        v, at = TopK(c, k)
        y = Add(c, v)
    }""",
    "an operator of ONNX Runtime's own": """<
        ir_version: 8, opset_import: ["" : 17, "com.microsoft" : 1]>
        model (float[4] x) => (float[4] y)
        { a = Relu(x) b = com.microsoft.QuickGelu(a) c = Neg(b) y = Exp(c) }""",
    "a size that depends on the data": """(float[4] x) => (int64[1, n] y)
        { a = Relu(x) b = Exp(a) i = NonZero(a) y = Neg(i) }""",
    "a dimension that is open": """(float[n] x) => (float[m] y)
        { a = Relu(x) b = Concat<axis = 0>(a, x) s = Shape(b) r = Expand(b, s) y = Neg(r) }""",
    "a model without inputs": """() => (float[4] y)
        { a = Constant<value = float[4] {1, 2, 3, 4}>() b = Neg(a) y = Exp(b) }""",
}


@pytest.mark.parametrize("is_optimised", [True, False])
@pytest.mark.parametrize("name", MODELS)
def test_every_closed_set_gives_the_whole(name: str, is_optimised: bool, model_of: ModelOf) -> None:
    """Whatever is on the device, head, wire and tail give what ONNX Runtime gives uncut."""
    model = model_of(MODELS[name])
    inputs = [X] if name != "a model without inputs" else []
    expected = run_uncut(model, inputs)
    prepared = CutpointBackend.prepare(model, is_optimised=is_optimised)
    graph = prepared.graph
    needs = [
        sum(1 << n.index for n in graph.nodes if set(n.outputs) & set(node.inputs))
        for node in graph.nodes
    ]
    heads = closed_sets(needs, 1000) if graph.nodes else []
    assert heads is not None
    for head in heads:
        outputs = prepared.run_at(head, inputs)
        for given, wanted in zip(outputs, expected, strict=True):
            np.testing.assert_array_equal(given, wanted, strict=True)
    for given, wanted in zip(prepared.run(inputs), expected, strict=True):
        np.testing.assert_array_equal(given, wanted, strict=True)


@pytest.mark.parametrize("is_optimised", [True, False])
def test_sparse_weights(is_optimised: bool, model_of: ModelOf) -> None:
    """A model with a sparse weight on both sides of the cut runs cut as it runs whole."""
    model = model_of("(float[4] x) => (float[4] y) { a = Add(x, w) b = Tanh(a) y = Mul(b, w) }")
    values = onnx.numpy_helper.from_array(np.array([5, 7], np.float32), "w")
    at = onnx.numpy_helper.from_array(np.array([1, 2], np.int64), "w_at")
    model.graph.sparse_initializer.append(onnx.helper.make_sparse_tensor(values, at, [4]))
    (expected,) = run_uncut(model, [X])
    prepared = CutpointBackend.prepare(model, is_optimised=is_optimised)
    for head in (0, *prepared.heads):
        np.testing.assert_array_equal(prepared.run_at(head, [X])[0], expected)


def test_weights_that_a_branch_alone_holds() -> None:
    """Large weights inside a branch lie in the data file too, and parts find them there."""
    weight = onnx.numpy_helper.from_array(np.eye(64, dtype=np.float32) * 3, "w")
    kind = onnx.TensorProto.FLOAT
    row = [onnx.helper.make_tensor_value_info(name, kind, [1, 64]) for name in "axyte"]
    branches = {
        "then_branch": onnx.helper.make_graph(
            [onnx.helper.make_node("MatMul", ["a", "w"], ["t"])], "then", [], [row[3]], [weight]
        ),
        "else_branch": onnx.helper.make_graph(
            [onnx.helper.make_node("Neg", ["a"], ["e"])], "else", [], [row[4]]
        ),
    }
    nodes = [
        onnx.helper.make_node("Relu", ["x"], ["a"]),
        onnx.helper.make_node("If", ["c"], ["b"], **branches),
        onnx.helper.make_node("Neg", ["b"], ["y"]),
    ]
    condition = onnx.helper.make_tensor_value_info("c", onnx.TensorProto.BOOL, [])
    graph = onnx.helper.make_graph(nodes, "branch", [row[1], condition], [row[2]])
    opset = [onnx.helper.make_opsetid("", 17)]
    prepared = CutpointBackend.prepare(
        onnx.helper.make_model(graph, opset_imports=opset, ir_version=8)
    )
    ones = np.ones((1, 64), np.float32)
    for head in (0, *prepared.heads):
        (y,) = prepared.run_at(head, [ones, np.array(True)])
        np.testing.assert_array_equal(y, -3 * ones)
