"""One tensor as bytes on their way: as it is, or as a codec makes them, block by block."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from cutpoint.records import RAW
from cutpoint.wire.codecs.codec import Buffer, Codec
from cutpoint.wire.tensors import TensorSpec, to_bytes

Place = tuple[int, int]
"""Where reading goes on: the block, and the byte in it."""

START: Place = (0, 0)


class Encoded:
    """
    The bytes of one tensor, made on one thread while another sends those that are there.

    What was made is kept: it can be read again, from the start, for another server.

    Parameters
    ----------
    spec
        The tensor.
    codec
        Name of the codec that makes the bytes.
    blocks
        The bytes, piece by piece.
    """

    def __init__(self, spec: TensorSpec, codec: str, blocks: Iterable[Buffer]) -> None:
        self.spec = spec
        self.codec = codec
        self.made_bytes = 0
        self.is_done = False
        self._coming = iter(blocks)
        self._blocks: list[memoryview] = []

    def __repr__(self) -> str:
        state = "" if self.is_done else " and more"
        return f"<Encoded {self.spec.name!r} as {self.codec}: {self.made_bytes} bytes{state}>"

    @classmethod
    def raw(cls, name: str, array: NDArray[np.generic]) -> "Encoded":
        """Give a tensor as it is: nothing is left to be made, and contiguous bytes not copied."""
        made = cls(TensorSpec.of(name, array), RAW, ())
        made._add(to_bytes(array))
        made.is_done = True
        return made

    @classmethod
    def by(cls, codec: Codec, name: str, array: NDArray[np.generic]) -> "Encoded":
        """Give a tensor that a codec encodes, block by block as `make` is called."""
        return cls(TensorSpec.of(name, array), codec.name, codec.blocks(array))

    def make(self) -> bool:
        """
        Make the next block.

        Returns
        -------
        bool
            Whether there was one; once there is none, all are made.

        Raises
        ------
        CodecError
            If the tensor cannot be encoded so.
        """
        block = next(self._coming, None)
        if block is None:
            self.is_done = True
            return False
        self._add(memoryview(block).cast("B"))
        return True

    def make_all(self) -> "Encoded":
        """Make every block that is left; gives itself."""
        while self.make():
            pass
        return self

    def read(self, place: Place, size_bytes: int) -> tuple[Buffer, Place]:
        """
        Give bytes that are made already, and where to read on.

        Parameters
        ----------
        size_bytes
            How many; no more than there are behind the place. What lies in one block is not
            copied.
        """
        number, at = place
        parts: list[memoryview] = []
        while size_bytes > 0:
            block = self._blocks[number]
            part = block[at : at + size_bytes]
            parts.append(part)
            size_bytes -= len(part)
            at += len(part)
            if at == len(block):
                number, at = number + 1, 0
        return parts[0] if len(parts) == 1 else b"".join(parts), (number, at)

    def _add(self, block: memoryview) -> None:
        if len(block):
            self._blocks.append(block)
            self.made_bytes += len(block)  # last: who sees the number finds the bytes
