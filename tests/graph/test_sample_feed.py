"""The feed models are timed with."""

from dataclasses import replace

import numpy as np
import pytest

from cutpoint.graph import Graph, checked_feed, sample_feed
from cutpoint.graph.value import Value


def with_input(graph: Graph, dtype: str, shape: tuple[int, ...]) -> Graph:
    """Give the graph with another input."""
    return replace(graph, inputs=("x",), values={"x": Value("x", dtype, shape, None, (), shape)})


@pytest.fixture
def graph(chain: Graph) -> Graph:
    """Give any graph."""
    return chain


@pytest.mark.parametrize(
    "dtype",
    [
        "float32",
        "float64",
        "float16",
        "bfloat16",
        "int64",
        "int32",
        "uint8",
        "int8",
        "bool",
        "int4",
        "object",
    ],
)
@pytest.mark.parametrize("shape", [(), (0, 3), (4, 50)])
def test_every_type_passes_the_check(graph: Graph, dtype: str, shape: tuple[int, ...]) -> None:
    """The feed is what the graph's inputs are, for every type and shape."""
    wanted = with_input(graph, dtype, shape)
    assert list(checked_feed(wanted, sample_feed(wanted))) == ["x"]


def test_integers_are_small(graph: Graph) -> None:
    """Integers are valid indices of any table of two rows, and both occur."""
    (numbers,) = sample_feed(with_input(graph, "int64", (100,))).values()
    assert set(numbers.tolist()) == {0, 1}


def test_seeds(graph: Graph) -> None:
    """The same seed gives the same arrays, another one others."""
    first, again, other = (sample_feed(graph, seed)["x"] for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
