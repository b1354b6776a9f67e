"""Rows of numbers, one per way to run an inference: what the objective is computed on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cutpoint.cost.cost_table import Column, CostTable
from cutpoint.cost.limits import Limits

_CHUNK = 4096
"""Heads looked at together: their membership takes a byte per head and block."""


class Rows(Protocol):
    """Columns of equal length; `CutTable` and `HeadRows` are such."""

    @property
    def head_s(self) -> Column:
        """Seconds of the head on the idle device."""
        ...

    @property
    def encode_s(self) -> Column:
        """Seconds of encoding on the idle device."""
        ...

    @property
    def tail_s(self) -> Column:
        """Seconds of the tail on the idle server, decoding included."""
        ...

    @property
    def up_bytes(self) -> Column:
        """Bytes sent."""
        ...

    @property
    def down_bytes(self) -> Column:
        """Bytes returned."""
        ...

    @property
    def is_offloaded(self) -> NDArray[np.bool_]:
        """Whether the server is used."""
        ...


@dataclass(frozen=True)
class HeadRows:
    """
    One row per head of a cost table; values travel as they are.

    Parameters
    ----------
    heads
        Bit masks of the blocks on the device.
    head_s, tail_s, up_bytes, down_bytes, is_offloaded
        As `Rows`. Shape ``(n_rows,)``.
    is_allowed
        Whether the row keeps the limits.
    """

    heads: tuple[int, ...]
    head_s: Column
    tail_s: Column
    up_bytes: Column
    down_bytes: Column
    is_offloaded: NDArray[np.bool_]
    is_allowed: NDArray[np.bool_]

    @property
    def encode_s(self) -> Column:
        """Nothing is encoded."""
        return np.zeros_like(self.head_s)


def head_rows(table: CostTable, heads: Sequence[int], limits: Limits) -> HeadRows:
    """
    Give the costs of closed heads.

    Parameters
    ----------
    heads
        Predecessor-closed bit masks.
    limits
        Rows that break them are marked, not left out.
    """
    parts = [_Chunk(table, limits, members) for members in _memberships(table, heads)]

    def column(name: str) -> NDArray[np.float64]:
        return np.concatenate([getattr(part, name) for part in parts])

    return HeadRows(
        heads=tuple(heads),
        head_s=column("head_s"),
        tail_s=column("tail_s"),
        up_bytes=column("up_bytes"),
        down_bytes=column("down_bytes"),
        is_offloaded=np.array([head != table.everything for head in heads]),
        is_allowed=column("is_allowed").astype(bool),
    )


def _memberships(table: CostTable, heads: Sequence[int]) -> Iterator[NDArray[np.bool_]]:
    """Yield which block is in which head, chunk by chunk. Shape ``(n_heads, n_blocks)``."""
    num_bytes = (table.num_blocks + 7) // 8
    for begin in range(0, len(heads), _CHUNK):
        chunk = heads[begin : begin + _CHUNK]
        raw = b"".join(head.to_bytes(num_bytes, "little") for head in chunk)
        packed = np.frombuffer(raw, np.uint8).reshape(len(chunk), num_bytes)
        bits = np.unpackbits(packed, axis=1, count=table.num_blocks, bitorder="little")
        yield bits.astype(bool)


class _Chunk:
    """The costs of some heads."""

    def __init__(self, table: CostTable, limits: Limits, members: NDArray[np.bool_]) -> None:
        self.head_s = members @ table.device_s
        self.tail_s = ~members @ table.server_s
        wiring = table.wiring
        self.down_bytes = ~members @ wiring.returned_bytes
        allowed = members @ table.memory <= limits.device_memory_bytes
        allowed &= ~members @ table.memory <= limits.server_memory_bytes
        self.up_bytes = np.zeros(len(members))
        if len(wiring.used):
            with_inputs = np.column_stack([members, np.ones(len(members), dtype=bool)])
            stays = np.logical_and.reduceat(members[:, wiring.consumers], wiring.starts, axis=1)
            crosses = with_inputs[:, wiring.producers] & ~stays
            self.up_bytes = crosses @ wiring.sizes
            may_leave = np.array(limits.may_leave(table))[wiring.used]
            allowed &= ~crosses[:, ~may_leave].any(axis=1)
        self.is_allowed = allowed
