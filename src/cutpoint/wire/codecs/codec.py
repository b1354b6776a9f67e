"""What a codec is: a short class that turns one array into bytes and back."""

from collections.abc import Iterator
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cutpoint.wire.tensors import TensorSpec

Buffer = bytes | bytearray | memoryview
"""Bytes, wherever they are."""


class Codec(Protocol):
    """
    One way in which the values of one tensor travel.

    What is encoded can be decoded from its bytes, its specification (the array's own type and
    shape) and the codec's name alone: ranges, scales and sizes ride in the bytes.
    """

    @property
    def name(self) -> str:
        """By which plans, records and the wire call it, with its settings: ``jpeg:90``."""
        ...

    @property
    def is_lossless(self) -> bool:
        """Whether decoding gives every bit back."""
        ...

    def takes(self, spec: TensorSpec) -> bool:
        """Tell whether arrays of this type and shape can be encoded."""
        ...

    def blocks(self, array: NDArray[np.generic]) -> Iterator[Buffer]:
        """
        Yield the encoded bytes piece by piece, as they are made; joined they are the whole.

        Raises
        ------
        CodecError
            If this array cannot be encoded so.
        """
        ...

    def decode(self, spec: TensorSpec, raw: Buffer) -> NDArray[np.generic]:
        """
        Give the array that encoded bytes stand for.

        Raises
        ------
        RemoteProtocolError
            If they are not what encoding an array of this type and shape gives; never any other.
        """
        ...

    def most_bytes(self, spec: TensorSpec) -> int:
        """Give a bound of the encoded size: more than that is refused before memory is taken."""
        ...

    def most_error(self, array: NDArray[np.generic]) -> float:
        """Give the largest absolute error of an element after decoding; 0 if lossless."""
        ...
