"""Floats as bytes: 255 equal steps between the least and the greatest, 0 exact."""

from collections.abc import Iterator
from math import isnan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutpoint.wire.codecs.affine import Affine
from cutpoint.wire.codecs.codec import Buffer
from cutpoint.wire.codecs.elements import AT_ONCE, ONE_PIECE_BYTES, flat
from cutpoint.wire.codecs.float_type import FLOAT_TYPES
from cutpoint.wire.codecs.quantiser import Coded, Quantiser
from cutpoint.wire.codecs.steps import Range, Steps, low_of
from cutpoint.wire.tensors import TensorSpec

_FLOAT32 = FLOAT_TYPES[np.dtype(np.float32)]
_MOST_STEP = _FLOAT32.largest / 1024
"""Near the largest number rounding leads beyond it: there the steps are chosen more carefully."""


class Uint8(Affine):
    """
    One byte for each element; what ONNX calls linear quantisation, of the whole array.

    Parameters
    ----------
    limits
        The range to divide, as calibrated: what lies beyond saturates. By default each array's
        own.
    quantiser
        Does the arithmetic where it is faster.
    """

    name = "uint8"
    num_bits = 8
    has_zero = True

    def __init__(self, limits: Range | None = None, quantiser: Quantiser | None = None) -> None:
        super().__init__(limits)
        self._quantiser = quantiser

    def blocks(self, array: NDArray[np.generic]) -> Iterator[Buffer]:
        """
        Yield low and step and the codes, piece by piece.

        Raises
        ------
        CodecError
            Before the first piece, if a number is not finite or this is no array of floats.
        """
        coded = self._at_once(array)
        if coded is None:
            yield from super().blocks(array)
            return
        codes, step, zero = coded
        head = Steps(_FLOAT32, low_of(_FLOAT32, step, zero), step).head()
        if len(head) + codes.size <= ONE_PIECE_BYTES:
            yield head + codes.tobytes()
        else:
            yield head
            yield codes.data

    def _with_limits(self, limits: Range) -> "Uint8":
        return Uint8(limits, self._quantiser)

    def _at_once(self, array: NDArray[Any]) -> Coded | None:
        """Give codes as the quantiser makes them; ``None`` if it is not faster or cannot."""
        if self._quantiser is None or self.limits is not None:
            return None
        if array.dtype != np.float32 or not 0 < array.size <= AT_ONCE:
            return None
        elements: NDArray[Any] = flat(array)
        coded = self._quantiser.codes(elements)
        if coded is None or not _FLOAT32.least_step <= coded[1] < _MOST_STEP:
            return None
        # Infinities make the step infinite; NaN may vanish in it, and only the numbers tell.
        return None if isnan(np.minimum.reduce(elements)) else coded

    def _decoded(
        self, spec: TensorSpec, steps: Steps, codes: NDArray[np.uint8]
    ) -> NDArray[np.generic]:
        if self._quantiser is not None and spec.dtype == "float32":
            zero = round(-steps.low / steps.step)
            if 0 <= zero <= 255 and low_of(steps.type, steps.step, zero) == steps.low:
                numbers = self._quantiser.numbers(codes, steps.step, zero)
                if numbers is not None:
                    return numbers.reshape(spec.shape or ())
        return super()._decoded(spec, steps, codes)

    def _write(self, steps: Steps, numbers: NDArray[np.generic], raw: NDArray[np.uint8]) -> None:
        steps.encode(numbers, raw)

    def _read(self, steps: Steps, raw: NDArray[np.uint8], numbers: NDArray[np.generic]) -> None:
        steps.decode(raw, numbers)
