"""Pictures as PNG: smaller, without loss."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutpoint.wire.codecs.codec import Buffer
from cutpoint.wire.codecs.picture import Layout, Picture

_BEGIN = b"\x89PNG\r\n\x1a\n"
_MOVES, _LAST = b"acTL", b"IEND"
_AROUND_BYTES = 12
"""Of each part of a file beside its content: its size, its kind, and a checksum."""

_END = b"\0\0\0\0IEND\xaeB`\x82"


class Png(Picture):
    """Lossless, at the fastest setting: slower ones save 8 % for twice the time."""

    is_lossless = True
    format = "PNG"
    most_side = 1 << 16

    @property
    def name(self) -> str:
        """By which plans, records and the wire call it."""
        return "png"

    def most_error(self, array: NDArray[np.generic]) -> float:
        """Give 0."""
        return 0.0

    def _settings(self) -> dict[str, Any]:
        return {"compress_level": 1}

    def _is_whole(self, raw: Buffer, layout: Layout) -> bool:
        content = bytes(raw)
        if not content.startswith(_BEGIN) or not content.endswith(_END):
            return False
        at = len(_BEGIN)
        while (kind := content[at + 4 : at + 8]) not in (_MOVES, _LAST, b""):
            at += _AROUND_BYTES + int.from_bytes(content[at : at + 4], "big")
        return kind == _LAST and at + len(_END) == len(content)
