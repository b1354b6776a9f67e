"""What a caller feeds, checked against the graph before anything runs."""

from collections.abc import Mapping
from functools import cache
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from cutpoint.exceptions import FeedError
from cutpoint.graph.dimensions import NO_DIMENSION
from cutpoint.graph.element_types import TEXT, Shape
from cutpoint.graph.graph import Graph
from cutpoint.graph.value import ANY

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
    if _is_exact(graph, feed):
        return {name: cast("NDArray[np.generic]", feed[name]) for name in graph.inputs}
    unknown = sorted(set(feed) - set(graph.inputs))
    if unknown:
        weights = [name for name in unknown if name in graph.source.graph.initializers]
        raise FeedError(
            f"{unknown} are not inputs of {graph.name!r}: it takes {list(graph.inputs)}"
            + (f"; {weights} are weights, which every host has from the file" if weights else "")
        )
    missing = [name for name in graph.inputs if name not in feed]
    if missing:
        raise FeedError(f"inputs {missing} of {graph.name!r} are missing: feed every input")
    checked = {name: _checked(graph, name, feed[name]) for name in graph.inputs}
    _check_agreement(graph, checked)
    return checked


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


def sizes_of(graph: Graph, feed: Mapping[str, NDArray[np.generic]]) -> dict[str, int]:
    """
    Give the sizes a feed binds the open dimensions to.

    Parameters
    ----------
    feed
        Checked: dimensions of one name are of one size.
    """
    sizes = {d.name: feed[d.input].shape[d.position] for d in graph.dimensions if d.input in feed}
    for name, array in feed.items():
        if graph.values[name].open_shape is None:  # of unknown rank: by position
            sizes.update({f"{name}:{i}": size for i, size in enumerate(array.shape)})
            if not array.ndim:
                sizes[f"{name}{NO_DIMENSION}"] = 0
    return sizes


def _is_exact(graph: Graph, feed: Mapping[str, object]) -> bool:
    """Tell whether nothing is to be converted or looked at more closely, as in nearly all runs."""
    if len(feed) != len(graph.inputs):
        return False
    for name in graph.inputs:
        array, value = feed.get(name), graph.values[name]
        if type(array) is not np.ndarray or value.dtype == TEXT:
            return False
        if array.shape != value.open_shape or _name_of(array.dtype) != value.dtype:
            return False
    return True


def _checked(graph: Graph, name: str, given: object) -> NDArray[np.generic]:
    value = graph.values[name]
    is_python = isinstance(given, (list, tuple, int, float, bool, str))
    array = _converted(name, given, value.dtype) if is_python else _as_given(given)
    if value.dtype == TEXT and array.dtype.kind in "USO":
        array = _as_texts(name, array)
    if _name_of(array.dtype) != value.dtype:
        raise FeedError(
            f"input {name!r} is {array.dtype}, the model takes {value.dtype}: convert it first"
        )
    if not is_like(array.shape, value.open_shape):
        raise FeedError(
            f"input {name!r} has shape {array.shape}, the model takes {_written(graph, name)}"
        )
    return array


@cache
def _name_of(dtype: np.dtype[np.generic]) -> str:
    """Give NumPy's name of a type; it writes it anew each time, which every run would wait for."""
    return str(dtype)


def _as_texts(name: str, array: NDArray[np.generic]) -> NDArray[np.generic]:
    """Give text as Python's: bytes would be another text on each host."""
    try:
        texts = [_text(each) for each in array.reshape(-1).tolist()]
    except (TypeError, UnicodeError) as error:
        raise FeedError(f"input {name!r} is not text: {error}") from error
    made = np.empty(len(texts), dtype=object)
    made[:] = texts
    return made.reshape(array.shape)


def _text(given: object) -> str:
    if isinstance(given, bytes):
        return given.decode()
    if not isinstance(given, str):
        raise TypeError(f"{given!r} is a {type(given).__name__}")
    given.encode()  # half a character has no bytes to travel as
    return str(given)


def is_like(shape: Shape, open_shape: Shape | None) -> bool:
    """Tell whether a shape is of an open shape: -1 is any size, ``None`` any rank."""
    return open_shape is None or (
        len(shape) == len(open_shape)
        and all(wanted in (ANY, size) for size, wanted in zip(shape, open_shape, strict=True))
    )


def _check_agreement(graph: Graph, feed: Arrays) -> None:
    """Refuse a feed that gives dimensions of one name different sizes."""
    seen: dict[str, tuple[int, str]] = {}
    for dimension in graph.dimensions:
        size = feed[dimension.input].shape[dimension.position]
        first, where = seen.setdefault(dimension.name, (size, dimension.input))
        if first != size:
            raise FeedError(
                f"dimension {dimension.name!r} is {first} in input {where!r} and {size} in "
                f"{dimension.input!r}: feed arrays that agree"
            )


def _written(graph: Graph, name: str) -> str:
    """Write an input's shape with its open dimensions by name."""
    names = {d.position: d.name for d in graph.dimensions if d.input == name}
    shape = graph.values[name].open_shape or ()
    sizes = [names.get(i, str(size)) for i, size in enumerate(shape)]
    return f"({', '.join(sizes)}{',' if len(sizes) == 1 else ''})"


def _as_given(array: Any) -> NDArray[np.generic]:
    return np.asarray(array.numpy() if hasattr(array, "numpy") else array)


def _converted(name: str, given: object, dtype: str | None) -> NDArray[np.generic]:
    """Give Python numbers as an array of the input's type, as ONNX Runtime does."""
    try:
        return np.asarray(given, dtype=dtype)
    except (ValueError, TypeError, OverflowError) as error:
        raise FeedError(f"input {name!r} is not an array of {dtype}: {error}") from error
