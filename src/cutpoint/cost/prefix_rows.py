"""The rows of all prefixes of an order, by cumulative sums: O(n) for n + 1 cuts."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cutpoint.cost.cost_table import Column, CostTable
from cutpoint.cost.limits import Limits


class PrefixRows:
    """
    One row per prefix of a topological order, from none of the blocks to all; a `Rows`.

    Parameters
    ----------
    table
        What the blocks take.
    order
        Of the blocks; as the table lists them by default.
    """

    def __init__(self, table: CostTable, order: Sequence[int] | None = None) -> None:
        self._table = table
        self.order = np.arange(table.num_blocks) if order is None else np.array(order, np.intp)
        position = np.empty(table.num_blocks + 1, dtype=np.intp)
        position[self.order] = np.arange(table.num_blocks)
        position[-1] = -1  # inputs are there before the first block
        wiring = table.wiring
        self._first = position[wiring.producers] + 1
        if len(wiring.used):
            self._last = np.maximum.reduceat(position[wiring.consumers], wiring.starts)
        else:
            self._last = np.zeros(0, dtype=np.intp)
        self.head_s = _up_to(table.device_s[self.order])
        self.tail_s = _from(table.server_s[self.order])
        self.encode_s = np.zeros(table.num_blocks + 1)
        self.up_bytes = self._crossing(wiring.sizes)
        self.down_bytes = _from(wiring.returned_bytes[self.order])
        self.is_barred = None
        self.is_offloaded = np.arange(table.num_blocks + 1) < table.num_blocks

    def is_allowed(self, limits: Limits) -> NDArray[np.bool_]:
        """Tell of every prefix whether it keeps the limits."""
        memory = self._table.memory[self.order]
        may_leave = np.array(limits.may_leave(self._table), dtype=bool)[self._table.wiring.used]
        return np.asarray(
            (self._crossing((~may_leave).astype(float)) == 0)
            & (_up_to(memory) <= limits.device_memory_bytes)
            & (_from(memory) <= limits.server_memory_bytes)
        )

    def head(self, row: int) -> int:
        """Give a prefix as a bit mask."""
        members = np.zeros(self._table.num_blocks, dtype=bool)
        members[self.order[:row]] = True
        return int.from_bytes(np.packbits(members, bitorder="little").tobytes(), "little")

    def crossing(self, amounts: Column) -> Column:
        """
        Add up an amount per value of the table over the values that cross behind each prefix.

        Parameters
        ----------
        amounts
            Shape ``(n_values,)``.
        """
        return self._crossing(amounts[self._table.wiring.used])

    def _crossing(self, amounts: Column) -> Column:
        """Do so for amounts of the values that are used."""
        steps = np.zeros(self._table.num_blocks + 2)
        np.add.at(steps, self._first, amounts)
        np.subtract.at(steps, self._last + 1, amounts)
        # Whole bytes add up exactly; what others leave after they are gone is no size.
        return np.asarray(np.maximum(steps.cumsum()[:-1], 0.0))


def _up_to(column: Column) -> Column:
    return np.concatenate([[0.0], column.cumsum()])


def _from(column: Column) -> Column:
    return np.concatenate([column[::-1].cumsum()[::-1], [0.0]])
