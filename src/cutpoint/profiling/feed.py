"""A feed made up for timing: the right types and shapes, seeded numbers."""

import numpy as np
from numpy.typing import NDArray

from cutpoint.graph import Arrays, Graph

_END_OF_INTEGERS = 2
"""Integers are 0 or 1: indices into any table of two rows, and masks, accept both."""


def sample_feed(graph: Graph, seed: int = 0) -> Arrays:
    """
    Give inputs to time a model with.

    Parameters
    ----------
    seed
        Not negative; the same seed gives the same arrays.

    Returns
    -------
    dict
        Every input of the graph, of its type and shape: floats are standard-normal,
        integers 0 or 1, booleans either.
    """
    rng = np.random.default_rng(seed)
    return {name: _drawn(graph, name, rng) for name in graph.inputs}


def _drawn(graph: Graph, name: str, rng: np.random.Generator) -> NDArray[np.generic]:
    value = graph.values[name]
    dtype, shape = np.dtype(value.dtype), value.shape
    if dtype.kind in "biu":
        return rng.integers(0, _END_OF_INTEGERS, size=shape).astype(dtype)
    # Types that NumPy does not know by itself (bfloat16, float8, int4) convert from floats.
    return np.asarray(rng.standard_normal(shape)).astype(dtype)
