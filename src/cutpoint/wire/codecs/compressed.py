"""What another codec gives, compressed with Zstandard."""

from collections.abc import Iterator
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from cutpoint.exceptions import CodecError
from cutpoint.graph import TEXT
from cutpoint.wire.codecs.affine import Affine
from cutpoint.wire.codecs.codec import Buffer, Codec
from cutpoint.wire.codecs.compression import (
    compressed,
    compressed_pieces,
    decompressed,
    most_compressed_bytes,
)
from cutpoint.wire.codecs.elements import ONE_PIECE_BYTES, check_taken, spec_of_array
from cutpoint.wire.tensors import TensorSpec


class Compressed:
    """
    One frame of Zstandard around the bytes of a codec.

    Parameters
    ----------
    name
        Of both together.
    inner
        The codec; what it gives is exactly its `most_bytes` long.
    """

    def __init__(self, name: str, inner: Codec) -> None:
        self._name, self._inner = name, inner

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._inner!r}>"

    @property
    def name(self) -> str:
        """By which plans, records and the wire call it."""
        return self._name

    @property
    def is_lossless(self) -> bool:
        """Whether decoding gives every bit back."""
        return self._inner.is_lossless

    def takes(self, spec: TensorSpec) -> bool:
        """Tell whether arrays of this type and shape can be encoded: of text the size is open."""
        return self._inner.takes(spec) and spec.dtype != TEXT

    def blocks(self, array: NDArray[np.generic]) -> Iterator[Buffer]:
        """
        Yield the frame, piece by piece.

        Raises
        ------
        CodecError
            Before the first piece, if the codec inside cannot encode this array.
        """
        spec = spec_of_array(array)
        if not self.takes(spec):
            raise CodecError(f"{array.dtype} has no use for {self.name}: send it raw")
        pieces = self._inner.blocks(array)
        first, size_bytes = next(pieces), self._inner.most_bytes(spec)
        if size_bytes <= ONE_PIECE_BYTES:
            yield compressed(first)
        else:
            yield from compressed_pieces(chain((first,), pieces), size_bytes)

    def decode(self, spec: TensorSpec, raw: Buffer) -> NDArray[np.generic]:
        """
        Give the array that is inside.

        Raises
        ------
        RemoteProtocolError
            If this is no frame of the size that type and shape need, or not of this codec.
        """
        check_taken(spec, self.name, is_taken=self.takes(spec))
        return self._inner.decode(spec, decompressed(spec, raw, self._inner.most_bytes(spec)))

    def most_bytes(self, spec: TensorSpec) -> int:
        """Give the size of what cannot be compressed."""
        return most_compressed_bytes(self._inner.most_bytes(spec))

    def most_error(self, array: NDArray[np.generic]) -> float:
        """Give that of the codec inside."""
        return self._inner.most_error(array)


class CompressedAffine(Compressed):
    """
    One frame of Zstandard around codes of equal steps.

    Parameters
    ----------
    name
        Of both together.
    inner
        The codec inside.
    """

    def __init__(self, name: str, inner: Affine) -> None:
        super().__init__(name, inner)
        self._affine = inner

    def with_range(self, low: float, high: float) -> "CompressedAffine":
        """
        Give this codec with a fixed range; what lies beyond saturates.

        Raises
        ------
        CodecError
            If this is no range.
        """
        return CompressedAffine(self.name, self._affine.with_range(low, high))
