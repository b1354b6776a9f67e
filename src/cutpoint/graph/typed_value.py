"""A value as standard typed tensors: what a tail takes instead that undoes the codec by itself."""

from collections.abc import Mapping
from typing import NamedTuple

from cutpoint.graph.element_types import Shape

UINT8, FLOAT16 = "uint8", "float16"
"""Codecs that the operators of ONNX know, by the names that plans have for them."""

TYPED_CODECS = (FLOAT16, UINT8)

_ENCODED: Mapping[str, frozenset[str]] = {
    UINT8: frozenset({"float32", "float64", "float16", "bfloat16"}),
    FLOAT16: frozenset({"float32", "float64"}),
}

ONE: Shape = (1,)
"""Of a scale or a zero point: not every server of the protocol takes tensors without dimension."""


class TypedTensor(NamedTuple):
    """
    One tensor that stands for a value, or for a part of it.

    Parameters
    ----------
    name
        Of the tensor.
    dtype
        NumPy's name of its element type.
    shape
        `ONE`, or ``None`` for that of the value.
    """

    name: str
    dtype: str
    shape: Shape | None


def is_encoded(dtype: str | None, codec: str) -> bool:
    """Tell whether values of a type travel encoded; all others travel as they are."""
    return dtype in _ENCODED[codec]


def typed_tensors(value: str, codec: str) -> tuple[TypedTensor, ...]:
    """
    Give the tensors a value travels as.

    Of uint8 these are the numbers, then scale and zero point, as DequantizeLinear takes them.
    """
    if codec == FLOAT16:
        return (TypedTensor(f"{value}.float16", "float16", None),)
    return (
        TypedTensor(f"{value}.uint8", "uint8", None),
        TypedTensor(f"{value}.uint8.scale", "float32", ONE),
        TypedTensor(f"{value}.uint8.zero_point", "uint8", ONE),
    )
