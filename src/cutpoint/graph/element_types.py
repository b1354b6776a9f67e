"""Element types by NumPy's names: how many bytes they take, those below a byte packed."""

from functools import cache
from math import prod

import ml_dtypes  # noqa: F401  (teaches NumPy the names bfloat16, float8_e4m3fn, int4, ...)
import numpy as np
import onnx
import onnx_ir as ir
from numpy.typing import NDArray

Shape = tuple[int, ...]

TEXT = "object"
"""NumPy's name of the element type that holds text."""


def raw_bytes(dtype: str, shape: Shape) -> int:
    """Give the bytes of an array, packed as ONNX packs it; Python's integers do not overflow."""
    return (prod(shape) * _bits(dtype) + 7) // 8


@cache
def is_packed(dtype: str) -> bool:
    """Tell whether several elements share a byte."""
    return dtype != TEXT and _bits(dtype) < 8


@cache
def is_native(dtype: str) -> bool:
    """Tell whether NumPy has the type by itself: what others lack, they take from ml_dtypes."""
    return np.dtype(dtype).isbuiltin == 1


def pack(array: NDArray[np.generic]) -> bytes:
    """Give the raw bytes of an array whose elements are below a byte."""
    return bytes(onnx.numpy_helper.from_array(array).raw_data)


def unpack(dtype: str, shape: Shape, raw: bytes) -> NDArray[np.generic]:
    """Give the array that such bytes are."""
    tensor = onnx.TensorProto(dims=shape, data_type=onnx_type(dtype), raw_data=raw)
    return onnx.numpy_helper.to_array(tensor)


@cache
def onnx_type(dtype: str) -> int:
    """Give ONNX's number of an element type."""
    return int(ir.DataType.from_numpy(np.dtype(dtype)))


@cache
def _bits(dtype: str) -> int:
    return int(ir.DataType.from_numpy(np.dtype(dtype)).bitwidth)
