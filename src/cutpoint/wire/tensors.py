"""Arrays as the protocol's tensors: a datatype, a shape, and raw little-endian bytes."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from struct import Struct
from struct import error as struct_error

import numpy as np
from numpy.typing import NDArray
from tritonclient.utils import serialize_byte_tensor

from cutpoint.exceptions import RemoteProtocolError, UnknownShapeError
from cutpoint.graph import ANY, TEXT, Value
from cutpoint.graph.element_types import Shape, is_packed, pack, raw_bytes, unpack
from cutpoint.wire.datatypes import datatype_of, dtype_of
from cutpoint.wire.names import shown

_MOST_DIMENSIONS = 32
"""No array of NumPy had more for long, and no model has."""

_TEXT_HEAD = Struct("<I")
"""Before each text: how many bytes it has."""


@dataclass(frozen=True)
class TensorSpec:
    """
    What a tensor is, or what it must be.

    Parameters
    ----------
    name
        Of the value.
    dtype
        NumPy's name of the element type; ``object`` is text.
    shape
        Of what must be, -1 is any size and ``None`` any rank; of what is, each is known.
    """

    name: str
    dtype: str
    shape: Shape | None

    @property
    def datatype(self) -> str:
        """The protocol's name of the element type, for example ``FP32``."""
        return datatype_of(self.dtype)

    @property
    def dims(self) -> Shape:
        """The shape as the protocol's messages have it: any rank is one dimension of any size."""
        return (ANY,) if self.shape is None else self.shape

    @property
    def size_bytes(self) -> int | None:
        """Bytes of the raw tensor; ``None`` where they are not known from type and shape."""
        if self.shape is None or ANY in self.shape or self.dtype == TEXT:
            return None
        return raw_bytes(self.dtype, self.shape)

    def accepts(self, other: "TensorSpec") -> bool:
        """Tell whether a tensor is what this one must be."""
        if (self.name, self.dtype) != (other.name, other.dtype):
            return False
        if self.shape is None or other.shape is None:
            return self.shape is None
        return len(self.shape) == len(other.shape) and all(
            wanted in (ANY, size) for wanted, size in zip(self.shape, other.shape, strict=True)
        )

    @classmethod
    def of(cls, name: str, array: NDArray[np.generic]) -> "TensorSpec":
        """Describe an array."""
        return cls(name, str(array.dtype), array.shape)

    def __str__(self) -> str:
        return f"{self.dtype}{'[any rank]' if self.shape is None else list(self.shape)}"


def to_bytes(array: NDArray[np.generic]) -> memoryview:
    """Give an array's raw bytes, without a copy where it is contiguous already."""
    dtype = str(array.dtype)
    if dtype == TEXT:
        return memoryview(_text_bytes(array))
    if is_packed(dtype):
        return memoryview(pack(array))
    contiguous = np.ascontiguousarray(array)
    return contiguous.reshape(-1).view(np.uint8).data


def to_array(spec: TensorSpec, raw: bytes | bytearray | memoryview) -> NDArray[np.generic]:
    """
    Give the array that raw bytes are.

    Raises
    ------
    RemoteProtocolError
        If there are more or fewer bytes than the shape needs, or they are no text.
    """
    shape = spec.shape or ()
    if spec.dtype == TEXT:
        return _texts(spec, shape, bytes(raw))
    if len(raw) != spec.size_bytes:
        raise RemoteProtocolError(
            f"tensor {spec.name!r} of shape {spec.shape} needs {spec.size_bytes} bytes, "
            f"{len(raw)} came"
        )
    try:
        if is_packed(spec.dtype):
            return unpack(spec.dtype, shape, bytes(raw))
        return np.frombuffer(raw, dtype=spec.dtype).reshape(shape)
    except ValueError as error:  # no bytes, and sizes whose product no array may have
        raise RemoteProtocolError(
            f"tensor {spec.name!r} of shape {spec.shape} is no array: {error}"
        ) from error


def spec_of(name: str, datatype: str, shape: Sequence[int]) -> TensorSpec:
    """
    Give the description a message carries.

    Raises
    ------
    RemoteProtocolError
        If the datatype is unknown, there are too many dimensions, or one is negative.
    """
    dtype = dtype_of(datatype)
    if dtype is None:
        raise RemoteProtocolError(
            f"tensor {shown(name)}: datatype {shown(datatype)} cannot travel raw"
        )
    if len(shape) > _MOST_DIMENSIONS:
        raise RemoteProtocolError(
            f"tensor {shown(name)} has {len(shape)} dimensions, more than {_MOST_DIMENSIONS}"
        )
    if any(dimension < 0 for dimension in shape):
        raise RemoteProtocolError(
            f"tensor {shown(name)}: shape {list(shape)} has a negative dimension"
        )
    return TensorSpec(name, dtype, tuple(int(dimension) for dimension in shape))


def spec_of_value(value: Value) -> TensorSpec:
    """
    Describe what a value of a graph must be in every call.

    Raises
    ------
    UnknownShapeError
        If it is not a tensor of a known type.
    """
    if value.dtype is None:
        raise UnknownShapeError(f"value {value.name!r} has no known type to travel with")
    return TensorSpec(value.name, value.dtype, value.open_shape)


def check_specs(expected: Sequence[TensorSpec], given: Sequence[TensorSpec], where: str) -> None:
    """
    Refuse tensors that are not the expected ones (in any order).

    Raises
    ------
    RemoteProtocolError
        Naming the first tensor that is missing, unknown, doubled or different.
    """
    wanted = {spec.name: spec for spec in expected}
    names = [spec.name for spec in given]
    for name in names:
        if name not in wanted:
            raise RemoteProtocolError(
                f"{where}: unknown tensor {shown(name)}; it takes {list(wanted)}"
            )
        if names.count(name) > 1:
            raise RemoteProtocolError(f"{where}: tensor {name!r} came twice")
    for name, spec in wanted.items():
        if name not in names:
            raise RemoteProtocolError(f"{where}: tensor {name!r} is missing")
        found = given[names.index(name)]
        if not spec.accepts(found):
            raise RemoteProtocolError(f"{where}: tensor {name!r} is {found}, expected {spec}")


def _text_bytes(array: NDArray[np.generic]) -> bytes:
    if not array.size:
        return b""
    return bytes(serialize_byte_tensor(array).item())


def _texts(spec: TensorSpec, shape: Shape, raw: bytes) -> NDArray[np.generic]:
    """Read as many texts as the shape has: what was sent beside them is never taken apart."""
    num_texts = prod(shape)
    if len(raw) < num_texts * _TEXT_HEAD.size:
        raise RemoteProtocolError(
            f"tensor {spec.name!r} of shape {spec.shape} is not that many texts: it has "
            f"{len(raw)} bytes"
        )
    try:
        return np.array(_read_texts(num_texts, raw), dtype=object).reshape(shape)
    except (ValueError, struct_error) as error:
        raise RemoteProtocolError(
            f"tensor {spec.name!r} of shape {spec.shape} is not that many texts: {error}"
        ) from error


def _read_texts(num_texts: int, raw: bytes) -> list[str]:
    texts: list[str] = []
    at = 0
    for _ in range(num_texts):
        (size_bytes,) = _TEXT_HEAD.unpack_from(raw, at)
        end = at + _TEXT_HEAD.size + size_bytes
        if end > len(raw):
            raise ValueError(f"text {len(texts)} is said to have {size_bytes} bytes")
        texts.append(raw[at + _TEXT_HEAD.size : end].decode())
        at = end
    if at != len(raw):
        raise ValueError(f"{len(raw)} bytes came, {at} of them are texts")
    return texts
