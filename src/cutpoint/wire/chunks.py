"""Tensors in pieces: cut up on one side, put together on the other."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cutpoint.exceptions import RemoteProtocolError
from cutpoint.wire.tensors import TensorSpec, check_specs, to_array, to_bytes

MAX_CHUNK_BYTES = 64 * 1024
"""No chunk is larger, so that a cancel or a newer request need not wait long behind it."""

MAX_TENSOR_BYTES = 256 << 20
"""Of a tensor whose size the model leaves open; others are exactly what the model says."""


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
    total_bytes
        Of the whole tensor, for text: its type and shape do not tell.
    """

    spec: TensorSpec
    value: int
    num_values: int
    offset: int
    payload: bytes
    total_bytes: int | None = None

    @property
    def tensor_bytes(self) -> int:
        """
        Bytes of the whole tensor.

        Raises
        ------
        RemoteProtocolError
            If nobody said.
        """
        size_bytes = self.spec.size_bytes  # what the shape tells holds, whatever was said
        size_bytes = self.total_bytes if size_bytes is None else size_bytes
        if size_bytes is None or size_bytes < 0:
            raise RemoteProtocolError(f"a chunk of {self.spec.name!r} tells no size of its tensor")
        return size_bytes


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
        total_bytes = len(raw) if spec.size_bytes is None else None
        chunk = Chunk(spec, self._value, len(self._specs), self._offset, payload, total_bytes)
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
    max_tensor_bytes
        Largest tensor to accept where the expected shape leaves the size open.
    is_writable
        Whether the arrays must be; else one that comes in one piece is not copied.
    """

    def __init__(
        self,
        expected: Sequence[TensorSpec],
        where: str,
        max_tensor_bytes: int = MAX_TENSOR_BYTES,
        is_writable: bool = True,
    ) -> None:
        self._expected = {spec.name: spec for spec in expected}
        self._where = where
        self._max_tensor_bytes = max_tensor_bytes
        self._is_writable = is_writable
        self._specs: list[TensorSpec] = []
        self._buffers: list[bytearray | bytes] = []
        self._sizes: list[int] = []
        self._filled = 0
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
            self._begin(chunk)
        if not 0 <= chunk.value == len(self._specs) - 1:
            raise RemoteProtocolError(f"{self._where}: chunk of tensor {chunk.value} out of turn")
        if chunk.spec != self._specs[-1]:
            raise RemoteProtocolError(
                f"{self._where}: chunk of {chunk.spec.name!r} {chunk.spec} in the midst of "
                f"{self._specs[-1].name!r} {self._specs[-1]}"
            )
        buffer, size_bytes, filled = self._buffers[-1], self._sizes[-1], self._filled
        end = filled + len(chunk.payload)
        if chunk.offset != filled or end > size_bytes:
            raise RemoteProtocolError(
                f"{self._where}: chunk at byte {chunk.offset} of {chunk.spec.name!r}, "
                f"expected byte {filled} of {size_bytes}"
            )
        if isinstance(buffer, bytearray):
            buffer[filled:end] = chunk.payload  # grows one of open size
        self._filled = end
        self.received_bytes += len(chunk.payload)
        if chunk.value == chunk.num_values - 1 and end == size_bytes:
            check_specs(tuple(self._expected.values()), self._specs, self._where)
            self.is_complete = True

    @property
    def held_bytes(self) -> int:
        """Memory taken for tensors that have come or are coming."""
        return sum(map(len, self._buffers))

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """Give the tensors by name, once complete."""
        return {
            spec.name: to_array(spec, buffer)
            for spec, buffer in zip(self._specs, self._buffers, strict=True)
        }

    def _begin(self, chunk: Chunk) -> None:
        spec = chunk.spec
        expected = self._expected.get(spec.name)
        if expected is None or spec in self._specs:
            check_specs(tuple(self._expected.values()), [*self._specs, spec], self._where)
        else:
            check_specs((expected,), (spec,), self._where)
        if self._sizes and self._sizes[-1] != self._filled:
            raise RemoteProtocolError(f"{self._where}: tensor {spec.name!r} began too early")
        is_open = expected is None or expected.size_bytes is None
        if is_open and chunk.tensor_bytes > self._max_tensor_bytes:
            raise RemoteProtocolError(
                f"{self._where}: tensor {spec.name!r} of {chunk.tensor_bytes} bytes is larger "
                f"than {self._max_tensor_bytes}: send less at once"
            )
        self._specs.append(spec)
        if not self._is_writable and len(chunk.payload) == chunk.tensor_bytes:
            self._buffers.append(chunk.payload)  # nothing to put together
        else:
            # Of open size: grown by what comes, not by what is announced.
            self._buffers.append(bytearray() if is_open else bytearray(chunk.tensor_bytes))
        self._sizes.append(chunk.tensor_bytes)
        self._filled = 0
