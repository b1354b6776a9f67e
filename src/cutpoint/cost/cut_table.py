"""The cut table: the candidate cuts as rows of numbers a decision may add."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cutpoint.cost.cost_table import Column
from cutpoint.graph import Cut


@dataclass(frozen=True)
class CutTable:
    """
    One row per candidate cut; device-only is row 0, server-only row 1.

    Parameters
    ----------
    cuts
        The cut of each row.
    head_s
        Seconds of the head on the device. Shape ``(n_rows,)``, as all columns.
    rest_s
        Seconds of the tail on the *device*: what a fallback costs.
    encode_s
        Seconds to encode the crossing values on the device.
    tail_s
        Seconds of the tail on an idle server, decoding included.
    up_bytes, down_bytes
        Bytes sent and returned, as encoded.
    """

    cuts: tuple[Cut, ...]
    head_s: Column
    rest_s: Column
    encode_s: Column
    tail_s: Column
    up_bytes: Column
    down_bytes: Column

    def __post_init__(self) -> None:
        num_rows = len(self.cuts)
        if num_rows < 2 or self.cuts[0].placement != "device" or self.cuts[1].placement != "server":
            raise ValueError("row 0 of a cut table is device-only, row 1 server-only")
        for name in ("head_s", "rest_s", "encode_s", "tail_s", "up_bytes", "down_bytes"):
            column = getattr(self, name)
            if column.shape != (num_rows,):
                raise ValueError(f"column {name} has shape {column.shape}, expected ({num_rows},)")
            if not np.all(np.isfinite(column)) or np.any(column < 0):
                raise ValueError(f"column {name} has a negative or non-finite entry")

    @property
    def is_offloaded(self) -> NDArray[np.bool_]:
        """Which rows use the server."""
        return np.array([cut.placement != "device" for cut in self.cuts])

    def find(self, cut_id: str | None) -> int | None:
        """Give the row of a cut; ``None`` if the table has none."""
        return next((row for row, cut in enumerate(self.cuts) if cut.id == cut_id), None)
