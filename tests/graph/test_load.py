from collections.abc import Callable

import onnx_ir as ir
import pytest

from cutpoint.exceptions import ModelError, UnknownShapeError
from cutpoint.graph import (
    ANY,
    Graph,
    cut_at,
    extract,
    graph_from_model,
    segments_of,
    value_names,
)

Read = Callable[..., Graph]

CAPTURE = """(float[1,4] x, bool c) => (float[1,4] y) {
    a = Relu(x)
    b = Sigmoid(a)
    y = If(c) <
        then_branch = yes () => (float[1,4] t) { s = Add(a, b) t = Neg(s) },
        else_branch = no () => (float[1,4] e) {
            e = If(c) <
                then_branch = yes2 () => (float[1,4] t2) { t2 = Tanh(x) },
                else_branch = no2 () => (float[1,4] e2) { e2 = Neg(b) }
            >
        }
    >
}"""


def test_shapes_are_inferred(graph_of: Read) -> None:
    """Values the file says nothing of get their type and shape."""
    graph = graph_of(
        """(float[1,3,8,8] x) => (float[1,192] y) { a = GlobalMaxPool(x) b = Cast<to = 1>(a)
        c = Add(x, b) y = Flatten(c) }"""
    )
    shapes = {name: (value.dtype, value.shape) for name, value in graph.values.items()}
    assert shapes == {
        "x": ("float32", (1, 3, 8, 8)),
        "a": ("float32", (1, 3, 1, 1)),
        "b": ("float32", (1, 3, 1, 1)),
        "c": ("float32", (1, 3, 8, 8)),
        "y": ("float32", (1, 192)),
    }


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        ("float[1,batch,4] x", r"input 'x': dimension 1 \(batch\) is not bound"),
        ("float[?,4] x", r"input 'x': dimension 0 .* is not bound"),
        ("float[] x", "input 'x' has no shape"),
    ],
)
def test_a_dimension_nothing_binds(declared: str, message: str, graph_of: Read) -> None:
    """An input whose shape is open is refused by its name and the dimension."""
    with pytest.raises(UnknownShapeError, match=message):
        graph_of(f"({declared}) => (float[M,N] y) {{ y = Relu(x) }}")


def test_an_input_that_is_no_tensor_is_refused(graph_of: Read) -> None:
    """A sequence has no form on the wire."""
    with pytest.raises(ModelError, match="input 'x' is a sequence, no tensor"):
        graph_of("(seq(float[1,4]) x, int64 i) => (float[1,4] y) { y = SequenceAt(x, i) }")


@pytest.mark.parametrize(
    ("number", "dtype", "size_bytes"),
    [
        (1, "float32", 20), (10, "float16", 10), (11, "float64", 40), (3, "int8", 5),
        (9, "bool", 5), (16, "bfloat16", 10), (17, "float8_e4m3fn", 5), (22, "int4", 3),
        (8, "object", None),
    ],
)  # fmt: skip
def test_every_type_of_a_tensor_travels(
    number: int, dtype: str, size_bytes: int | None, graph_of: Read
) -> None:
    """A value between nodes may cross whatever its type; those below a byte are packed."""
    graph = graph_of(
        f"(float[1,5] x) => (float[1,5] y) {{ a = Cast<to = {number}>(x) y = Cast<to = 1>(a) }}"
    )
    value = graph.values["a"]
    assert (value.dtype, value.can_travel) == (dtype, True)
    assert (value.size_bytes if value.has_known_size else None) == size_bytes


def test_sequences_and_optionals_never_travel(graph_of: Read) -> None:
    """What is no tensor says what it is."""
    graph = graph_of(
        """(float[1,4] x, int64 i) => (float[1,4] y, bool h)
        { s = SequenceConstruct(x, x) y = SequenceAt(s, i) o = Optional(x)
          h = OptionalHasElement(o) }"""
    )
    kinds = {name: graph.values[name].kind for name in ("x", "s", "o")}
    assert kinds == {"x": "tensor", "s": "sequence", "o": "optional"}
    assert not any(graph.values[name].can_travel for name in ("s", "o"))


