"""Floats as whole numbers of equal steps: ``number = low + code * step``."""

from math import isfinite
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cutpoint.exceptions import CodecError, RemoteProtocolError
from cutpoint.wire.codecs.codec import Buffer
from cutpoint.wire.codecs.elements import BLOCK, blocks_of
from cutpoint.wire.codecs.float_type import FloatType
from cutpoint.wire.tensors import TensorSpec

Range = tuple[float, float]
"""The least and the greatest of some numbers."""

SLACK = 0.01
"""Steps that a range is short of its codes, so that rounding never leads beyond the last."""


class Steps(NamedTuple):
    """
    Where the steps between two numbers lie.

    Parameters
    ----------
    type
        Of the numbers.
    low
        What code 0 stands for.
    step
        Between one code and the next.
    zero
        The code that stands for 0 exactly; ``None`` if none must.
    clipped
        The range that numbers are brought into first; ``None`` if all are known to be inside.
    """

    type: FloatType
    low: float
    step: float
    zero: int | None = None
    clipped: Range | None = None

    @np.errstate(all="ignore")  # whatever the calling thread wants to hear of underflows
    def encode(self, numbers: NDArray[np.generic], codes: NDArray[np.generic]) -> None:
        """Write the nearest code of each number; both are flat."""
        kind = self.type.working.type
        per_step, low = kind(1 / self.step), kind(self.low)
        # Where 0 has a code, moving to it and rounding is one addition.
        shift = kind(0.5 + (self.zero or 0))
        part: NDArray[Any] = np.empty(min(BLOCK, numbers.size), kind)
        for block in blocks_of(numbers.size):
            at = part[: block.stop - block.start]
            given: Any = self._inside(numbers[block], at)
            if self.zero is None:
                given = np.subtract(given, low, out=at)
            np.multiply(given, per_step, out=at)
            np.add(at, shift, out=at)
            np.copyto(codes[block], at, casting="unsafe")

    @np.errstate(all="ignore")
    def decode(self, codes: NDArray[np.generic], numbers: NDArray[np.generic]) -> None:
        """Write the number that each code stands for; both are flat."""
        kind = self.type.working
        low, step = kind.type(self.low), kind.type(self.step)
        is_direct = numbers.dtype == kind
        part: NDArray[Any] = np.empty(0 if is_direct else min(BLOCK, numbers.size), kind)
        for block in blocks_of(numbers.size):
            at: Any = numbers[block] if is_direct else part[: block.stop - block.start]
            np.copyto(at, codes[block])  # in place from here: faster than widening on the way
            np.multiply(at, step, out=at)
            np.add(at, low, out=at)
            if not is_direct:
                np.copyto(numbers[block], at, casting="same_kind")

    def head(self) -> bytes:
        """Give the bytes that tell a decoder low and step."""
        return self.type.head.pack(self.low, self.step)

    def most_error(self, extent: Range) -> float:
        """Give the largest error of a number of this range."""
        beyond = 0.0
        if self.clipped is not None:
            beyond = max(0.0, self.clipped[0] - extent[0], extent[1] - self.clipped[1])
        reach = max(abs(extent[0]), abs(extent[1]), abs(self.low))
        return beyond + (0.5 + SLACK) * self.step + rounding(self.type, reach + self.step)

    def _inside(self, given: NDArray[Any], at: NDArray[Any]) -> NDArray[Any]:
        """Give these numbers in the working type and in range, as they are where they are so."""
        if given.dtype != at.dtype:
            np.copyto(at, given, casting="same_kind")
            given = at
        if self.clipped is None:
            return given
        low, high = map(at.dtype.type, self.clipped)
        return np.clip(given, low, high, out=at)


def rounding(of_type: FloatType, reach: float) -> float:
    """Give the error that the arithmetic adds to numbers of this magnitude made of steps."""
    error = 8 * float(np.finfo(of_type.working).eps) * reach
    if of_type.name == of_type.working.name:
        return error
    return error + of_type.rounding * reach + of_type.least_rounding


def steps_of(spec: TensorSpec, of_type: FloatType, last: int, raw: Buffer) -> Steps:
    """
    Read low and step at the beginning of encoded bytes.

    Raises
    ------
    RemoteProtocolError
        If they are none, or lead to numbers that the tensor's type has not.
    """
    low, step = of_type.head.unpack_from(raw)
    span, most = last * step, of_type.largest
    if not (0 < span <= of_type.widest and -most <= low <= most - span):
        raise RemoteProtocolError(
            f"tensor {spec.name!r}: steps of {step:g} from {low:g} are none of {spec.dtype}"
        )
    return Steps(of_type, low, step)


def extent_of(numbers: NDArray[Any], of_type: FloatType) -> Range:
    """Give the least and the greatest of flat numbers; (0, 0) of none, NaN if one is."""
    if not numbers.size:
        return 0.0, 0.0
    if numbers.dtype == of_type.working:
        return float(np.minimum.reduce(numbers)), float(np.maximum.reduce(numbers))
    lows, highs = [], []  # the arithmetic of half precision is slow: each block is widened first
    for block in blocks_of(numbers.size):
        wide = numbers[block].astype(of_type.working)
        lows.append(wide.min())
        highs.append(wide.max())
    return float(np.min(lows)), float(np.max(highs))


def steps_over(of_type: FloatType, extent: Range, last: int, *, with_zero: bool) -> Steps:
    """
    Divide a range into equal steps.

    Parameters
    ----------
    of_type
        Of the numbers.
    extent
        Their range.
    last
        The greatest code.
    with_zero
        Whether 0 must have a code that stands for it exactly; the range is widened to hold it.

    Raises
    ------
    CodecError
        If the range is not finite, or too wide for the type.
    """
    low, high = extent
    if not (isfinite(low) and isfinite(high) and low <= high):
        raise CodecError(f"numbers from {low:g} to {high:g} have no steps: send them raw")
    if with_zero:
        low, high = min(low, 0.0), max(high, 0.0)
    kind = of_type.working.type
    step = max((high - low) / (last - SLACK), of_type.least_step)
    beyond = 0.75 * step  # what moving 0 to a code of its own, and rounding, may add
    if max(-low, high) + beyond > of_type.largest or high - low + beyond > of_type.widest:
        raise CodecError(f"numbers from {low:g} to {high:g} are too far apart for {of_type.name}")
    step = float(kind(step))
    if not with_zero:
        return Steps(of_type, float(kind(low)), step)
    zero = round(-low / step)
    return Steps(of_type, low_of(of_type, step, zero), step, zero)


def low_of(of_type: FloatType, step: float, zero: int) -> float:
    """Give what code 0 stands for if this code must stand for 0 exactly."""
    return -float(of_type.working.type(zero * step))  # rounded once, as a decoder does
