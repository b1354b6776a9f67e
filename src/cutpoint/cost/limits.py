"""Limits: what no plan may do, whatever it would save."""

from dataclasses import dataclass
from math import inf

import numpy as np

from cutpoint.cost.cost_table import CostTable
from cutpoint.exceptions import CostError


@dataclass(frozen=True)
class Limits:
    """
    What a plan must keep.

    Parameters
    ----------
    never_send
        Names of values that may not leave the device.
    min_depth
        Blocks that must lie between any input and what is sent: 0 allows the input
        itself to travel, 1 forbids it.
    device_memory_bytes, server_memory_bytes
        Largest sums of `CostTable.memory_bytes` on the device, and on all servers together.
    """

    never_send: frozenset[str] = frozenset()
    min_depth: int = 0
    device_memory_bytes: float = inf
    server_memory_bytes: float = inf

    def __post_init__(self) -> None:
        if self.min_depth < 0 or self.device_memory_bytes < 0 or self.server_memory_bytes < 0:
            raise CostError("a limit is negative: depths and memory caps are zero or more")

    @property
    def has_memory_caps(self) -> bool:
        """Whether either host's memory is limited."""
        return self.device_memory_bytes < inf or self.server_memory_bytes < inf

    def may_leave(self, table: CostTable) -> tuple[bool, ...]:
        """
        Tell of each value of a table whether it may leave the device.

        Raises
        ------
        CostError
            If a value that may not be sent is none of the table's.
        """
        if not self.never_send and not self.min_depth:
            return table.may_cross
        unknown = self.never_send - {value.name for value in table.values}
        if unknown:
            raise CostError(
                f"{sorted(unknown)[0]!r} is no value between blocks of {table.name!r}: "
                "`cutpoint plan MODEL --save-costs FILE.json` lists them all"
            )
        return tuple(
            value.may_cross
            and value.name not in self.never_send
            and (0 if value.producer is None else table.depths[value.producer]) >= self.min_depth
            for value in table.values
        )

    def are_kept(self, table: CostTable, placement: tuple[int, ...]) -> bool:
        """Tell whether a placement sends nothing forbidden and fits both hosts."""
        for value, may_leave in zip(table.values, self.may_leave(table), strict=True):
            source = 0 if value.producer is None else placement[value.producer]
            hosts = {placement[consumer] for consumer in value.consumers}
            if not may_leave and source == 0 and hosts - {0}:
                return False
            # A value that cannot travel at all stays where it was made.
            if not value.may_cross and hosts - {source}:
                return False
        on_device = np.array(placement) == 0
        return bool(
            table.memory[on_device].sum() <= self.device_memory_bytes
            and table.memory[~on_device].sum() <= self.server_memory_bytes
        )


NO_LIMITS = Limits()
"""Everything may be sent, everything fits."""
