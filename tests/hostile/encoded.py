"""Ways to misuse encoded tensors: each spoils the pieces of one request."""

import io
import struct
import zlib
from collections.abc import Callable
from dataclasses import replace
from random import Random

import numpy as np
from tests.hostile.mutations import DATATYPES, DIMENSIONS, NAMES

from cutpoint.wire.chunks import Chunk
from cutpoint.wire.codecs import Codec, available_codecs, codec_named
from cutpoint.wire.tensors import TensorSpec

Spoil = Callable[[list[Chunk], Codec, Random], list[Chunk]]

CODECS = (*(name for name in available_codecs() if name != "raw"), "jpeg:40", "webp:90")


def pieces_of(spec: TensorSpec, raw: bytes, codec: str, value: int, num_values: int) -> list[Chunk]:
    """Cut encoded bytes into three pieces; the last tells how many there are."""
    ends = sorted({len(raw) // 3, 2 * len(raw) // 3, len(raw)})
    begins = [0, *ends[:-1]]
    return [
        Chunk(
            spec,
            value,
            num_values,
            begin,
            raw[begin:end],
            len(raw) if end == len(raw) else None,
            codec,
        )
        for begin, end in zip(begins, ends, strict=True)
    ]


def _again(pieces: list[Chunk], raw: bytes) -> list[Chunk]:
    first = pieces[0]
    return pieces_of(first.spec, raw, first.codec, first.value, first.num_values)


def _whole(pieces: list[Chunk]) -> bytes:
    return b"".join(bytes(piece.payload) for piece in pieces)


def cut_short(pieces: list[Chunk], codec: Codec, rng: Random) -> list[Chunk]:
    """Send less than was made, honestly counted."""
    raw = _whole(pieces)
    return _again(pieces, raw[: rng.randrange(len(raw))])


def longer(pieces: list[Chunk], codec: Codec, rng: Random) -> list[Chunk]:
    """Send more than was made."""
    return _again(pieces, _whole(pieces) + rng.randbytes(rng.choice((1, 7, 900))))


def any_bytes(pieces: list[Chunk], codec: Codec, rng: Random) -> list[Chunk]:
    """Send what no codec made."""
    return _again(pieces, rng.randbytes(rng.choice((0, 1, 4, 100, len(_whole(pieces))))))


def flipped(pieces: list[Chunk], codec: Codec, rng: Random) -> list[Chunk]:
    """Change a few bytes, most often of the head."""
    raw = bytearray(_whole(pieces))
    for _ in range(rng.randrange(1, 8)):
        reach = rng.choice((8, 64, len(raw)))
        raw[rng.randrange(min(reach, len(raw)))] = rng.randrange(256)
    return _again(pieces, bytes(raw))


def of_another_codec(pieces: list[Chunk], codec: Codec, rng: Random) -> list[Chunk]:
    """Say that another codec made it, in all pieces or in one."""
    name = rng.choice((*CODECS, *NAMES, "raw", "jpeg:0", "jpeg:101", "webp:", "uint8:3"))
    if rng.random() < 0.7:
        return [replace(piece, codec=name) for piece in pieces]
    number = rng.randrange(len(pieces))
    return [replace(p, codec=name) if n == number else p for n, p in enumerate(pieces)]


def lying_total(pieces: list[Chunk], codec: Codec, rng: Random) -> list[Chunk]:
    """Tell another size, early or late."""
    total = rng.choice((*DIMENSIONS, codec.most_bytes(pieces[0].spec) + 1, 7))
    first = rng.randrange(len(pieces))
    return [replace(p, total_bytes=total) if n >= first else p for n, p in enumerate(pieces)]


def never_told(pieces: list[Chunk], codec: Codec, rng: Random) -> list[Chunk]:
    """Tell no size, and go on beyond what may be."""
    most_bytes = codec.most_bytes(pieces[0].spec)
    untold = replace(pieces[0], total_bytes=None)
    offsets = range(0, most_bytes + 30_000, 30_000)
    return [replace(untold, offset=at, payload=rng.randbytes(30_000)) for at in offsets][:40]


def lying_tensor(pieces: list[Chunk], codec: Codec, rng: Random) -> list[Chunk]:
    """Describe what it becomes otherwise: another type, another shape, more than there can be."""
    spec = pieces[0].spec
    match rng.randrange(3):
        case 0:
            shape = tuple(rng.choice(DIMENSIONS) & (2**63 - 1) for _ in spec.shape or ())
            spec = replace(spec, shape=shape)
        case 1:
            spec = replace(spec, shape=(rng.choice((2**20, 2**24, 2**28, 2**40)), 64))
        case _:
            spec = replace(spec, dtype=rng.choice(("float16", "float64", "int8", "bool")))
    return [replace(piece, spec=spec) for piece in pieces]


def bomb(pieces: list[Chunk], codec: Codec, rng: Random) -> list[Chunk]:
    """Send a few bytes that open to what is allowed at most, or to far more."""
    rows = rng.choice((2**17, 2**20 - 1, 2**20, 2**22))
    spec = TensorSpec("signal", "float32", (rows, 64))
    name = rng.choice(("zstd", "uint8+zstd", "uint4+zstd", "narrow"))
    raw = _zeros_compressed(min(rows, 2**17) * 64 * 4)
    first = pieces[0]
    return pieces_of(spec, raw, name, first.value, first.num_values)


def picture_bomb(pieces: list[Chunk], codec: Codec, rng: Random) -> list[Chunk]:
    """Send a picture whose head says that it is huge."""
    side = rng.choice((5_000, 50_000, 2**31 - 1))
    picture = rng.choice((_png_head, _jpeg_head))(side)
    first = pieces[0]
    spec = TensorSpec("picture", "uint8", (1, 48, 64, 3))
    name = rng.choice(("png", "jpeg", "webp", "jpeg:40"))
    return pieces_of(spec, picture, name, first.value, first.num_values)


def _zeros_compressed(size_bytes: int) -> bytes:
    array = np.zeros(size_bytes, np.uint8)
    return b"".join(bytes(block) for block in codec_named("zstd").blocks(array))


def _png_head(side: int) -> bytes:
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    body = zlib.compress(bytes(2_000_000))
    parts = [b"\x89PNG\r\n\x1a\n"]
    for kind, data in ((b"IHDR", head), (b"IDAT", body), (b"IEND", b"")):
        check = zlib.crc32(kind + data)
        parts.append(struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check))
    return b"".join(parts)


def _jpeg_head(side: int) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.new("RGB", (64, 48)).save(buffer, "JPEG")
    raw = bytearray(buffer.getvalue())
    at = raw.index(b"\xff\xc0") + 5
    raw[at : at + 4] = struct.pack(">HH", min(side, 65_535), min(side, 65_535))
    return bytes(raw)


def odd_type(pieces: list[Chunk], codec: Codec, rng: Random) -> list[Chunk]:
    """Name a type that the protocol or no codec has; it is written into the frame by hand."""
    return [replace(piece, spec=replace(piece.spec, name=rng.choice(NAMES))) for piece in pieces]


SPOILS: tuple[Spoil, ...] = (
    cut_short, longer, any_bytes, flipped, of_another_codec, lying_total, never_told, lying_tensor,
    bomb, picture_bomb, odd_type,
)  # fmt: skip

ALWAYS_WRONG: tuple[Spoil, ...] = (cut_short, longer, never_told)
"""What no codec may take for something else, however lucky the bytes."""

__all__ = ["ALWAYS_WRONG", "CODECS", "DATATYPES", "SPOILS", "Spoil", "pieces_of"]
