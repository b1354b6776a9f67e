"""Ways to run one inference as bare columns: what the latency objective asks for."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cutpoint.cost import CutTable, row_terms
from cutpoint.cost.cost_table import Column
from cutpoint.lab.shares.grid import Grid


@dataclass(frozen=True)
class PlainRows:
    """
    Rows without their cuts; a `cutpoint.cost.Rows`.

    Parameters
    ----------
    head_s, encode_s, tail_s, up_bytes, down_bytes, is_offloaded
        As `cutpoint.cost.Rows`. Shape ``(n_rows,)``.
    num_values
        How many values cross.
    """

    head_s: Column
    encode_s: Column
    tail_s: Column
    up_bytes: Column
    down_bytes: Column
    is_offloaded: NDArray[np.bool_]
    num_values: NDArray[np.intp]

    @property
    def is_barred(self) -> None:
        """Nothing is."""
        return

    def with_more_head(self, more_s: float) -> "PlainRows":
        """Give the rows with something more to do on the device first."""
        return replace(self, head_s=self.head_s + more_s)

    def best_s(self, grid: Grid) -> Column:
        """Give the least latency at each point; infinite without rows. Shape ``(n_points,)``."""
        return np.asarray(self.latency_s(grid).min(axis=1, initial=np.inf))

    def latency_s(self, grid: Grid) -> NDArray[np.float64]:
        """Give the latency of every row at each point. Shape ``(n_points, n_rows)``."""
        return np.asarray(grid.weights @ row_terms(self).T)


def split_rows(table: CutTable) -> PlainRows:
    """Give the interior cuts of a table."""
    rows = [row for row, cut in enumerate(table.cuts) if cut.placement == "split"]
    return PlainRows(
        head_s=table.head_s[rows],
        encode_s=table.encode_s[rows],
        tail_s=table.tail_s[rows],
        up_bytes=table.up_bytes[rows],
        down_bytes=table.down_bytes[rows],
        is_offloaded=table.is_offloaded[rows],
        num_values=np.array([len(table.cuts[row].crossing) for row in rows], dtype=np.intp),
    )


def joined(parts: Sequence[PlainRows]) -> PlainRows:
    """Give all rows of several, in their order."""
    return PlainRows(
        **{
            name: np.concatenate([getattr(part, name) for part in parts])
            for name in PlainRows.__dataclass_fields__
        }
    )
