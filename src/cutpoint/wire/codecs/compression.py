"""Zstandard, if it is installed: bounded, and safe from many threads at a time."""

import importlib.util
from collections.abc import Iterator
from functools import cache
from typing import Any, cast

from cutpoint.exceptions import CodecError, RemoteProtocolError
from cutpoint.wire.codecs.codec import Buffer
from cutpoint.wire.codecs.elements import blocks_of
from cutpoint.wire.codecs.pool import Pool
from cutpoint.wire.tensors import TensorSpec

_LEVEL = 1
"""On quantised activations it reaches their entropy: higher ones only take longer."""

_PART_BYTES = 1 << 18
"""What is handed to the library at a time: what is made of it may leave."""

_MAGIC = b"\x28\xb5\x2f\xfd"
"""What a frame of data begins with; the format knows others, which hold none."""


def is_installed() -> bool:
    """Tell whether Zstandard can be used here."""
    return importlib.util.find_spec("zstandard") is not None


@cache
def zstandard_module() -> Any:
    """
    Give the library.

    Raises
    ------
    CodecError
        If it is not installed.
    """
    try:
        return importlib.import_module("zstandard")
    except ImportError as error:
        raise CodecError(
            "Zstandard is not installed: pip install 'cutpoint[codecs]', or name other codecs"
        ) from error


_compressors: Pool[Any] = Pool(lambda: zstandard_module().ZstdCompressor(level=_LEVEL))
_decompressors: Pool[Any] = Pool(lambda: zstandard_module().ZstdDecompressor())


def compressed(raw: Buffer) -> bytes:
    """Give bytes as one frame; no bytes as none."""
    if not len(raw):
        return b""
    compressor = _compressors.take()
    try:
        return cast("bytes", compressor.compress(raw))
    finally:
        _compressors.give_back(compressor)


def compressed_pieces(pieces: Iterator[Buffer], size_bytes: int) -> Iterator[bytes]:
    """
    Yield one frame piece by piece, as what it holds becomes known.

    Parameters
    ----------
    pieces
        Of what it holds.
    size_bytes
        Of all of them.
    """
    compressor = _compressors.take()
    try:
        stream = compressor.compressobj(size=size_bytes)
        for piece in pieces:
            whole = memoryview(piece)
            for part in blocks_of(len(whole), _PART_BYTES):
                if made := stream.compress(whole[part]):
                    yield made
        yield stream.flush()
    finally:
        _compressors.give_back(compressor)


def decompressed(spec: TensorSpec, raw: Buffer, size_bytes: int) -> bytes:
    """
    Give what one frame holds.

    Parameters
    ----------
    spec
        Of the tensor, for the error.
    raw
        The frame.
    size_bytes
        That it must hold: a frame that tells another number is not opened.

    Raises
    ------
    RemoteProtocolError
        If this is no such frame.
    """
    if not size_bytes and not len(raw):
        return b""
    library = zstandard_module()
    decompressor = _decompressors.take()
    try:
        _check_head(library, raw, size_bytes)
        held = decompressor.decompress(raw, size_bytes, allow_extra_data=False)
    except (library.ZstdError, MemoryError) as error:
        raise RemoteProtocolError(
            f"tensor {spec.name!r} ({spec}) is no Zstandard frame of {size_bytes} bytes: {error}"
        ) from error
    finally:
        _decompressors.give_back(decompressor)
    return cast("bytes", held)


def _check_head(library: Any, raw: Buffer, size_bytes: int) -> None:
    """Refuse what is no frame of so many bytes: the library takes as many as a frame tells of."""
    if not size_bytes or bytes(raw[:4]) != _MAGIC:
        raise library.ZstdError("it does not begin as one")
    told = library.get_frame_parameters(raw).content_size
    if told != size_bytes:
        raise library.ZstdError(f"it tells of {told}")


def most_compressed_bytes(size_bytes: int) -> int:
    """Give a bound of the size of a frame, as the library's documentation states it."""
    return size_bytes + (size_bytes >> 8) + 512
