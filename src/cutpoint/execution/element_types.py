"""Element types at ONNX Runtime's door: those NumPy lacks go in and out as raw bytes."""

import ctypes
from functools import cache
from typing import Any

import numpy as np
import onnx
import onnx_ir as ir
from numpy.typing import NDArray

from cutpoint.execution.runtime import onnxruntime_module
from cutpoint.graph import TEXT
from cutpoint.graph.element_types import is_native, onnx_type, pack, unpack

_NAMES = {"float": "FLOAT", "double": "DOUBLE"}
"""ONNX Runtime's names that are not ONNX's in small letters."""


def from_runtime(name: str) -> str | None:
    """Give NumPy's name of an element type that ONNX Runtime names; ``None`` if it has none."""
    try:
        data_type = ir.DataType[_NAMES.get(name, name.upper())]
    except KeyError:
        return None
    return TEXT if data_type == ir.DataType.STRING else str(data_type.numpy())


def is_fetchable(dtype: str) -> bool:
    """Tell whether ONNX Runtime gives and takes such arrays as NumPy's."""
    return dtype == TEXT or is_native(dtype)


def to_fed(array: NDArray[np.generic]) -> Any:
    """Give what ONNX Runtime takes for an array."""
    dtype = str(array.dtype)
    if is_fetchable(dtype):
        return array
    raw = pack(array)
    value = onnxruntime_module().OrtValue.ortvalue_from_shape_and_type(
        list(array.shape), onnx_type(dtype), "cpu"
    )
    assert value.tensor_size_in_bytes() == len(raw)
    ctypes.memmove(value.data_ptr(), raw, len(raw))
    return value


def as_ort_value(fed: Any) -> Any:
    """Give ONNX Runtime's own value for an array it takes: its outputs come as such only then."""
    if not isinstance(fed, np.ndarray):
        return fed
    return onnxruntime_module().OrtValue.ortvalue_from_numpy(fed)


def fetched(value: Any) -> Any:
    """Give the array that ONNX Runtime made as a value of its own."""
    if not value.is_tensor():
        return value  # a sequence goes on to the next part as it is
    dtype = numpy_name(value.element_type())
    if is_fetchable(dtype):
        return np.asarray(value.numpy())
    raw = ctypes.string_at(value.data_ptr(), value.tensor_size_in_bytes())
    return unpack(dtype, tuple(value.shape()), raw)


@cache
def numpy_name(number: int) -> str:
    """Give NumPy's name of an element type that ONNX numbers."""
    if number == onnx.TensorProto.STRING:
        return TEXT
    return str(ir.DataType(number).numpy())
