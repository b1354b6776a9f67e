"""Whole numbers in as few bytes as their range needs: token ids, masks, maps of labels."""

from collections.abc import Iterator
from itertools import chain
from struct import Struct
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cutpoint.exceptions import CodecError, RemoteProtocolError
from cutpoint.wire.codecs.codec import Buffer
from cutpoint.wire.codecs.compression import (
    compressed,
    compressed_pieces,
    decompressed,
    most_compressed_bytes,
)
from cutpoint.wire.codecs.elements import (
    BLOCK,
    ONE_PIECE_BYTES,
    blocks_of,
    check_bytes,
    check_taken,
    empty,
    flat,
    num_elements,
)
from cutpoint.wire.tensors import TensorSpec

_TYPES = ("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
_WIDTHS = (0, 1, 8, 16, 32, 64)
_WORTH = 0.9
"""Compression that leaves more than this share is not worth undoing."""

_LEAST_BYTES = 64
"""Fewer codes are not tried to be compressed."""

_SAMPLE_BYTES = 1 << 14
"""Of a large array that many codes tell whether compression is worth it."""

_HEAD = Struct("<BB6xQ")


class _Head(NamedTuple):
    """Bits of a code, whether codes are compressed, and the least number in two's complement."""

    width: int
    is_packed: int
    low: int


class Narrow:
    """
    The distance of each element to the least, in 0, 1, 8, 16, 32 or 64 bits, without loss.

    Codes that are worth it are compressed with Zstandard. Equal elements take no more than the
    head.
    """

    name = "narrow"
    is_lossless = True

    def __repr__(self) -> str:
        return "<Narrow>"

    def takes(self, spec: TensorSpec) -> bool:
        """Tell whether arrays of this type and shape can be encoded: whole numbers can."""
        return spec.dtype in _TYPES

    def blocks(self, array: NDArray[np.generic]) -> Iterator[Buffer]:
        """
        Yield the head and the codes, piece by piece.

        Raises
        ------
        CodecError
            Before the first piece, if these are no whole numbers.
        """
        if str(array.dtype) not in _TYPES:
            raise CodecError(f"{array.dtype} has no use for {self.name}: send it raw")
        numbers = flat(array)
        low, high = (int(numbers.min()), int(numbers.max())) if numbers.size else (0, 0)
        width = next(width for width in _WIDTHS if high - low < 1 << width)
        num_bytes = _num_bytes(numbers.size, width)
        pieces = _coded(_unsigned(numbers), low, width)
        first = next(pieces, b"")
        tried = first if num_bytes <= ONE_PIECE_BYTES else memoryview(first)[:_SAMPLE_BYTES]
        packed = compressed(tried) if len(tried) >= _LEAST_BYTES else tried
        is_packed = len(packed) < _WORTH * len(tried)
        head = _HEAD.pack(width, is_packed, low % (1 << 64))
        if num_bytes <= ONE_PIECE_BYTES:
            yield head + bytes(packed if is_packed else first)
            return
        yield head
        rest = chain((first,), pieces)
        yield from compressed_pieces(rest, num_bytes) if is_packed else rest

    def decode(self, spec: TensorSpec, raw: Buffer) -> NDArray[np.generic]:
        """
        Give the numbers.

        Raises
        ------
        RemoteProtocolError
            If the codes are more or fewer than the shape needs, or of numbers it cannot have.
        """
        check_taken(spec, self.name, is_taken=self.takes(spec))
        head = _read_head(spec, raw)
        codes = memoryview(raw)[_HEAD.size :]
        num_bytes = _num_bytes(num_elements(spec), head.width)
        if head.is_packed:
            codes = memoryview(decompressed(spec, codes, num_bytes))
        check_bytes(spec, self.name, _HEAD.size + num_bytes, _HEAD.size + len(codes))
        numbers = empty(spec)
        _restore(np.frombuffer(codes, np.uint8), head, _unsigned(numbers.reshape(-1)))
        return numbers

    def most_bytes(self, spec: TensorSpec) -> int:
        """Give the size of numbers whose range is all of their type."""
        bits = 8 * np.dtype(spec.dtype).itemsize
        return _HEAD.size + most_compressed_bytes(_num_bytes(num_elements(spec), bits))

    def most_error(self, array: NDArray[np.generic]) -> float:
        """Give 0."""
        return 0.0


def _num_bytes(num: int, width: int) -> int:
    return (num * width + 7) // 8


def _unsigned(numbers: NDArray[np.generic]) -> NDArray[np.unsignedinteger[Any]]:
    """Give the same memory as numbers without a sign, whose differences wrap."""
    return numbers.view(f"u{numbers.dtype.itemsize}")


def _coded(numbers: NDArray[np.unsignedinteger[Any]], low: int, width: int) -> Iterator[Buffer]:
    """Yield the codes of numbers, piece by piece; none if all are equal."""
    if not width:
        return
    least = _wrapped(numbers, low)
    for piece in blocks_of(numbers.size, ONE_PIECE_BYTES * 8 // width):
        num = piece.stop - piece.start
        if width == 1:
            yield np.packbits(numbers[piece] != least).data
            continue
        codes = np.empty(num, f"<u{width // 8}")
        part = np.empty(min(BLOCK, num), numbers.dtype)
        for block in blocks_of(num):
            at = part[: block.stop - block.start]
            np.subtract(numbers[piece][block], least, out=at)
            np.copyto(codes[block], at, casting="unsafe")
        yield codes.view(np.uint8).data


def _restore(
    raw: NDArray[np.uint8], head: _Head, numbers: NDArray[np.unsignedinteger[Any]]
) -> None:
    """Write the numbers that codes stand for."""
    least = _wrapped(numbers, head.low)
    if not head.width:
        numbers[...] = least
        return
    codes = raw if head.width == 1 else raw.view(f"<u{head.width // 8}")
    for block in blocks_of(numbers.size):
        if head.width == 1:
            bits = raw[block.start // 8 : (block.stop + 7) // 8]
            given = np.unpackbits(bits, count=block.stop - block.start)
        else:
            given = codes[block]
        np.copyto(numbers[block], given, casting="same_kind")
        np.add(numbers[block], least, out=numbers[block])


def _wrapped(numbers: NDArray[np.unsignedinteger[Any]], number: int) -> Any:
    return numbers.dtype.type(number % (1 << 8 * numbers.dtype.itemsize))


def _read_head(spec: TensorSpec, raw: Buffer) -> _Head:
    """
    Read the head.

    Raises
    ------
    RemoteProtocolError
        If there is none, or no numbers of this type have it.
    """
    if len(raw) < _HEAD.size:
        raise RemoteProtocolError(f"tensor {spec.name!r}: {len(raw)} bytes are no head of narrow")
    head = _Head(*_HEAD.unpack_from(raw))
    is_fitting = head.width in _WIDTHS and head.width <= 8 * np.dtype(spec.dtype).itemsize
    if spec.dtype == "bool":
        is_fitting = (head.width, head.low) in ((0, 0), (0, 1), (1, 0))
    if not is_fitting or head.is_packed > 1:
        raise RemoteProtocolError(f"tensor {spec.name!r} ({spec}) has no {head.width}-bit codes")
    return head
