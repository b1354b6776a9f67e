"""Pictures as JPEG: far smaller, with a loss that the eye hardly sees."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutpoint.wire.codecs.codec import Buffer
from cutpoint.wire.codecs.picture import Layout, Picture

_BEGIN, _END, _SCAN = b"\xff\xd8", b"\xff\xd9", b"\xff\xda"
_MOST_SCANS = 64
"""A progressive file is decoded once for each of its scans, however few bytes it has."""


class Jpeg(Picture):
    """
    A lossy picture.

    Parameters
    ----------
    quality
        1 to 100; ``None`` is 90, for pictures that come encoded as well.
    """

    format = "JPEG"
    most_side = 65500

    def __init__(self, quality: int | None = None) -> None:
        self._quality = quality

    @property
    def name(self) -> str:
        """By which plans, records and the wire call it, with its quality."""
        return "jpeg" if self._quality is None else f"jpeg:{self._quality}"

    def most_error(self, array: NDArray[np.generic]) -> float:
        """Give 255: JPEG promises nothing of a single pixel; how far it is off, data tell."""
        return 255.0

    def _settings(self) -> dict[str, Any]:
        return {"quality": 90 if self._quality is None else self._quality}

    def _is_whole(self, raw: Buffer, layout: Layout) -> bool:
        content = bytes(raw)
        return (
            content.startswith(_BEGIN)
            and content.endswith(_END)
            and content.count(_SCAN) <= _MOST_SCANS
        )
