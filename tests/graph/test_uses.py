from collections.abc import Callable

import onnx_ir as ir
import pytest

from cutpoint.graph import Graph, cut_at, extract, segments_of
from cutpoint.graph.uses import is_random, names_needed, operators_of

ModelOf = Callable[..., object]

NESTED = """(float[4] x, bool c) => (float[4] y) <float[4] w = {1, 2, 3, 4}> {
    a = Relu(x)
    y = If(c) <
        then_branch = yes () => (float[4] t) { s = Add(a, w) t = Neg(s) },
        else_branch = no () => (float[4] e) {
            e = If(c) <
                then_branch = yes2 () => (float[4] t2) { t2 = Tanh(x) },
                else_branch = no2 () => (float[4] e2) { e2 = Exp(a) }
            >
        }
    >
}"""


def last_node(model_of: ModelOf, text: str) -> tuple[ir.Node, ir.Model]:
    """Give the last node of a model, and the model."""
    model = ir.from_proto(model_of(text))
    return model.graph[-1], model


def test_names_needed_at_any_depth(model_of: ModelOf) -> None:
    """A node needs its inputs and what sub-graphs in sub-graphs take from outside."""
    node, _ = last_node(model_of, NESTED)
    assert set(names_needed(node)) == {"c", "x", "a", "w"}


def test_operators_at_any_depth(model_of: ModelOf) -> None:
    """A node uses its operator and those of its sub-graphs."""
    node, _ = last_node(model_of, NESTED)
    assert {name for _, name, _ in operators_of(node)} == {"If", "Add", "Neg", "Tanh", "Exp"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("() => (float[2] y) { y = RandomNormal<shape = [2]>() }", True),
        ("(float[2] x) => (float[2] y) { y = Bernoulli(x) }", True),
        ("(float[2] x) => (float[2] y) { y = Neg(x) }", False),
        (
            """(bool c) => (float[2] y) { y = If(c) <
                then_branch = yes () => (float[2] t) { t = RandomUniform<shape = [2]>() },
                else_branch = no () => (float[2] e) { e = RandomUniform<shape = [2]>() }
            > }""",
            True,
        ),
        (
            """<ir_version: 8, opset_import: ["" : 17, "local" : 1]>
            m (float[2] x) => (float[2] y) { y = local.outer(x) }
            <opset_import: ["" : 17, "local" : 1], domain: "local">
            outer (x) => (y) { y = local.inner(x) }
            <opset_import: ["" : 17], domain: "local">
            inner (x) => (y) { y = Bernoulli(x) }""",
            True,
        ),
        (
            """<ir_version: 8, opset_import: ["" : 17, "local" : 1]>
            m (float[2] x) => (float[2] y) { y = local.Bernoulli(x) }""",
            False,
        ),
    ],
)
def test_what_is_random(text: str, expected: bool, model_of: ModelOf) -> None:
    """A node is random if its operator is, or one in its sub-graphs or functions."""
    node, model = last_node(model_of, text)
    assert is_random(node, model.functions) is expected


def test_a_random_node_of_weights_alone_is_drawn_once(graph_of: Callable[..., Graph]) -> None:
    """What is drawn from weights alone crosses the cut: a second draw would differ."""
    graph = graph_of(
        """(float[4] x) => (float[4] y) <float[4] p = {0.5, 0.5, 0.5, 0.5}>
        { r = Bernoulli(p) a = Add(x, r) y = Mul(a, r) }"""
    )
    assert [node.op_type for node in graph.nodes] == ["Bernoulli", "Add", "Mul"]
    _, tail = segments_of(graph, [cut_at(graph, ["a", "r"])])
    assert b"Bernoulli" not in extract(graph, tail)