def test_a_model_without_inputs(graph_of: Read) -> None:
    """A model that takes nothing has nothing to send."""
    with pytest.raises(ModelError, match="'model' takes no inputs"):
        graph_of("() => (float[1,4] y) { r = RandomNormal<shape = [1, 4]>() y = Neg(r) }")


def test_a_model_that_computes_nothing(graph_of: Read) -> None:
    """A model without nodes has nothing to run or cut."""
    with pytest.raises(ModelError, match="'empty' computes nothing"):
        graph_of("(float[1,4] x) => (float[1,4] x) { }", name="empty")


def test_a_value_of_unknown_shape_inside_is_kept(graph_of: Read) -> None:
    """A shape that depends on data is not known, but the graph is read."""
    graph = graph_of("(float[1,4] x) => (int64[2,N] y) { a = Relu(x) y = NonZero(a) }")
    assert (graph.values["a"].has_known_size, graph.values["y"].has_known_size) == (True, False)
    assert graph.values["y"].open_shape == (2, ANY)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["", ""], ["Relu_0", "Relu_1"]),
        (["n", "n"], ["n", "Relu_1"]),
        (["Relu_1", ""], ["Relu_1", "Relu_2"]),
        (["", "Relu_0"], ["Relu_0", "Relu_1"]),
        (["first", "second"], ["first", "second"]),
    ],
)
def test_every_node_has_a_name_of_its_own(
    names: list[str], expected: list[str], graph_of: Read
) -> None:
    """Nodes without a name, or with one that is taken, get one; the others keep theirs."""
    first, second = (f"[{name}] " if name else "" for name in names)
    graph = graph_of(
        f"(float[1,4] x) => (float[1,4] y) {{ {first}a = Relu(x) {second}y = Relu(a) }}"
    )
    assert expected == [node.name for node in graph.nodes]


def test_what_a_branch_captures_is_an_input(graph_of: Read) -> None:
    """A node needs what its sub-graphs take from outside, to any depth, each once."""
    graph = graph_of(CAPTURE)
    assert [node.inputs for node in graph.nodes] == [("x",), ("a",), ("c", "a", "b", "x")]


def test_an_input_left_out_is_none(graph_of: Read) -> None:
    """An optional input that is not given is no input."""
    graph = graph_of(
        "(float[1,4] x, float most) => (float[1,4] y) { a = Relu(x) y = Clip(a, , most) }"
    )
    assert [node.inputs for node in graph.nodes] == [("x",), ("a", "most")]


def test_a_branch_that_hands_a_value_through(graph_of: Read) -> None:
    """A branch without nodes captures the value it gives."""
    graph = graph_of(
        """(float[1,4] x, bool c) => (float[1,4] y) {
            a = Relu(x)
            y = If(c) <
                then_branch = yes () => (float[1,4] a) { },
                else_branch = no () => (float[1,4] e) { e = Neg(x) }
            >
        }"""
    )
    assert graph.nodes[-1].inputs == ("c", "a", "x")


def test_what_a_branch_captures_crosses(graph_of: Read) -> None:
    """A cut before a branch sends what the branch captures, and the part still runs by itself."""
    graph = graph_of(CAPTURE)
    cut = cut_at(graph, ["a", "b", "c", "x"])
    tail = segments_of(graph, [cut])[-1]
    assert (cut.head, tail.inputs) == (0b011, ("c", "a", "b", "x"))
    assert extract(graph, tail)


def test_what_depends_on_weights_alone_is_no_node(graph_of: Read) -> None:
    """A node that needs no input is no part of the graph: each side takes its own copy along."""
    graph = graph_of(
        """(float[1,4] x) => (float[1,4] y) <float[4] w = {1, 2, 3, 4}>
        { folded = Neg(w) a = Add(x, folded) y = Mul(a, folded) }"""
    )
    assert [node.outputs[0] for node in graph.nodes] == ["a", "y"]
    assert "folded" not in graph.values


