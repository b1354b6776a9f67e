"""Pictures as WebP: smaller than JPEG, and several times slower to make."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutpoint.wire.codecs.codec import Buffer
from cutpoint.wire.codecs.picture import Layout, Picture

_HEAD_BYTES = 8
"""RIFF, and how many bytes follow."""

_MOVES = 0x02
_SIDE = (1 << 14) - 1


class Webp(Picture):
    """
    A lossy picture.

    Parameters
    ----------
    quality
        0 to 100; ``None`` is 80, for pictures that come encoded as well.
    """

    format = "WEBP"
    most_side = 16383
    keeps_grey = False

    def __init__(self, quality: int | None = None) -> None:
        self._quality = quality

    @property
    def name(self) -> str:
        """By which plans, records and the wire call it, with its quality."""
        return "webp" if self._quality is None else f"webp:{self._quality}"

    def most_error(self, array: NDArray[np.generic]) -> float:
        """Give 255: WebP promises nothing of a single pixel; how far it is off, data tell."""
        return 255.0

    def _settings(self) -> dict[str, Any]:
        return {"quality": 80 if self._quality is None else self._quality, "method": 2}

    def _is_whole(self, raw: Buffer, layout: Layout) -> bool:
        content = bytes(raw)
        told = int.from_bytes(content[4:_HEAD_BYTES], "little")
        return (
            content.startswith(b"RIFF")
            and told + _HEAD_BYTES == len(content)
            and _size(content) == (layout.width, layout.height)
        )


def _size(content: bytes) -> tuple[int, int] | None:
    """Give width and height as a file's head tells them; ``None`` if it moves or is none."""
    kind, head = content[8:16], content[20:30]
    if len(head) < 10:
        return None
    if kind == b"WEBPVP8X":
        if head[0] & _MOVES:
            return None
        return int.from_bytes(head[4:7], "little") + 1, int.from_bytes(head[7:], "little") + 1
    if kind == b"WEBPVP8 ":
        width, height = (int.from_bytes(side, "little") for side in (head[6:8], head[8:10]))
        return width & _SIDE, height & _SIDE
    if kind == b"WEBPVP8L":
        bits = int.from_bytes(head[1:5], "little")
        return (bits & _SIDE) + 1, (bits >> 14 & _SIDE) + 1
    return None
