"""What codecs have in common that send floats as the codes of equal steps."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from cutpoint.exceptions import CodecError
from cutpoint.wire.codecs.codec import Buffer
from cutpoint.wire.codecs.elements import (
    ONE_PIECE_BYTES,
    blocks_of,
    check_bytes,
    check_taken,
    empty,
    flat,
    num_elements,
)
from cutpoint.wire.codecs.float_type import FLOAT_TYPES, FloatType
from cutpoint.wire.codecs.steps import Range, Steps, extent_of, steps_of, steps_over
from cutpoint.wire.tensors import TensorSpec

_TYPES = {each.name: each for each in FLOAT_TYPES.values()}


class Affine(ABC):
    """
    Low and step, then a code for each element.

    Parameters
    ----------
    limits
        The range to divide, as calibrated: what lies beyond saturates. By default each array's
        own.
    """

    name: ClassVar[str]
    is_lossless: ClassVar[bool] = False
    num_bits: ClassVar[int]
    has_zero: ClassVar[bool]
    types: ClassVar[frozenset[str]] = frozenset(each.name for each in FLOAT_TYPES.values())

    def __init__(self, limits: Range | None = None) -> None:
        self.limits = limits
        self._last = (1 << self.num_bits) - 1

    def __repr__(self) -> str:
        return f"<{type(self).__name__}{'' if self.limits is None else f' {self.limits}'}>"

    def with_range(self, low: float, high: float) -> "Affine":
        """
        Give this codec with a fixed range; what lies beyond saturates.

        Raises
        ------
        CodecError
            If this is no range.
        """
        widest = FLOAT_TYPES[np.dtype(np.float64)]
        steps_over(widest, (low, high), self._last, with_zero=self.has_zero)
        return self._with_limits((low, high))

    def takes(self, spec: TensorSpec) -> bool:
        """Tell whether arrays of this type and shape can be encoded: wider floats can."""
        return spec.dtype in self.types

    def blocks(self, array: NDArray[np.generic]) -> Iterator[Buffer]:
        """
        Yield low and step and the codes, piece by piece.

        Raises
        ------
        CodecError
            Before the first piece, if a number is not finite or this is no array of floats.
        """
        elements = flat(array)
        steps = self._steps(elements)
        head = steps.head()
        encoded = np.empty(len(head) + self._num_bytes(elements.size), np.uint8)
        encoded.data[: len(head)] = head
        codes, start = encoded[len(head) :], 0
        if encoded.size <= ONE_PIECE_BYTES:
            self._write(steps, elements, codes)
            yield encoded.data
            return
        for piece in blocks_of(elements.size, ONE_PIECE_BYTES * 8 // self.num_bits):
            part = slice(self._num_bytes(piece.start), self._num_bytes(piece.stop))
            self._write(steps, elements[piece], codes[part])
            stop = min(len(head) + part.stop, encoded.size)
            yield encoded.data[start:stop]
            start = stop

    def decode(self, spec: TensorSpec, raw: Buffer) -> NDArray[np.generic]:
        """
        Give the numbers that the codes stand for.

        Raises
        ------
        RemoteProtocolError
            If there are more or fewer bytes than the shape needs, or low and step are none.
        """
        if spec.dtype not in self.types or _room(self.num_bits, spec) != len(raw):
            check_taken(spec, self.name, is_taken=self.takes(spec))
            check_bytes(spec, self.name, self.most_bytes(spec), len(raw))
        of_type = _TYPES[spec.dtype]
        steps = steps_of(spec, of_type, self._last, raw)
        return self._decoded(spec, steps, np.frombuffer(raw, np.uint8, offset=of_type.head.size))

    def most_bytes(self, spec: TensorSpec) -> int:
        """Give the size, which is the same for all arrays of this type and shape."""
        return _room(self.num_bits, spec)

    def most_error(self, array: NDArray[np.generic]) -> float:
        """
        Give half a step, and what lies beyond a fixed range.

        Raises
        ------
        CodecError
            If this array cannot be encoded.
        """
        elements = flat(array)
        steps = self._steps(elements)
        return steps.most_error(extent_of(elements, steps.type))

    def _with_limits(self, limits: Range) -> "Affine":
        return type(self)(limits)

    def _decoded(
        self, spec: TensorSpec, steps: Steps, codes: NDArray[np.uint8]
    ) -> NDArray[np.generic]:
        """Give the array that codes stand for."""
        numbers = empty(spec)
        self._read(steps, codes, numbers.reshape(-1))
        return numbers

    @abstractmethod
    def _write(self, steps: Steps, numbers: NDArray[np.generic], raw: NDArray[np.uint8]) -> None:
        """Write the codes of numbers into the bytes they take."""

    @abstractmethod
    def _read(self, steps: Steps, raw: NDArray[np.uint8], numbers: NDArray[np.generic]) -> None:
        """Write the numbers that coded bytes stand for."""

    def _num_bytes(self, num: int) -> int:
        return (num * self.num_bits + 7) // 8

    def _steps(self, elements: NDArray[np.generic]) -> Steps:
        of_type = self._type(elements.dtype)
        extent = extent_of(elements, of_type)
        if self.limits is None:
            return steps_over(of_type, extent, self._last, with_zero=self.has_zero)
        if np.isnan(extent[0]):
            raise CodecError(f"not a number has no code in {self.name}: send the value raw")
        # As numbers are calculated with: a range is no wider than its steps then.
        with np.errstate(over="ignore"):
            low, high = map(float, map(of_type.working.type, self.limits))
        fixed = steps_over(of_type, (low, high), self._last, with_zero=self.has_zero)
        return fixed._replace(clipped=(low, high))

    def _type(self, dtype: np.dtype[Any]) -> FloatType:
        of_type = FLOAT_TYPES.get(dtype)
        if of_type is None or of_type.name not in self.types:
            raise CodecError(f"{dtype} has no use for {self.name}: send it raw")
        return of_type


@lru_cache(maxsize=1024)
def _room(num_bits: int, spec: TensorSpec) -> int:
    """Count the bytes that a tensor takes."""
    return _TYPES[spec.dtype].head.size + (num_elements(spec) * num_bits + 7) // 8
