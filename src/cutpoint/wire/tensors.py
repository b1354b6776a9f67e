"""Arrays as the protocol's tensors: a datatype, a shape, and raw little-endian bytes."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray
from tritonclient.utils import np_to_triton_dtype, triton_to_np_dtype

from cutpoint.exceptions import RemoteProtocolError, UnknownShapeError
from cutpoint.graph.value import Value


@dataclass(frozen=True)
class TensorSpec:
    """
    What a tensor must be.

    Parameters
    ----------
    name
        Of the value.
    dtype
        NumPy's name of the element type.
    shape
        Every dimension bound.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]

    @property
    def datatype(self) -> str:
        """The protocol's name of the element type, for example ``FP32``."""
        return str(np_to_triton_dtype(np.dtype(self.dtype)))

    @property
    def size_bytes(self) -> int:
        """Bytes of the raw tensor; Python's integers do not overflow."""
        return prod(self.shape) * np.dtype(self.dtype).itemsize

    @classmethod
    def of(cls, name: str, array: NDArray[np.generic]) -> "TensorSpec":
        """Describe an array."""
        return cls(name, str(array.dtype), array.shape)


def to_bytes(array: NDArray[np.generic]) -> memoryview:
    """Give an array's raw bytes, without a copy where it is contiguous already."""
    contiguous = np.ascontiguousarray(array)
    return contiguous.reshape(-1).view(np.uint8).data


def to_array(spec: TensorSpec, raw: bytes | bytearray | memoryview) -> NDArray[np.generic]:
    """
    Give the array that raw bytes are.

    Raises
    ------
    RemoteProtocolError
        If there are more or fewer bytes than the shape needs.
    """
    if len(raw) != spec.size_bytes:
        raise RemoteProtocolError(
            f"tensor {spec.name!r} of shape {spec.shape} needs {spec.size_bytes} bytes, "
            f"{len(raw)} came"
        )
    return np.frombuffer(raw, dtype=spec.dtype).reshape(spec.shape)


def spec_of(name: str, datatype: str, shape: Sequence[int]) -> TensorSpec:
    """
    Give the description a message carries.

    Raises
    ------
    RemoteProtocolError
        If the datatype is unknown or cannot travel raw, or a dimension is negative.
    """
    dtype = triton_to_np_dtype(datatype)
    if dtype is None or np.dtype(dtype).hasobject:
        raise RemoteProtocolError(f"tensor {name!r}: datatype {datatype!r} cannot travel raw")
    if any(dimension < 0 for dimension in shape):
        raise RemoteProtocolError(f"tensor {name!r}: shape {list(shape)} has a negative dimension")
    return TensorSpec(name, str(np.dtype(dtype)), tuple(int(dimension) for dimension in shape))


def spec_of_value(value: Value) -> TensorSpec:
    """
    Describe a value of a graph.

    Raises
    ------
    UnknownShapeError
        If its type or shape is not known.
    """
    if value.dtype is None or value.shape is None:
        raise UnknownShapeError(f"value {value.name!r} has no known type or shape to travel with")
    return TensorSpec(value.name, value.dtype, value.shape)


def check_specs(expected: Sequence[TensorSpec], given: Sequence[TensorSpec], where: str) -> None:
    """
    Refuse tensors that are not exactly the expected ones (in any order).

    Raises
    ------
    RemoteProtocolError
        Naming the first tensor that is missing, unknown, doubled or different.
    """
    wanted = {spec.name: spec for spec in expected}
    names = [spec.name for spec in given]
    for name in names:
        if name not in wanted:
            raise RemoteProtocolError(f"{where}: unknown tensor {name!r}; it takes {list(wanted)}")
        if names.count(name) > 1:
            raise RemoteProtocolError(f"{where}: tensor {name!r} came twice")
    for name, spec in wanted.items():
        if name not in names:
            raise RemoteProtocolError(f"{where}: tensor {name!r} is missing")
        found = given[names.index(name)]
        if found != spec:
            raise RemoteProtocolError(
                f"{where}: tensor {name!r} is {found.dtype}{list(found.shape)}, "
                f"expected {spec.dtype}{list(spec.shape)}"
            )
