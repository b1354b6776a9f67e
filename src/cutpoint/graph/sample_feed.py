"""A feed made up for timing: the right types and shapes, seeded numbers."""

import numpy as np
from numpy.typing import NDArray

from cutpoint.exceptions import FeedError
from cutpoint.graph.element_types import TEXT, Shape
from cutpoint.graph.feed import Arrays
from cutpoint.graph.graph import Graph
from cutpoint.graph.value import Value

_END_OF_INTEGERS = 2
"""Integers are 0 or 1: indices into any table of two rows, and masks, accept both."""


def sample_feed(graph: Graph, seed: int = 0) -> Arrays:
    """
    Give inputs to time a model with.

    Parameters
    ----------
    graph
        With every input's dimensions bound.
    seed
        Not negative; the same seed gives the same arrays.

    Returns
    -------
    dict
        Every input of the graph, of its type and shape: floats are standard-normal,
        integers 0 or 1, booleans either, texts digits.

    Raises
    ------
    FeedError
        If an input of that size has no room in memory.
    """
    rng = np.random.default_rng(seed)
    return {name: _drawn_for(graph.values[name], rng) for name in graph.inputs}


def _drawn_for(value: Value, rng: np.random.Generator) -> NDArray[np.generic]:
    try:
        return _drawn(value.dtype, value.shape or (), rng)
    except (MemoryError, ValueError) as error:
        raise FeedError(
            f"input {value.name!r} of shape {value.shape} cannot be made up: {error}"
        ) from error


def _drawn(dtype: str | None, shape: Shape, rng: np.random.Generator) -> NDArray[np.generic]:
    if dtype == TEXT:
        return np.asarray(rng.integers(0, 10, size=shape)).astype(str).astype(object)
    kind = np.dtype(dtype)
    if kind.kind in "biu":
        return np.asarray(rng.integers(0, _END_OF_INTEGERS, size=shape)).astype(kind)
    # Types that NumPy does not know by itself (bfloat16, float8, int4) convert from floats.
    return np.asarray(rng.standard_normal(shape)).astype(kind)
