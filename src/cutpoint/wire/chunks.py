"""Tensors in pieces: cut up on one side, put together on the other."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cutpoint.exceptions import CodecError, MissingDependencyError, RemoteProtocolError
from cutpoint.records import RAW
from cutpoint.wire.codecs.codec import Buffer, Codec
from cutpoint.wire.encoded import START, Encoded
from cutpoint.wire.names import shown
from cutpoint.wire.tensors import TensorSpec, check_specs, to_array
from cutpoint.wire.undecoded import Undecoded

MAX_CHUNK_BYTES = 64 * 1024
"""No chunk is larger, so that a cancel or a newer request need not wait long behind it."""

MAX_TENSOR_BYTES = 256 << 20
"""Of a tensor whose size the model leaves open; others are exactly what the model says."""

CodecNamed = Callable[[str], Codec]
"""Gives a codec by its name, or raises `CodecError` or `MissingDependencyError`."""


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
        Of the whole tensor, where its type and shape do not tell: of text, and of what a codec
        makes, there in the last piece at the latest.
    codec
        What made the bytes.
    """

    spec: TensorSpec
    value: int
    num_values: int
    offset: int
    payload: Buffer
    total_bytes: int | None = None
    codec: str = RAW

    @property
    def tensor_bytes(self) -> int | None:
        """
        Bytes of the whole tensor; of an encoded one as it is told, ``None`` where it is not yet.

        Raises
        ------
        RemoteProtocolError
            If nobody said.
        """
        if self.codec != RAW:
            return self.total_bytes
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
        Names and arrays that travel as they are, or what a codec makes, in the order in which
        they leave.
    """

    def __init__(self, tensors: Sequence[tuple[str, NDArray[np.generic]] | Encoded]) -> None:
        self._encoded = [
            each if isinstance(each, Encoded) else Encoded.raw(*each) for each in tensors
        ]
        self._value = 0
        self._offset = 0
        self._place = START
        self.given_bytes = 0

    @property
    def size_bytes(self) -> int:
        """Bytes of all tensors, as far as they are made."""
        return sum(each.made_bytes for each in self._encoded)

    @property
    def is_done(self) -> bool:
        """Whether every byte was given out."""
        return self._value >= len(self._encoded)

    def is_ready(self, size_bytes: int) -> bool:
        """Tell whether a piece can be given: of this size, of many bytes, or the last one."""
        if self.is_done:
            return False
        encoded = self._encoded[self._value]
        wanted_bytes = min(size_bytes, MAX_CHUNK_BYTES)  # waiting for more would save nothing
        return encoded.is_done or encoded.made_bytes - self._offset > wanted_bytes

    def next(self, size_bytes: int) -> Chunk:
        """Give the next piece, at most `size_bytes` long."""
        encoded = self._encoded[self._value]
        is_known = encoded.is_done  # asked first: what is made after it is not known to be all
        made_bytes = encoded.made_bytes
        # One byte is kept for the last piece, which alone tells that nothing more comes.
        end = min(self._offset + max(size_bytes, 1), made_bytes if is_known else made_bytes - 1)
        payload, self._place = encoded.read(self._place, end - self._offset)
        tells = is_known and (encoded.codec != RAW or encoded.spec.size_bytes is None)
        chunk = Chunk(
            encoded.spec,
            self._value,
            len(self._encoded),
            self._offset,
            payload,
            made_bytes if tells else None,
            encoded.codec,
        )
        self._offset = end
        self.given_bytes += len(payload)
        if is_known and end == made_bytes:
            self._value, self._offset, self._place = self._value + 1, 0, START
        return chunk

    def all(self, size_bytes: int = MAX_CHUNK_BYTES) -> Iterator[Chunk]:
        """Give every remaining piece, making what is not made yet."""
        while not self.is_done:
            self._encoded[self._value].make_all()
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
    codec_named
        Gives the codecs in which tensors may come; ``None`` takes them as they are only.
    """

    def __init__(
        self,
        expected: Sequence[TensorSpec],
        where: str,
        max_tensor_bytes: int = MAX_TENSOR_BYTES,
        is_writable: bool = True,
        codec_named: CodecNamed | None = None,
    ) -> None:
        self._expected = {spec.name: spec for spec in expected}
        self._where = where
        self._max_tensor_bytes = max_tensor_bytes
        self._is_writable = is_writable
        self._codec_named = codec_named
        self._tensors: list[_Coming] = []
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
        if chunk.value == len(self._tensors):
            self._begin(chunk)
        if not 0 <= chunk.value == len(self._tensors) - 1:
            raise RemoteProtocolError(f"{self._where}: chunk of tensor {chunk.value} out of turn")
        tensor = self._tensors[-1]
        tensor.add(chunk, self._where)
        self.received_bytes += len(chunk.payload)
        if chunk.value == chunk.num_values - 1 and tensor.is_whole:
            specs = [each.spec for each in self._tensors]
            check_specs(tuple(self._expected.values()), specs, self._where)
            self.is_complete = True

    @property
    def held_bytes(self) -> int:
        """Memory taken for tensors that have come or are coming, decoded ones included."""
        return sum(tensor.held_bytes for tensor in self._tensors)

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """Give the tensors by name that came as they are, once complete."""
        return {
            tensor.spec.name: to_array(tensor.spec, tensor.buffer)
            for tensor in self._tensors
            if tensor.codec is None
        }

    def undecoded(self) -> tuple[Undecoded, ...]:
        """Give the tensors that came encoded, once complete."""
        return tuple(
            Undecoded(tensor.spec, tensor.codec, tensor.buffer)
            for tensor in self._tensors
            if tensor.codec is not None
        )

    def _begin(self, chunk: Chunk) -> None:
        spec = chunk.spec
        expected = self._expected.get(spec.name)
        begun = [tensor.spec for tensor in self._tensors]
        if expected is None or spec in begun:
            check_specs(tuple(self._expected.values()), [*begun, spec], self._where)
        else:
            check_specs((expected,), (spec,), self._where)
        if self._tensors and not self._tensors[-1].is_whole:
            raise RemoteProtocolError(f"{self._where}: tensor {spec.name!r} began too early")
        codec = None if chunk.codec == RAW else self._codec(chunk)
        is_open = expected is None or expected.size_bytes is None
        # Of an encoded tensor what it becomes is bounded too: it may be a thousand times as much.
        size_bytes = chunk.tensor_bytes if codec is None else spec.size_bytes
        if is_open and size_bytes is not None and size_bytes > self._max_tensor_bytes:
            raise RemoteProtocolError(
                f"{self._where}: tensor {spec.name!r} of {size_bytes} bytes is larger "
                f"than {self._max_tensor_bytes}: send less at once"
            )
        self._tensors.append(_Coming(chunk, codec, is_open, self._is_writable))

    def _codec(self, chunk: Chunk) -> Codec:
        """Give what decodes a tensor that comes encoded, or refuse it before memory is taken."""
        name, wanted = chunk.spec.name, shown(chunk.codec)
        if self._codec_named is None:
            raise RemoteProtocolError(f"{self._where}: tensor {name!r} came as {wanted}, not raw")
        try:
            codec = self._codec_named(chunk.codec)
        except (CodecError, MissingDependencyError) as error:
            raise RemoteProtocolError(
                f"{self._where}: tensor {name!r} came as {wanted}, which is not decoded here: "
                f"{error}"
            ) from error
        if chunk.spec.size_bytes is None or not codec.takes(chunk.spec):
            raise RemoteProtocolError(
                f"{self._where}: tensor {name!r} {chunk.spec} is nothing that {wanted} encodes: "
                "send it raw"
            )
        return codec


