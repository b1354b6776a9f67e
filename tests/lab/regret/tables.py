"""A made-up table of a net that is fed pixels."""

import numpy as np

from cutpoint.cost import CutTable
from cutpoint.graph import DEVICE_ONLY, SERVER_ONLY, Cut, cut_id

_MIDDLE = ("middle",)


def pixel_table() -> CutTable:
    """Give device-only, server-only in four codings, and a split in three."""
    server = Cut("server", SERVER_ONLY, ("image",), 0, ("y",))
    split = Cut("split", cut_id(_MIDDLE), _MIDDLE, 0b11, ("y",))
    cuts = (Cut("device", DEVICE_ONLY, (), 0b111, ()), *([server] * 4), *([split] * 3))
    return CutTable(
        cuts,
        head_s=np.array([0.15, 0, 0, 0, 0, 0.05, 0.05, 0.05]),
        rest_s=np.array([0, 0.15, 0.15, 0.15, 0.15, 0.1, 0.1, 0.1]),
        encode_s=np.array([0, 0, 0.008, 0.03, 0.01, 0, 0.004, 0.006]),
        tail_s=np.array([0, 0.008, 0.0082, 0.009, 0.009, 0.005, 0.005, 0.0052]),
        up_bytes=np.array([0, 150e3, 130e3, 95e3, 17e3, 90e3, 45e3, 6e3]),
        down_bytes=np.array([0, *([4e3] * 7)]),
        codecs=("raw", "raw", "zstd", "png", "jpeg:90", "raw", "zstd", "uint4+zstd"),
    )
