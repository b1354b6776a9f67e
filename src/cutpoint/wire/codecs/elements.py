"""The flat elements of an array, worked on block by block, and what every decoder refuses."""

from collections.abc import Iterator
from functools import cache
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutpoint.exceptions import RemoteProtocolError
from cutpoint.graph import ANY
from cutpoint.wire.tensors import TensorSpec

BLOCK = 1 << 16
"""Elements worked on at a time: a block and its temporary stay in the cache of one core."""

ONE_PIECE_BYTES = 1 << 17
"""What is encoded in no more than this leaves in one piece; what is larger, in such pieces."""


AT_ONCE = 1 << 22
"""Elements that a quantiser is given at a time: each call costs it as much as some thousands."""


def spec_of_array(array: NDArray[np.generic]) -> TensorSpec:
    """Describe an array that has no name."""
    return TensorSpec("", _name_of(array.dtype), array.shape)


@cache  # NumPy puts the name together anew each time
def _name_of(dtype: np.dtype[Any]) -> str:
    return str(dtype)


def num_elements(spec: TensorSpec) -> int:
    """Count the elements of a tensor."""
    return prod(spec.shape or ())


def flat(array: NDArray[np.generic]) -> NDArray[np.generic]:
    """Give all elements in row order, without a copy where they lie so."""
    return np.ascontiguousarray(array).reshape(-1)


def blocks_of(num: int, size: int = BLOCK) -> Iterator[slice]:
    """Yield slices of at most so many elements that together are all."""
    for start in range(0, num, size):
        yield slice(start, min(start + size, num))


def check_bytes(spec: TensorSpec, codec: str, expected: int, num_bytes: int) -> None:
    """
    Refuse encoded bytes that are more or fewer than a tensor's type and shape need.

    Raises
    ------
    RemoteProtocolError
        If so.
    """
    if num_bytes != expected:
        raise RemoteProtocolError(
            f"tensor {spec.name!r} ({spec}) takes {expected} bytes as {codec}, {num_bytes} came"
        )


def check_taken(spec: TensorSpec, codec: str, *, is_taken: bool) -> None:
    """
    Refuse to decode a tensor of a type or shape that the codec cannot have encoded.

    Raises
    ------
    RemoteProtocolError
        If so.
    """
    if not is_taken or spec.shape is None or ANY in spec.shape:
        raise RemoteProtocolError(f"tensor {spec.name!r} ({spec}) cannot have come as {codec}")


def empty(spec: TensorSpec) -> NDArray[np.generic]:
    """
    Give memory for a tensor.

    Raises
    ------
    RemoteProtocolError
        If no array can be so large.
    """
    try:
        return np.empty(spec.shape or (), spec.dtype)
    except (ValueError, MemoryError, OverflowError) as error:
        raise RemoteProtocolError(f"tensor {spec.name!r} ({spec}) is no array: {error}") from error
