"""Open dimensions: named, bound, bound anew."""

from collections.abc import Callable

import numpy as np
import pytest

from cutpoint.exceptions import FeedError, UnknownShapeError
from cutpoint.graph import (
    ANY,
    Graph,
    Trial,
    bind,
    candidate_cuts,
    check_binding,
    check_runnable,
    checked_feed,
    sizes_of,
    with_trial,
)

Read = Callable[..., Graph]

OPEN = """(float[batch,3,?] x, float[batch,4] z) => (float[batch,N] y, float[batch,4] w)
{ a = Relu(x) s = Shape(a) h = Flatten(a) y = Sigmoid(h) w = Tanh(z) }"""


@pytest.fixture(scope="module")
def open_graph(graph_of: Read) -> Graph:
    """Give two inputs of one batch; the other open dimension has no name."""
    return graph_of(OPEN, **{"batch": 2, "x:2": 5})


def test_open_dimensions_have_names(open_graph: Graph) -> None:
    """A dimension is bound by the file's name, or by its input and position."""
    named = [(d.input, d.position, d.name) for d in open_graph.dimensions]
    assert named == [("x", 0, "batch"), ("x", 2, "x:2"), ("z", 0, "batch")]


def test_shapes_follow_the_sizes(open_graph: Graph) -> None:
    """Every shape, size and count of operations is that of the binding; the nodes stay."""
    other = bind(open_graph, {"batch": 7, "x:2": 1})
    assert (open_graph.values["h"].shape, other.values["h"].shape) == ((2, 15), (7, 3))
    assert (other.values["h"].open_shape, other.values["a"].open_shape) == (
        (ANY, ANY),
        (ANY, 3, ANY),
    )
    assert [node.name for node in other.nodes] == [node.name for node in open_graph.nodes]
    assert other.flops(other.all_nodes) == 7 * 3 + 7 * 3 + 7 * 4
    assert [c.id for c in candidate_cuts(other)] == [c.id for c in candidate_cuts(open_graph)]


def test_the_source_stays_open(open_graph: Graph) -> None:
    """Binding leaves the model alone that the parts are extracted from."""
    bind(open_graph, {"batch": 7, "x:2": 1})
    assert not open_graph.source.graph.inputs[0].shape.is_static()


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"batch": 1}, r"input 'x': dimension 2 \(x:2\) is not bound; give its size \(x:2=...\)"),
        ({"x:2": 1}, r"input 'x': dimension 0 \(batch\) is not bound"),
        ({"batch": 1, "x:2": 1, "bach": 1}, r"no open dimension 'bach': it has \['batch', 'x:2'\]"),
        ({"batch": -1, "x:2": 1}, "size -1 of dimension 'batch' is not a whole number"),
        ({"batch": 1.5, "x:2": 1}, "size 1.5 of dimension 'batch' is not a whole number"),
    ],
)
def test_wrong_sizes_are_refused_by_name(
    sizes: dict[str, int], message: str, open_graph: Graph
) -> None:
    """What is not bound, or is no dimension, is named."""
    with pytest.raises(UnknownShapeError, match=message):
        check_runnable(bind(open_graph, sizes))


def test_a_feed_binds(open_graph: Graph) -> None:
    """A feed of any size that agrees with itself is taken, and tells the sizes."""
    feed = {"x": np.zeros((9, 3, 2), np.float32), "z": np.zeros((9, 4), np.float32)}
    assert sizes_of(open_graph, checked_feed(open_graph, feed)) == {"batch": 9, "x:2": 2}


def test_an_input_of_any_rank(graph_of: Read) -> None:
    """An input without a shape is bound by position."""
    with pytest.raises(UnknownShapeError, match="input 'x' has no shape: bind its dimensions by"):
        graph_of("(float[] x) => (float[N] y) { y = Relu(x) }")
    graph = graph_of("(float[] x) => (float[N] y) { y = Relu(x) }", **{"x:0": 2, "x:1": 3})
    assert graph.values["x"].shape == (2, 3)
    feed = checked_feed(graph, {"x": np.zeros((4, 5, 6), np.float32)})
    assert sizes_of(graph, feed) == {"x:0": 4, "x:1": 5, "x:2": 6}


@pytest.mark.parametrize(
    ("x", "z", "message"),
    [
        ((2, 3, 1), (3, 4), "dimension 'batch' is 2 in input 'x' and 3 in 'z'"),
        ((2, 4, 1), (2, 4), r"input 'x' has shape \(2, 4, 1\), the model takes \(batch, 3, x:2\)"),
        ((2, 3), (2, 4), r"input 'x' has shape \(2, 3\), the model takes \(batch, 3, x:2\)"),
    ],
)
def test_a_feed_that_does_not_fit(
    x: tuple[int, ...], z: tuple[int, ...], message: str, open_graph: Graph
) -> None:
    """The dimension that disagrees is named."""
    feed = {"x": np.zeros(x, np.float32), "z": np.zeros(z, np.float32)}
    with pytest.raises(FeedError, match=message):
        checked_feed(open_graph, feed)


def test_what_a_trial_told_grows_with_the_inputs(open_graph: Graph) -> None:
    """Bytes that only a run told are scaled to another binding."""
    tried = with_trial(open_graph, {"s": Trial("int64", "tensor", 100)})
    other = bind(tried, {"batch": 4, "x:2": 5})
    assert other.trial["s"].size_bytes == 200


def test_a_scalar_for_an_input_of_any_rank(graph_of: Read) -> None:
    """No dimension at all is a binding too."""
    graph = graph_of("(float[] x) => (float[N] y) { y = Relu(x) }", **{"x:0": 2})
    sizes = sizes_of(graph, checked_feed(graph, {"x": np.float32(3)}))
    bound = bind(graph, sizes)
    check_runnable(bound)
    assert bound.values["x"].shape == ()
    assert bind(bound, {"x:0": 4}).values["x"].shape == (4,)


def test_a_declared_output_does_not_close_what_an_input_opens(graph_of: Read) -> None:
    """Exports often declare the batch they were made with: what follows from the inputs holds."""
    graph = graph_of("(float[batch,4] x) => (float[1,4] y) { a = Relu(x) y = Neg(a) }", batch=3)
    assert (graph.values["y"].open_shape, graph.values["y"].shape) == ((ANY, 4), (3, 4))


def test_a_run_on_nothing_tells_no_size_of_others(graph_of: Read) -> None:
    """Bytes seen for an empty batch are no bytes of any other."""
    empty = with_trial(graph_of(OPEN, **{"batch": 0, "x:2": 5}), {"s": Trial("int64", "tensor", 0)})
    assert bind(empty, {"batch": 4, "x:2": 5}).trial["s"].size_bytes is None


@pytest.mark.parametrize("sizes", [{}, {"batch": 1}, {"batch": 1, "x:2": 1, "y": 1}])
def test_sizes_that_do_not_bind_a_graph_exactly(sizes: dict[str, int], open_graph: Graph) -> None:
    """Measurements at these sizes would be of nothing in particular."""
    check_binding(open_graph, {"batch": 3, "x:2": 4})
    with pytest.raises(UnknownShapeError):
        check_binding(open_graph, sizes)
