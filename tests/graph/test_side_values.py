from collections.abc import Callable

import pytest

from cutpoint.graph import Graph
from cutpoint.graph.side_values import side_values

Read = Callable[..., Graph]


def test_sizes_and_what_is_computed_of_them(graph_of: Read) -> None:
    """The size of a value is on the side, and arithmetic on it; the value itself is not."""
    graph = graph_of(
        """(float[2,4] x) => (float[2,4] y, float[2,4] z) <int64[1] two = {2}> {
            a = Relu(x) size = Shape(a) twice = Mul(size, two)
            zeros = ConstantOfShape(size) y = Add(a, zeros) z = Expand(x, twice)
        }"""
    )
    assert side_values(graph) == {"size", "twice", "zeros"}


def test_masks_are_on_the_side(graph_of: Read) -> None:
    """A mask, what is made of it alone, and a comparison of positions are on the side."""
    graph = graph_of(
        """(float[2,3] x, bool[2,3] mask) => (float[2,3] y) <float none = {-1}> {
            other = Not(mask) bias = Cast<to = 1>(other) y = Mul(x, bias)
        }"""
    )
    assert side_values(graph) == {"mask", "other", "bias"}


def test_an_embedding_is_where_the_computing_begins(graph_of: Read) -> None:
    """What a table holds for an input's number is no side value; for a position it is one."""
    graph = graph_of(
        """(int64[3] ids) => (float[3,2] y)
        <float[2,2] table = {1, 2, 3, 4}, int64[1] one = {1}, int64 zero = {0}, int64 each = {1}> {
            word = Gather(table, ids) size = Size(ids) places = Range(zero, size, each)
            place = Gather(table, places) y = Add(word, place)
        }"""
    )
    assert side_values(graph) == {"ids", "size", "places", "place"}


@pytest.mark.parametrize("kind", ["float", "uint8"])
def test_what_a_net_computes_on_is_not_on_the_side(kind: str, graph_of: Read) -> None:
    """An image is none, whatever its numbers are of."""
    graph = graph_of(
        f"({kind}[1,4] x) => (float[1,4] y) {{ a = Cast<to = 1>(x) b = Sqrt(a) y = Neg(b) }}"
    )
    assert side_values(graph) == set()


def test_unknown_operators_end_what_is_on_the_side(graph_of: Read) -> None:
    """Of whole numbers an operator that is no arithmetic makes what a net computes on."""
    graph = graph_of(
        """(int64[2,3] x) => (float[2,3] y) { a = Cast<to = 1>(x) b = Sin(a) y = Neg(b) }"""
    )
    assert side_values(graph) == {"x", "a"}
