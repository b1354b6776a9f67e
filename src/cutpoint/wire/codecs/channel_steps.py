"""Steps of each channel's own: ``number = (code - zero) * step``."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cutpoint.exceptions import CodecError, RemoteProtocolError
from cutpoint.wire.codecs.channels import Channels
from cutpoint.wire.codecs.codec import Buffer
from cutpoint.wire.codecs.float_type import FloatType
from cutpoint.wire.codecs.steps import SLACK
from cutpoint.wire.tensors import TensorSpec

_LAST = 255
_LOWER = np.uint32((1 << 16) - 1)
"""A step travels as the upper half of a float32, rounded up: at most 2^-7 larger than needed."""

HEAD_BYTES = 3
"""Of each channel: the upper half of its step, and the code of 0."""


class ChannelSteps(NamedTuple):
    """
    The steps of each channel.

    Parameters
    ----------
    channels
        Which elements are in which.
    step
        Between one code and the next, of each.
    zero
        The code of 0, of each.
    """

    channels: Channels
    step: NDArray[np.float32]
    zero: NDArray[np.uint8]

    def head(self) -> bytes:
        """Give the bytes that tell a decoder steps and codes of 0."""
        return (self.step.view(np.uint32) >> 16).astype("<u2").tobytes() + self.zero.tobytes()

    def encode(self, matrix: NDArray[Any], codes: NDArray[np.uint8]) -> Iterator[int]:
        """Write the code of each number tile by tile; yield how many are written."""
        channels, num = self.channels, 0
        per_step, shift = np.float32(1) / self.step, self.zero + np.float32(0.5)
        room = np.empty(channels.tile_size, np.float32)
        for tile in channels.tiles():
            given = matrix[tile]
            part = room[: given.size].reshape(given.shape)
            with np.errstate(all="ignore"):  # whatever the calling thread wants to hear
                np.multiply(given, channels.at(tile, per_step), out=part, dtype=np.float32)
                np.add(part, channels.at(tile, shift), out=part)
                np.copyto(codes[tile], part, casting="unsafe")
            num += given.size
            yield num

    @np.errstate(all="ignore")
    def decode(self, codes: NDArray[np.uint8], matrix: NDArray[Any]) -> None:
        """Write the number that each code stands for."""
        channels, offset = self.channels, self.zero * self.step
        is_direct = matrix.dtype == np.float32
        room = np.empty(0 if is_direct else channels.tile_size, np.float32)
        for tile in channels.tiles():
            given = codes[tile]
            part = matrix[tile] if is_direct else room[: given.size].reshape(given.shape)
            np.copyto(part, given)
            np.multiply(part, channels.at(tile, self.step), out=part)
            np.subtract(part, channels.at(tile, offset), out=part)
            if not is_direct:
                np.copyto(matrix[tile], part, casting="same_kind")


@np.errstate(all="ignore")
def channel_steps_over(
    channels: Channels, matrix: NDArray[Any], of_type: FloatType
) -> ChannelSteps:
    """
    Divide the range of each channel, widened to hold 0, into equal steps.

    Raises
    ------
    CodecError
        If a range is not finite, or too wide for the type.
    """
    wide = matrix if matrix.dtype == np.float32 else matrix.astype(np.float32)
    low = np.minimum.reduce(wide, axis=channels.axis, initial=0)
    high = np.maximum.reduce(wide, axis=channels.axis, initial=0)
    step = np.maximum((high - low) / np.float32(_LAST - SLACK), np.float32(of_type.least_step))
    most = float(step.max(initial=0))
    if not most * (_LAST + 3) <= of_type.largest:  # the step may be rounded up yet; nor if NaN
        raise CodecError(f"numbers {most * _LAST:g} apart have no steps: send them raw")
    step = ((step.view(np.uint32) + _LOWER) & ~_LOWER).view(np.float32)
    return ChannelSteps(channels, step, np.rint(-low / step).astype(np.uint8))


def channel_steps_of(
    spec: TensorSpec, channels: Channels, of_type: FloatType, raw: Buffer
) -> ChannelSteps:
    """
    Read the steps at the beginning of encoded bytes.

    Raises
    ------
    RemoteProtocolError
        If one is none, or leads to numbers that the tensor's type has not.
    """
    num = channels.num
    step = (np.frombuffer(raw, "<u2", num).astype(np.uint32) << 16).view(np.float32)
    least, most = np.minimum.reduce(step, initial=1), np.maximum.reduce(step, initial=0)
    if not (least > 0 and most <= of_type.largest / _LAST):  # NaN, if one is, is neither
        raise RemoteProtocolError(f"tensor {spec.name!r}: a channel has no steps of {spec.dtype}")
    zero = np.frombuffer(raw, np.uint8, num, offset=2 * num)
    return ChannelSteps(channels, step, zero)
