"""What a codec must know of each type of floats: how to calculate with it, and its limits."""

from collections.abc import Mapping
from struct import Struct
from typing import Any, NamedTuple

import ml_dtypes
import numpy as np

_FLOAT32 = np.dtype(np.float32)
_FLOAT64 = np.dtype(np.float64)


class FloatType(NamedTuple):
    """
    A type of floats.

    Parameters
    ----------
    name
        NumPy's.
    working
        The type that arithmetic on such numbers is done in: half precision has none of its own.
    head
        How two numbers of the working type are written.
    largest
        Finite number.
    widest
        Finite number of the working type.
    least_step
        Between two numbers of the working type, whose inverse is one too.
    rounding
        The largest relative error of a number that is rounded to this type.
    least_rounding
        The largest error of a number near 0 that is rounded to this type.
    """

    name: str
    working: np.dtype[Any]
    head: Struct
    largest: float
    widest: float
    least_step: float
    rounding: float
    least_rounding: float


def _float_type(name: str) -> FloatType:
    working = _FLOAT64 if name == "float64" else _FLOAT32
    limits: Any = ml_dtypes.finfo(np.dtype(name))  # type: ignore[no-untyped-call]
    return FloatType(
        name,
        working,
        Struct("<dd" if working == _FLOAT64 else "<ff"),
        float(limits.max),
        float(np.finfo(working).max),
        16 * float(np.finfo(working).tiny),
        float(limits.eps) / 2,
        float(limits.smallest_subnormal) / 2,
    )


FLOAT_TYPES: Mapping[np.dtype[Any], FloatType] = {
    np.dtype(name): _float_type(name) for name in ("float32", "float64", "float16", "bfloat16")
}
"""Types of numbers that may lose precision."""
