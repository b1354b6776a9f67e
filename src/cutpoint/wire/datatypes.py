"""The protocol's names of element types, and ours for those it lacks."""

import numpy as np
from tritonclient.utils import np_to_triton_dtype

from cutpoint.graph import TEXT

_STANDARD = (
    "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
    "float16", "float32", "float64",
)  # fmt: skip

_OURS = (
    "int2", "uint2", "int4", "uint4", "float4_e2m1fn", "float8_e4m3fn", "float8_e4m3fnuz",
    "float8_e5m2", "float8_e5m2fnuz", "float8_e8m0fnu", "complex64", "complex128",
)  # fmt: skip
"""Types the protocol has no name for: between two peers they go by NumPy's."""

_DATATYPES = {
    **{dtype: str(np_to_triton_dtype(np.dtype(dtype))) for dtype in _STANDARD},
    "bfloat16": "BF16",
    TEXT: "BYTES",
    **{dtype: dtype.upper() for dtype in _OURS},
}
_DTYPES = {datatype: dtype for dtype, datatype in _DATATYPES.items()}


def datatype_of(dtype: str) -> str:
    """Give the name on the wire of NumPy's element type, for example ``FP32``."""
    return _DATATYPES.get(dtype, dtype.upper())


def dtype_of(datatype: str) -> str | None:
    """Give NumPy's name of an element type on the wire; ``None`` if there is none."""
    return _DTYPES.get(datatype)


def is_standard(dtype: str) -> bool:
    """Tell whether any server of the protocol knows the type."""
    return dtype in _DATATYPES and dtype not in _OURS
