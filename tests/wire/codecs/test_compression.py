"""Zstandard's frames: a few bytes can claim anything, and are believed nothing."""

import sys
import tracemalloc
from collections.abc import Iterator

import numpy as np
import pytest
import zstandard

from cutpoint.exceptions import CodecError, RemoteProtocolError
from cutpoint.wire.codecs import available_codecs, codec_named, compression
from cutpoint.wire.tensors import TensorSpec

SPEC = TensorSpec("x", "float32", (1000,))
FRAME = zstandard.ZstdCompressor().compress(bytes(4000))


@pytest.fixture
def _without_zstandard(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Take the library away."""
    for cached in (compression.zstandard_module, codec_named):
        cached.cache_clear()
    monkeypatch.setitem(sys.modules, "zstandard", None)
    yield
    monkeypatch.undo()
    for cached in (compression.zstandard_module, codec_named):
        cached.cache_clear()


def test_a_bomb_is_not_opened() -> None:
    """A frame of a gigabyte of zeros, in 32 kB, takes no memory where 4 kB are expected."""
    stream = zstandard.ZstdCompressor().compressobj(size=1 << 28)
    bomb = b"".join([*(stream.compress(bytes(1 << 22)) for _ in range(1 << 6)), stream.flush()])
    assert len(bomb) < 1 << 16
    tracemalloc.start()
    with pytest.raises(RemoteProtocolError, match="it tells of 268435456"):
        codec_named("zstd").decode(SPEC, bomb)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1 << 20


def test_a_frame_that_holds_more_than_it_tells_is_refused() -> None:
    """The size told is that of the tensor, the content is not."""
    told, held = FRAME[:7], zstandard.ZstdCompressor().compress(bytes(9000))
    assert zstandard.get_frame_parameters(FRAME).content_size == 4000
    lie = bytearray(held)
    lie[5:7] = told[5:7]
    with pytest.raises(RemoteProtocolError, match="no Zstandard frame of 4000 bytes"):
        codec_named("zstd").decode(SPEC, lie)


@pytest.mark.parametrize(
    "raw",
    [
        zstandard.ZstdCompressor(write_content_size=False).compress(bytes(4000)),
        FRAME + FRAME,
        b"\x50\x2a\x4d\x18" + (4000).to_bytes(4, "little") + bytes(4000),
        b"",
        FRAME[:4],
    ],
    ids=["of unknown size", "two", "skippable", "nothing", "magic alone"],
)
def test_what_is_not_one_frame_of_the_size_is_refused(raw: bytes) -> None:
    """One frame of data that tells its size, and nothing else."""
    with pytest.raises(RemoteProtocolError, match="no Zstandard frame of 4000 bytes"):
        codec_named("zstd").decode(SPEC, raw)


def test_nothing_is_compressed_to_nothing() -> None:
    """An empty tensor has no frame, and takes none."""
    empty = np.zeros((0, 3), "float32")
    codec = codec_named("zstd")
    assert b"".join(codec.blocks(empty)) == b""
    assert codec.decode(TensorSpec.of("x", empty), b"").shape == (0, 3)
    with pytest.raises(RemoteProtocolError, match="'x'"):
        codec.decode(TensorSpec.of("x", empty), zstandard.ZstdCompressor().compress(b""))


@pytest.mark.usefixtures("_without_zstandard")
def test_without_the_library_its_codecs_say_what_to_install() -> None:
    """They are not among those available, and asking for one names the extra."""
    assert available_codecs() == (
        "raw", "float16", "uint8", "uint8-channel", "uint16", "png", "jpeg", "webp",
    )  # fmt: skip
    for name in ("zstd", "narrow", "uint8+zstd", "uint8-channel+zstd", "uint4+zstd"):
        with pytest.raises(CodecError, match=r"pip install 'cutpoint\[codecs\]'"):
            codec_named(name)
    assert codec_named("uint8").name == "uint8"


def test_a_stream_that_is_given_up_disturbs_no_other() -> None:
    """The half-done compressor is kept for the next, which begins anew."""
    codec = codec_named("zstd")
    large = np.random.default_rng(0).standard_normal(500_000).astype("float32")
    wanted = b"".join(codec.blocks(large))
    given_up = codec.blocks(large[::-1])
    next(given_up)
    given_up.close()
    assert b"".join(codec.blocks(large)) == wanted
