"""The cut table: the candidate cuts and codecs as rows of numbers a decision may add."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cutpoint.cost.cost_table import Column
from cutpoint.graph import Cut
from cutpoint.records import RAW


@dataclass(frozen=True)
class CutTable:
    """
    One row per candidate cut and codec; device-only is row 0, server-only as it is row 1.

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
    codecs
        Codec of each row, one for all values that cross; as they are by default.
    takes
        Values that a codec encodes, by its name: what it does not take travels raw beside
        them. A codec that is not named here encodes all.
    sha256
        Hex digest of the model file; empty where the rows were made up.
    gap
        Largest relative loss against the best of all cuts; 0 where none is missing.
    is_complete
        Whether the best cut of every condition is among the rows; where it is not, `gap`
        says how much that costs as far as it was looked for.
    is_limited
        Whether limits struck cuts: no other cut than the rows' may then be taken.
    may_send_inputs
        Whether server-only may be chosen: limits such as "never send the input" forbid it,
        and splits that they forbid are no rows at all.
    """

    cuts: tuple[Cut, ...]
    head_s: Column
    rest_s: Column
    encode_s: Column
    tail_s: Column
    up_bytes: Column
    down_bytes: Column
    codecs: tuple[str, ...] = ()
    takes: Mapping[str, frozenset[str]] = field(default_factory=dict)
    sha256: str = ""
    gap: float = 0.0
    is_complete: bool = True
    is_limited: bool = False
    may_send_inputs: bool = True

    def __post_init__(self) -> None:
        num_rows = len(self.cuts)
        if num_rows < 2 or self.cuts[0].placement != "device" or self.cuts[1].placement != "server":
            raise ValueError("row 0 of a cut table is device-only, row 1 server-only")
        if not self.codecs:
            object.__setattr__(self, "codecs", (RAW,) * num_rows)
        if len(self.codecs) != num_rows:
            raise ValueError(f"{len(self.codecs)} codecs for {num_rows} rows")
        if self.codecs[1] != RAW:
            raise ValueError(f"row 1 of a cut table is server-only {RAW}, not {self.codecs[1]}")
        for name in ("head_s", "rest_s", "encode_s", "tail_s", "up_bytes", "down_bytes"):
            column = getattr(self, name)
            if column.shape != (num_rows,):
                raise ValueError(f"column {name} has shape {column.shape}, expected ({num_rows},)")
            if not np.all(np.isfinite(column)) or np.any(column < 0):
                raise ValueError(f"column {name} has a negative or non-finite entry")

    @cached_property
    def is_offloaded(self) -> NDArray[np.bool_]:
        """Which rows use the server."""
        return np.array([cut.placement != "device" for cut in self.cuts])

    @cached_property
    def is_barred(self) -> NDArray[np.bool_] | None:
        """Which rows no plan may take; ``None`` if there are none."""
        if self.may_send_inputs:
            return None
        return np.array([cut.placement == "server" for cut in self.cuts])

    @property
    def splits(self) -> tuple[Cut, ...]:
        """The interior cuts, each once."""
        return tuple(dict.fromkeys(cut for cut in self.cuts if cut.placement == "split"))

    def find(self, cut_id: str | None, codec: str = RAW) -> int | None:
        """Give the row of a cut under a codec; ``None`` if the table has none."""
        return None if cut_id is None else self._row_of.get((cut_id, codec))

    def rows_of(self, cut_id: str) -> tuple[int, ...]:
        """Give the rows of a cut, whatever their codec; the raw one first."""
        return tuple(row for row, cut in enumerate(self.cuts) if cut.id == cut_id)

    def codecs_of(self, row: int) -> tuple[str, ...]:
        """Give the codec of each crossing value of a row, in their order."""
        codec, crossing = self.codecs[row], self.cuts[row].crossing
        taken = self.takes.get(codec)
        if taken is None:
            return (codec,) * len(crossing)
        return tuple(codec if name in taken else RAW for name in crossing)

    @cached_property
    def _row_of(self) -> dict[tuple[str, str], int]:
        rows = enumerate(zip(self.cuts, self.codecs, strict=True))
        found: dict[tuple[str, str], int] = {}
        for row, (cut, codec) in rows:
            found.setdefault((cut.id, codec), row)
        return found
