"""Dimensions that the model file leaves open, by the names under which they are bound."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import onnx_ir as ir

from cutpoint.exceptions import UnknownShapeError
from cutpoint.graph.element_types import Shape
from cutpoint.graph.value import ANY

Sizes = Mapping[str, int]
"""Sizes by name of a dimension: a binding."""


NO_DIMENSION = ":"
"""Behind an input's name: of unknown rank, bound to have no dimension at all (of size 0)."""


class Dimension(NamedTuple):
    """
    A dimension of an input that may be of another size in every call.

    Parameters
    ----------
    input
        Name of the input.
    position
        Of the dimension in the input's shape.
    name
        By which it is bound: the file's own (``batch``), or ``INPUT:POSITION`` where the
        file gives none. Dimensions of one name are of one size.
    """

    input: str
    position: int
    name: str


def dimensions_of(inputs: Iterable[ir.Value]) -> tuple[Dimension, ...]:
    """List the open dimensions of inputs, in their order; none of an input of unknown rank."""
    return tuple(
        Dimension(value.name or "", position, _name(value, position))
        for value in inputs
        for position, size in enumerate(value.shape or ())
        if not isinstance(size, int)
    )


def open_shape_of(value: ir.Value) -> Shape | None:
    """Give a value's shape with -1 where it varies; ``None`` where the rank is not known."""
    if value.shape is None:
        return None
    return tuple(size if isinstance(size, int) else ANY for size in value.shape)


def bound_shape_of(value: ir.Value, sizes: Sizes) -> Shape | None:
    """
    Give the shape of an input with its open dimensions bound; ``None`` if one is not.

    An input of unknown rank has as many dimensions as are bound by its name and position.
    """
    if value.shape is None:
        return _ranked(str(value.name), sizes)
    bound = tuple(
        size if isinstance(size, int) else sizes.get(_name(value, position), ANY)
        for position, size in enumerate(value.shape)
    )
    return None if ANY in bound else bound


def check_sizes(sizes: Sizes, dimensions: Iterable[Dimension], inputs: Iterable[str]) -> None:
    """
    Refuse sizes that are no sizes, or of no dimension of the model.

    Raises
    ------
    UnknownShapeError
        Naming the dimension, and those there are.
    """
    known = list(dict.fromkeys(dimension.name for dimension in dimensions))
    given = set(inputs)
    for name, size in sizes.items():
        if type(size) is not int or size < 0:
            raise UnknownShapeError(f"size {size!r} of dimension {name!r} is not a whole number")
        if name not in known and name.rpartition(":")[0] not in given:
            raise UnknownShapeError(
                f"the model has no open dimension {name!r}: it has {known or 'none'}"
            )


def own_sizes(sizes: Sizes, dimensions: Iterable[Dimension], unranked: Iterable[str]) -> Sizes:
    """
    Give those of several models' sizes that bind something of one model.

    Parameters
    ----------
    dimensions
        Open ones of the model.
    unranked
        Its inputs of unknown rank, which are bound by position.
    """
    names, inputs = {dimension.name for dimension in dimensions}, set(unranked)
    return {
        name: size
        for name, size in sizes.items()
        if name in names or name.rpartition(":")[0] in inputs
    }


def _name(value: ir.Value, position: int) -> str:
    assert value.shape is not None
    size = value.shape[position]
    own = size.value if isinstance(size, ir.SymbolicDim) else None
    return str(own) if own else f"{value.name}:{position}"


def _ranked(name: str, sizes: Sizes) -> Shape | None:
    if f"{name}{NO_DIMENSION}" in sizes:
        return ()
    shape: list[int] = []
    while f"{name}:{len(shape)}" in sizes:
        shape.append(sizes[f"{name}:{len(shape)}"])
    return tuple(shape) if shape else None
