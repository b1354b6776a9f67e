"""What a caller feeds, checked against the graph before anything runs."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutpoint.exceptions import FeedError
from cutpoint.graph.graph import Graph

Arrays = dict[str, NDArray[np.generic]]


def checked_feed(graph: Graph, feed: Mapping[str, object]) -> Arrays:
    """
    Give the feed as arrays that are exactly what the graph's inputs are.

    Raises
    ------
    FeedError
        If an input is missing or unknown, or has another type or shape; names the
        input and says what was expected.
    """
    unknown = sorted(set(feed) - set(graph.inputs))
    if unknown:
        raise FeedError(
            f"{unknown} are not inputs of {graph.name!r}: it takes {list(graph.inputs)}"
        )
    missing = [name for name in graph.inputs if name not in feed]
    if missing:
        raise FeedError(f"inputs {missing} of {graph.name!r} are missing: feed every input")
    return {name: _checked(graph, name, feed[name]) for name in graph.inputs}


def checked_outputs(graph: Graph, names: list[str] | tuple[str, ...] | None) -> tuple[str, ...]:
    """
    Give the outputs asked for; all of them for ``None`` or an empty list.

    Raises
    ------
    FeedError
        If a name is not an output of the graph.
    """
    if not names:
        return graph.outputs
    unknown = sorted(set(names) - set(graph.outputs))
    if unknown:
        raise FeedError(
            f"{unknown} are not outputs of {graph.name!r}: it has {list(graph.outputs)}"
        )
    return tuple(names)


def _checked(graph: Graph, name: str, given: object) -> NDArray[np.generic]:
    value = graph.values[name]
    is_python = isinstance(given, (list, tuple, int, float, bool))
    array = _converted(name, given, value.dtype) if is_python else _as_given(given)
    if str(array.dtype) != value.dtype:
        raise FeedError(
            f"input {name!r} is {array.dtype}, the model takes {value.dtype}: convert it first"
        )
    if array.shape != value.shape:
        raise FeedError(f"input {name!r} has shape {array.shape}, the model takes {value.shape}")
    return array


def _as_given(array: Any) -> NDArray[np.generic]:
    return np.asarray(array.numpy() if hasattr(array, "numpy") else array)


def _converted(name: str, given: object, dtype: str | None) -> NDArray[np.generic]:
    """Give Python numbers as an array of the input's type, as ONNX Runtime does."""
    try:
        return np.asarray(given, dtype=dtype)
    except (ValueError, TypeError, OverflowError) as error:
        raise FeedError(f"input {name!r} is not an array of {dtype}: {error}") from error
