"""Floats in half the bytes: a relative error of at most 2^-11."""

from collections.abc import Iterator
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutpoint.exceptions import CodecError
from cutpoint.wire.codecs.codec import Buffer
from cutpoint.wire.codecs.elements import (
    AT_ONCE,
    ONE_PIECE_BYTES,
    blocks_of,
    check_bytes,
    check_taken,
    empty,
    flat,
    num_elements,
)
from cutpoint.wire.codecs.float_type import FLOAT_TYPES
from cutpoint.wire.codecs.quantiser import Quantiser
from cutpoint.wire.codecs.steps import extent_of
from cutpoint.wire.tensors import TensorSpec

_TYPES = ("float32", "float64")
_DTYPES = tuple(map(np.dtype, _TYPES))
_HALF = FLOAT_TYPES[np.dtype(np.float16)]
_INFINITY, _SIGN = 0x7C00, 0x8000


class Float16:
    """
    Half precision. Infinities and NaN stay; finite numbers beyond 65504 are refused.

    Parameters
    ----------
    quantiser
        Does the arithmetic where it is faster.
    """

    name = "float16"
    is_lossless = False

    def __init__(self, quantiser: Quantiser | None = None) -> None:
        self._quantiser = quantiser

    def __repr__(self) -> str:
        return "<Float16>"

    def takes(self, spec: TensorSpec) -> bool:
        """Tell whether arrays of this type and shape can be encoded: wider floats can."""
        return spec.dtype in _TYPES

    def blocks(self, array: NDArray[np.generic]) -> Iterator[Buffer]:
        """
        Yield half-precision numbers, piece by piece.

        Raises
        ------
        CodecError
            Before the first piece, if a finite number is too large.
        """
        elements = _elements(array)
        halves = self._at_once(elements)
        if halves is None:
            _check_reach(elements)
            yield from _pieces(elements)
        else:
            if _is_beyond(halves):
                _check_reach(elements)
            yield halves.view(np.uint8).data

    def decode(self, spec: TensorSpec, raw: Buffer) -> NDArray[np.generic]:
        """
        Give the numbers in their own type again.

        Raises
        ------
        RemoteProtocolError
            If there are more or fewer bytes than the shape needs.
        """
        check_taken(spec, self.name, is_taken=self.takes(spec))
        check_bytes(spec, self.name, self.most_bytes(spec), len(raw))
        halves = np.frombuffer(raw, np.float16)
        if self._quantiser is not None and spec.dtype == "float32" and halves.flags.aligned:
            wholes = self._quantiser.wholes(halves)
            if wholes is not None:
                return wholes.reshape(spec.shape or ())
        numbers = empty(spec)
        np.copyto(numbers, halves.reshape(numbers.shape))
        return numbers

    def most_bytes(self, spec: TensorSpec) -> int:
        """Give the size: two bytes for each element."""
        return 2 * num_elements(spec)

    def most_error(self, array: NDArray[np.generic]) -> float:
        """
        Give half a step at the largest number.

        Raises
        ------
        CodecError
            If these are no wider floats, or one is too large.
        """
        elements = _elements(array)
        _check_reach(elements)
        return max(_reach(elements) * _HALF.rounding, _HALF.least_rounding)

    def _at_once(self, elements: NDArray[Any]) -> NDArray[np.float16] | None:
        """Give halves as the quantiser makes them, in one go; ``None`` if it is not faster."""
        if self._quantiser is None or elements.dtype != np.float32 or elements.size > AT_ONCE:
            return None
        return self._quantiser.halves(elements)


def _elements(array: NDArray[Any]) -> NDArray[Any]:
    if array.dtype not in _DTYPES:
        raise CodecError(f"{array.dtype} has no use for {Float16.name}: send it raw")
    return flat(array)


def _pieces(elements: NDArray[Any]) -> Iterator[Buffer]:
    for piece in blocks_of(max(elements.size, 1), ONE_PIECE_BYTES // 2):
        with np.errstate(all="ignore"):  # whatever the calling thread wants to hear
            halves = elements[piece].astype(np.float16)
        yield halves.view(np.uint8).data


def _is_beyond(halves: NDArray[np.float16]) -> bool:
    """Tell whether one is infinite or none, of either sign: as whole numbers these are last."""
    last = int(np.maximum.reduce(halves.view(np.uint16), initial=0))
    if last < _SIGN:  # none has a sign
        return last >= _INFINITY
    highest = int(np.maximum.reduce(halves.view(np.int16)))
    return last >= _SIGN + _INFINITY or highest >= _INFINITY


def _check_reach(elements: NDArray[Any]) -> None:
    if _reach(elements) > _HALF.largest:
        raise CodecError(f"numbers beyond {_HALF.largest:g} do not fit float16: send them raw")


def _reach(elements: NDArray[Any]) -> float:
    """Give the largest magnitude of a finite number."""
    low, high = extent_of(elements, FLOAT_TYPES[elements.dtype])
    if isfinite(low) and isfinite(high):
        return max(-low, high)
    return float(np.abs(elements[np.isfinite(elements)]).max(initial=0))
