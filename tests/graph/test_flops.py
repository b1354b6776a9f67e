from collections.abc import Callable

import pytest

from cutpoint.graph import Graph

Read = Callable[..., Graph]


def weight(name: str, *shape: int) -> str:
    """Give an initializer of ones in ONNX's notation."""
    size = 1
    for dimension in shape:
        size *= dimension
    return f"float[{','.join(map(str, shape))}] {name} = {{{', '.join(['1'] * size)}}}"


@pytest.mark.parametrize(
    ("given", "made", "weights", "call", "flops"),
    [
        # Every output element takes one multiply and add per weight of its filter.
        ("1,3,8,8", "1,4,6,6", weight("w", 4, 3, 3, 3), "Conv(x, w)", 2 * 4 * 6 * 6 * 3 * 3 * 3),
        (
            "2,3,8,8",
            "2,4,4,4",
            weight("w", 4, 3, 2, 2),
            "Conv<strides = [2, 2]>(x, w)",
            2 * 2 * 4 * 4 * 4 * 3 * 2 * 2,
        ),
        # A group sees its share of the channels only.
        (
            "1,4,8,8",
            "1,6,6,6",
            weight("w", 6, 2, 3, 3),
            "Conv<group = 2>(x, w)",
            2 * 6 * 6 * 6 * 2 * 3 * 3,
        ),
        (
            "1,4,8,8",
            "1,4,6,6",
            weight("w", 4, 1, 3, 3),
            "Conv<group = 4>(x, w)",
            2 * 4 * 6 * 6 * 1 * 3 * 3,
        ),
        # Every input element is spread over the filters' weights.
        (
            "1,3,4,4",
            "1,5,6,6",
            weight("w", 3, 5, 3, 3),
            "ConvTranspose(x, w)",
            2 * (3 * 4 * 4) * 5 * 3 * 3,
        ),
        (
            "1,4,4,4",
            "1,6,8,8",
            weight("w", 4, 3, 2, 2),
            "ConvTranspose<group = 2, strides = [2, 2]>(x, w)",
            2 * (4 * 4 * 4) * 3 * 2 * 2,
        ),
        ("2,5", "2,3", weight("w", 5, 3), "MatMul(x, w)", 2 * 2 * 3 * 5),
        ("7,2,5", "7,2,3", weight("w", 5, 3), "MatMul(x, w)", 2 * 7 * 2 * 3 * 5),
        ("2,5", "2,3", weight("w", 5, 3), "Gemm(x, w)", 2 * 2 * 3 * 5),
        ("5,2", "2,3", weight("w", 5, 3), "Gemm<transA = 1>(x, w)", 2 * 2 * 3 * 5),
        ("2,5", "2,3", weight("w", 3, 5), "Gemm<transB = 1>(x, w)", 2 * 2 * 3 * 5),
        (
            "1,3,8,8",
            "1,3,4,4",
            weight("w", 1),
            "MaxPool<kernel_shape = [3, 2], strides = [2, 2], pads = [1, 0, 0, 0]>(x)",
            3 * 4 * 4 * 3 * 2,
        ),
        (
            "1,3,8,8",
            "1,3,4,4",
            weight("w", 1),
            "AveragePool<kernel_shape = [2, 2], strides = [2, 2]>(x)",
            3 * 4 * 4 * 2 * 2,
        ),
        ("1,3,8,8", "1,3,1,1", weight("w", 1), "GlobalAveragePool(x)", 3 * 8 * 8),
        ("1,3,8,8", "1,3,1,1", weight("w", 1), "GlobalMaxPool(x)", 3 * 8 * 8),
        ("1,3,8,8", "1,3,8,8", weight("w", 1), "Relu(x)", 3 * 8 * 8),
        ("1,3,8,8", "1,3,8,8", weight("w", 1), "Add(x, w)", 3 * 8 * 8),
        ("1,3,8,8", "1,192", weight("w", 1), "Flatten(x)", 0),
        ("1,3,8,8", "1,3,8,8", weight("w", 1), "Identity(x)", 0),
        ("1,3,8,8", "1,3,8,8", weight("w", 1), "Dropout(x)", 0),
    ],
)
def test_operations_counted_by_hand(
    given: str, made: str, weights: str, call: str, flops: int, graph_of: Read
) -> None:
    """An operator counts what it computes, from its shapes alone."""
    graph = graph_of(f"(float[{given}] x) => (float[{made}] y) <{weights}> {{ y = {call} }}")
    assert float(flops) == graph.nodes[0].flops


@pytest.mark.parametrize(
    ("given", "made", "call"),
    [
        ("1,1,4,4", "1,1,3,3", "Conv(x, unknown)"),
        ("1,1,4,4", "1,1,5,5", "ConvTranspose(x, unknown)"),
        ("1,1,4,4", "1,1,5,5", "ConvTranspose(unknown, x)"),
        ("4,4", "2,4", "MatMul(unknown, x)"),
        ("4,4", "2,4", "Gemm(unknown, x)"),
    ],
)
def test_a_product_with_something_unknown_counts_nothing(
    given: str, made: str, call: str, graph_of: Read
) -> None:
    """An operator whose operand has a shape that depends on data is not guessed at."""
    graph = graph_of(
        f"(float[{given}] x, float[4] t) => (float[{made}] y) <float[4] w = {{1, 1, 1, 1}}>"
        f"{{ shape = Cast<to = 7>(t) unknown = Reshape(w, shape) y = {call} }}"
    )
    assert graph.nodes[-1].op_type in call
    assert graph.nodes[-1].flops == 0.0


def test_unknown_shapes_count_nothing(graph_of: Read) -> None:
    """A node whose output has no known shape counts no operations."""
    graph = graph_of("(float[1,4] x) => (int64[2,N] y) { y = NonZero(x) }")
    assert graph.nodes[0].flops == 0.0
