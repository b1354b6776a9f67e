"""PNG files: what is one still picture, and what is not."""

import struct
import zlib
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from cutpoint.exceptions import RemoteProtocolError
from cutpoint.wire.codecs import codec_named
from cutpoint.wire.tensors import TensorSpec


def _part(kind: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(kind + content).to_bytes(4, "big")
    return len(content).to_bytes(4, "big") + kind + content + checksum


def test_pixels_that_look_like_a_mark_of_several_frames_are_pixels() -> None:
    """Any four bytes may be among those of a picture, and among many are some day."""
    picture = np.frombuffer(b"acTL" * 12, np.uint8).reshape(4, 4, 3)
    lines = zlib.compress(b"".join(b"\0" + line.tobytes() for line in picture), level=0)
    head = _part(b"IHDR", struct.pack(">IIBBBBB", 4, 4, 8, 2, 0, 0, 0))
    file = b"\x89PNG\r\n\x1a\n" + head + _part(b"IDAT", lines) + _part(b"IEND", b"")
    assert b"acTL" in file
    decoded = codec_named("png").decode(TensorSpec.of("x", picture), file)
    np.testing.assert_array_equal(decoded, picture)


def test_a_picture_that_moves_is_refused() -> None:
    """Which of its frames is meant nobody knows."""
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    file = BytesIO()
    frames[0].save(file, "PNG", save_all=True, append_images=frames[1:])
    with pytest.raises(RemoteProtocolError, match="still picture"):
        codec_named("png").decode(TensorSpec("x", "uint8", (4, 4, 3)), file.getvalue())


@pytest.mark.parametrize("size_bytes", [0, 1 << 20, (1 << 32) - 1])
def test_parts_of_any_told_size_are_no_picture(size_bytes: int) -> None:
    """Where the parts lead out of the file, or nowhere, it is refused as any other."""
    parts = size_bytes.to_bytes(4, "big") + b"tEXt" + bytes(4)
    file = b"\x89PNG\r\n\x1a\n" + parts + b"\0\0\0\0IEND\xaeB`\x82"
    with pytest.raises(RemoteProtocolError):
        codec_named("png").decode(TensorSpec("x", "uint8", (4, 4, 3)), file)