def test_a_random_node_is_not_copied(graph_of: Read) -> None:
    """Two copies of a random node would differ: it is a node though it needs no input."""
    graph = graph_of(
        """(float[1,4] x) => (float[1,4] y)
        { r = RandomNormal<shape = [1, 4]>() s = Neg(r) a = Add(x, s) y = Mul(a, r) }"""
    )
    assert [node.outputs[0] for node in graph.nodes] == ["r", "s", "a", "y"]


def test_an_output_that_is_a_weight(graph_of: Read) -> None:
    """An output that is a weight itself is a constant: nobody needs to compute it."""
    graph = graph_of(
        "(float[1,4] x) => (float[1,4] y, float[2] k) <float[2] k = {1, 2}> { y = Neg(x) }"
    )
    assert (graph.outputs, graph.constants) == (("y", "k"), ("k",))


def test_an_output_made_of_weights(graph_of: Read) -> None:
    """An output that a node makes of weights alone is a node that needs nothing."""
    graph = graph_of(
        """(float[1,4] x) => (float[1,4] y, float[2] k) <float[2] w = {1, 2}>
        { y = Neg(x) k = Neg(w) }"""
    )
    assert [node.inputs for node in graph.nodes] == [("x",), ()]
    assert graph.constants == ()


def test_weights_listed_as_inputs(graph_of: Read) -> None:
    """Old files list their weights among the inputs: nobody has to feed them."""
    graph = graph_of(
        """<ir_version: 3, opset_import: ["" : 7]>
        old (float[1,4] x, float[4] w = {1, 2, 3, 4}) => (float[1,4] y) { y = Add(x, w) }"""
    )
    assert (graph.inputs, [node.inputs for node in graph.nodes]) == (("x",), [("x",)])


def test_an_output_that_is_an_input(graph_of: Read) -> None:
    """An input handed through is an output that no node makes."""
    graph = graph_of("(float[1,4] x) => (float[1,4] x, float[1,4] y) { y = Neg(x) }")
    assert (graph.outputs, graph.values["x"].producer) == (("x", "y"), None)


def test_an_unnamed_output_is_refused() -> None:
    """A value without a name cannot be asked for."""
    given = ir.Value(name="x", type=ir.TensorType(ir.DataType.FLOAT), shape=ir.Shape((1, 4)))
    node = ir.node("Relu", [given])
    node.outputs[0].name = None
    graph = ir.Graph([given], node.outputs, nodes=[node], opset_imports={"": 17})
    graph.outputs[0].name = None
    model = ir.Model(graph, ir_version=8)
    with pytest.raises(ModelError, match="unnamed input or output"):
        graph_from_model(model, name="m", sha256="", original_names=frozenset())


def test_names_of_values(model_of: Callable[..., object]) -> None:
    """A model's value names are its inputs and what its nodes make; weights are not among them."""
    model = ir.from_proto(
        model_of(
            """(float[1,4] x) => (float[1,4] y) <float[4] w = {1, 2, 3, 4}>
            { a = Add(x, w) y = Neg(a) }"""
        )
    )
    assert {"x", "a", "y"} == value_names(model)


def test_nodes_that_no_output_needs_are_left_out(graph_of: Callable[..., Graph]) -> None:
    """What leads nowhere is in no plan, and so is a value that only it uses."""
    graph = graph_of(
        """(float[1,4] x) => (float[1,4] y)
        { a = Relu(x) y = Tanh(a) dead = Neg(a) deader = Neg(dead) }"""
    )
    assert [node.op_type for node in graph.nodes] == ["Relu", "Tanh"]
    assert set(graph.values) == {"x", "a", "y"}
    assert graph.values["a"].consumers == (1,)
