"""The rows of a table that lose nothing."""

from dataclasses import replace

import numpy as np

from cutpoint.cost import CutTable
from cutpoint.wire.codecs import LOSSLESS


def lossless_rows(table: CutTable) -> CutTable:
    """Give a table without the rows whose codecs change values."""
    rows = np.array([row for row, codec in enumerate(table.codecs) if codec in LOSSLESS])
    return replace(
        table,
        cuts=tuple(table.cuts[row] for row in rows),
        codecs=tuple(table.codecs[row] for row in rows),
        head_s=table.head_s[rows],
        rest_s=table.rest_s[rows],
        encode_s=table.encode_s[rows],
        tail_s=table.tail_s[rows],
        up_bytes=table.up_bytes[rows],
        down_bytes=table.down_bytes[rows],
    )
