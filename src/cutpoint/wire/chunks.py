"""Tensors in pieces: cut up on one side, put together on the other."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cutpoint.exceptions import RemoteProtocolError
from cutpoint.wire.tensors import TensorSpec, check_specs, to_array, to_bytes

MAX_CHUNK_BYTES = 64 * 1024
"""No chunk is larger, so that a cancel or a newer request need not wait long behind it."""


@dataclass(frozen=True)
class Chunk:
    """
    A piece of one tensor of one message.

    Parameters
    ----------
    spec
        The tensor it is part of.
    value, num_values
        Position of the tensor in the message, and how many tensors that has.
    offset
        First byte of the piece in the tensor.
    payload
        The bytes.
    """

    spec: TensorSpec
    value: int
    num_values: int
    offset: int
    payload: bytes


class Chunker:
    """
    Cuts up the tensors of one message, each piece as large as is asked for then.

    Parameters
    ----------
    tensors
        Names and arrays, in the order in which they leave.
    """

    def __init__(self, tensors: Sequence[tuple[str, NDArray[np.generic]]]) -> None:
        self._specs = [TensorSpec.of(name, array) for name, array in tensors]
        self._raw = [to_bytes(array) for _, array in tensors]
        self._value = 0
        self._offset = 0
        self.size_bytes = sum(len(raw) for raw in self._raw)
        self.given_bytes = 0

    @property
    def is_done(self) -> bool:
        """Whether every byte was given out."""
        return self._value >= len(self._specs)

    def next(self, size_bytes: int) -> Chunk:
        """Give the next piece, at most `size_bytes` long."""
        spec, raw = self._specs[self._value], self._raw[self._value]
        end = min(self._offset + max(size_bytes, 1), len(raw))
        payload = bytes(raw[self._offset : end])
        chunk = Chunk(spec, self._value, len(self._specs), self._offset, payload)
        self._offset = end
        self.given_bytes += len(payload)
        if end == len(raw):
            self._value, self._offset = self._value + 1, 0
        return chunk

    def all(self, size_bytes: int = MAX_CHUNK_BYTES) -> Iterator[Chunk]:
        """Give every remaining piece."""
        while not self.is_done:
            yield self.next(size_bytes)


class Assembly:
    """
    Puts the tensors of one message together.

    Parameters
    ----------
    expected
        The tensors that must come, in any order: checked before memory is taken.
    where
        Whose message it is, for errors.
    """

    def __init__(self, expected: Sequence[TensorSpec], where: str) -> None:
        self._expected = {spec.name: spec for spec in expected}
        self._where = where
        self._specs: list[TensorSpec] = []
        self._buffers: list[bytearray] = []
        self._filled: list[int] = []
        self.received_bytes = 0
        self.is_complete = False

    def add(self, chunk: Chunk) -> None:
        """
        Take a piece.

        Raises
        ------
        RemoteProtocolError
            If it is not what follows, or belongs to a tensor that is not expected.
        """
        if self.is_complete:
            raise RemoteProtocolError(f"{self._where}: a chunk came after the last one")
        if chunk.value == len(self._specs):
            self._begin(chunk.spec)
        if not 0 <= chunk.value == len(self._specs) - 1:
            raise RemoteProtocolError(f"{self._where}: chunk of tensor {chunk.value} out of turn")
        buffer, filled = self._buffers[-1], self._filled[-1]
        end = filled + len(chunk.payload)
        if chunk.offset != filled or end > len(buffer):
            raise RemoteProtocolError(
                f"{self._where}: chunk at byte {chunk.offset} of {chunk.spec.name!r}, "
                f"expected byte {filled} of {len(buffer)}"
            )
        buffer[filled:end] = chunk.payload
        self._filled[-1] = end
        self.received_bytes += len(chunk.payload)
        if chunk.value == chunk.num_values - 1 and end == len(buffer):
            check_specs(tuple(self._expected.values()), self._specs, self._where)
            self.is_complete = True

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """Give the tensors by name, once complete."""
        return {
            spec.name: to_array(spec, buffer)
            for spec, buffer in zip(self._specs, self._buffers, strict=True)
        }

    def _begin(self, spec: TensorSpec) -> None:
        expected = self._expected.get(spec.name)
        if expected is None or spec in self._specs:
            check_specs(tuple(self._expected.values()), [*self._specs, spec], self._where)
        else:
            check_specs((expected,), (spec,), self._where)
        if self._filled and self._filled[-1] != len(self._buffers[-1]):
            raise RemoteProtocolError(f"{self._where}: tensor {spec.name!r} began too early")
        self._specs.append(spec)
        self._buffers.append(bytearray(spec.size_bytes))
        self._filled.append(0)