class _Coming:
    """One tensor of a message, as far as it has come."""

    def __init__(self, first: Chunk, codec: Codec | None, is_open: bool, is_writable: bool) -> None:
        self.spec = first.spec
        self.codec = codec
        self._codec_name = first.codec
        self._most_bytes = None if codec is None else codec.most_bytes(first.spec)
        self._size_bytes = first.tensor_bytes
        self._filled = 0
        self.buffer: Buffer
        if not is_writable and len(first.payload) == self._size_bytes:
            self.buffer = bytes(first.payload)  # nothing to put together
        elif is_open or codec is not None or self._size_bytes is None:
            self.buffer = bytearray()  # grown by what comes, not by what is announced
        else:
            self.buffer = bytearray(self._size_bytes)

    @property
    def is_whole(self) -> bool:
        """Whether every byte has come."""
        return self._filled == self._size_bytes

    @property
    def held_bytes(self) -> int:
        """Memory taken, and to be taken for what it is decoded to."""
        decoded_bytes = 0 if self.codec is None else self.spec.size_bytes or 0
        return len(self.buffer) + decoded_bytes

    def add(self, chunk: Chunk, where: str) -> None:
        """Take a piece, which must be the next one of this very tensor."""
        if chunk.spec != self.spec or chunk.codec != self._codec_name:
            raise RemoteProtocolError(
                f"{where}: chunk of {chunk.spec.name!r} {_shown(chunk.spec, chunk.codec)} in the "
                f"midst of {self.spec.name!r} {_shown(self.spec, self._codec_name)}"
            )
        if self.codec is not None:
            self._hear_size(chunk, where)
        filled, end = self._filled, self._filled + len(chunk.payload)
        size_bytes = self._most_bytes if self._size_bytes is None else self._size_bytes
        if chunk.offset != filled or (size_bytes is not None and end > size_bytes):
            raise RemoteProtocolError(
                f"{where}: chunk at byte {chunk.offset} of {chunk.spec.name!r}, "
                f"expected byte {filled} of {size_bytes}"
            )
        if isinstance(self.buffer, bytearray):
            _put(self.buffer, filled, end, chunk.payload)
        self._filled = end

    def _hear_size(self, chunk: Chunk, where: str) -> None:
        """Hold what a piece says of the whole to what may be, and to what was said before."""
        told_bytes, most_bytes = chunk.total_bytes, self._most_bytes or 0
        if told_bytes is None:
            return
        name = f"{chunk.spec.name!r} as {chunk.codec}"
        if not 0 <= told_bytes <= most_bytes:
            raise RemoteProtocolError(
                f"{where}: tensor {name} of {told_bytes} bytes; {chunk.spec} takes {most_bytes} at "
                "most"
            )
        if self._size_bytes not in (None, told_bytes):
            raise RemoteProtocolError(
                f"{where}: tensor {name} has {told_bytes} bytes, and had {self._size_bytes} before"
            )
        self._size_bytes = told_bytes


def _put(buffer: bytearray, at: int, end: int, payload: Buffer) -> None:
    """Copy a piece to its place, once: assigned to a slice of a bytearray it is copied twice."""
    if end > len(buffer):
        buffer += payload  # one of open size, which is as long as what has come
        return
    with memoryview(buffer) as view:
        view[at:end] = payload


def _shown(spec: TensorSpec, codec: str) -> str:
    return str(spec) if codec == RAW else f"{spec} as {shown(codec)}"
