"""Floats as bytes, with steps of its own for each channel."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutpoint.exceptions import CodecError
from cutpoint.wire.codecs.channel_steps import (
    HEAD_BYTES,
    ChannelSteps,
    channel_steps_of,
    channel_steps_over,
)
from cutpoint.wire.codecs.channels import channels_of
from cutpoint.wire.codecs.codec import Buffer
from cutpoint.wire.codecs.elements import (
    ONE_PIECE_BYTES,
    check_bytes,
    check_taken,
    empty,
    flat,
    num_elements,
)
from cutpoint.wire.codecs.float_type import FLOAT_TYPES
from cutpoint.wire.codecs.steps import SLACK, rounding
from cutpoint.wire.tensors import TensorSpec

_TYPES = {each.name: each for each in FLOAT_TYPES.values() if each.working == np.float32}


class Uint8Channel:
    """One byte for each element; 255 equal steps over the range of each channel, 0 exact."""

    name = "uint8-channel"
    is_lossless = False

    def __repr__(self) -> str:
        return "<Uint8Channel>"

    def takes(self, spec: TensorSpec) -> bool:
        """Tell whether arrays of this type and shape can be encoded: floats of up to 4 bytes."""
        return spec.dtype in _TYPES

    def blocks(self, array: NDArray[np.generic]) -> Iterator[Buffer]:
        """
        Yield the steps of all channels, and the codes, piece by piece.

        Raises
        ------
        CodecError
            Before the first piece, if a number is not finite or this is no array of such floats.
        """
        matrix, steps = self._steps(array)
        head = steps.head()
        encoded = np.empty(len(head) + matrix.size, np.uint8)
        encoded.data[: len(head)] = head
        codes, start, stop = encoded[len(head) :].reshape(matrix.shape), 0, len(head)
        for num_coded in steps.encode(matrix, codes):
            stop = len(head) + num_coded
            if stop - start >= ONE_PIECE_BYTES:
                yield encoded.data[start:stop]
                start = stop
        if start < stop or not start:
            yield encoded.data[start:stop]

    def decode(self, spec: TensorSpec, raw: Buffer) -> NDArray[np.generic]:
        """
        Give the numbers that the codes stand for.

        Raises
        ------
        RemoteProtocolError
            If there are more or fewer bytes than the shape needs, or a step is none.
        """
        check_taken(spec, self.name, is_taken=self.takes(spec))
        check_bytes(spec, self.name, self.most_bytes(spec), len(raw))
        channels = channels_of(spec.shape or ())
        steps = channel_steps_of(spec, channels, _TYPES[spec.dtype], raw)
        numbers = empty(spec)
        codes = np.frombuffer(raw, np.uint8, offset=HEAD_BYTES * channels.num)
        steps.decode(channels.matrix(codes), channels.matrix(numbers))
        return numbers

    def most_bytes(self, spec: TensorSpec) -> int:
        """Give the size, which is the same for all arrays of this type and shape."""
        return HEAD_BYTES * channels_of(spec.shape or ()).num + num_elements(spec)

    def most_error(self, array: NDArray[np.generic]) -> float:
        """
        Give half a step of the channel of the widest range.

        Raises
        ------
        CodecError
            If this array cannot be encoded.
        """
        step = float(self._steps(array)[1].step.max(initial=0.0))
        return (0.5 + SLACK) * step + rounding(FLOAT_TYPES[array.dtype], 256 * step)

    def _steps(self, array: NDArray[np.generic]) -> tuple[NDArray[Any], ChannelSteps]:
        """Give an array as the matrix of its channels, and the steps of each of them."""
        of_type = FLOAT_TYPES.get(array.dtype)
        if of_type is None or of_type.name not in _TYPES:
            raise CodecError(f"{array.dtype} has no use for {self.name}: send it raw")
        channels = channels_of(array.shape)
        matrix = channels.matrix(flat(array))
        return matrix, channel_steps_over(channels, matrix, of_type)
