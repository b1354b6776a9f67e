"""Rows of numbers, one per way to run an inference: what the objective is computed on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cutpoint.cost.coded_values import CodedValues
from cutpoint.cost.cost_table import Column, CostTable
from cutpoint.cost.limits import Limits
from cutpoint.records import RAW

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

    @property
    def is_barred(self) -> NDArray[np.bool_] | None:
        """Which rows may not be taken whatever they cost; ``None`` if any may."""
        ...


@dataclass(frozen=True)
class HeadRows:
    """
    One row per head of a cost table, and per codec where there are several.

    Parameters
    ----------
    heads
        Bit masks of the blocks on the device.
    head_s, tail_s, up_bytes, down_bytes, is_offloaded
        As `Rows`. Shape ``(n_rows,)``.
    is_allowed
        Whether the row keeps the limits.
    encode_s
        As `Rows`; nothing by default.
    codecs
        Of each row; values travel as they are by default.
    """

    heads: tuple[int, ...]
    head_s: Column
    tail_s: Column
    up_bytes: Column
    down_bytes: Column
    is_offloaded: NDArray[np.bool_]
    is_allowed: NDArray[np.bool_]
    encode_s: Column = field(default_factory=lambda: np.zeros(0))
    codecs: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.codecs:
            object.__setattr__(self, "encode_s", np.zeros_like(self.head_s))
            object.__setattr__(self, "codecs", (RAW,) * len(self.heads))

    @property
    def is_barred(self) -> None:
        """Nothing is: planners look at `is_allowed` themselves."""
        return

    def only(self, chosen: Sequence[int] | Sequence[bool]) -> "HeadRows":
        """Give some of the rows: by position, or those marked true."""
        index = np.array(chosen)
        rows = np.flatnonzero(index) if index.dtype == bool else index.astype(np.intp)
        return HeadRows(
            heads=tuple(self.heads[row] for row in rows),
            head_s=self.head_s[rows],
            tail_s=self.tail_s[rows],
            up_bytes=self.up_bytes[rows],
            down_bytes=self.down_bytes[rows],
            is_offloaded=self.is_offloaded[rows],
            is_allowed=self.is_allowed[rows],
            encode_s=self.encode_s[rows],
            codecs=tuple(self.codecs[row] for row in rows),
        )


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


def coded_rows(
    table: CostTable, rows: Sequence[tuple[int, CodedValues]], limits: Limits
) -> HeadRows:
    """
    Give the costs of closed heads, each under a codec.

    Parameters
    ----------
    rows
        A head and what the codec makes of the values, row by row.
    limits
        Rows that break them are marked, not left out.
    """
    plain = head_rows(table, [head for head, _ in rows], limits)
    sent, encode, decode = np.zeros((3, len(rows)))
    for codec in {id(codec): codec for _, codec in rows}.values():
        own = [row for row, (_, each) in enumerate(rows) if each is codec]
        amounts = np.column_stack([codec.sent_bytes, codec.encode_s, codec.decode_s])
        sums = crossing_sums(table, [rows[row][0] for row in own], amounts)
        sent[own], encode[own], decode[own] = sums.T
    return replace(
        plain,
        up_bytes=sent,
        tail_s=plain.tail_s + decode,
        encode_s=encode,
        codecs=tuple(codec.name for _, codec in rows),
    )


def crossing_sums(
    table: CostTable, heads: Sequence[int], amounts: NDArray[np.float64]
) -> NDArray[np.float64]:
    """
    Add up amounts over the values that cross behind each head.

    Parameters
    ----------
    amounts
        Of each value of the table. Shape ``(n_values, n_columns)``.

    Returns
    -------
    array
        Shape ``(n_heads, n_columns)``.
    """
    wiring = table.wiring
    if not len(wiring.used) or not len(heads):
        return np.zeros((len(heads), amounts.shape[1]))
    used = amounts[wiring.used]
    sums = [_crosses(table, members) @ used for members in _memberships(table, heads)]
    return np.concatenate(sums)


def crossing_names(table: CostTable, head: int) -> tuple[str, ...]:
    """Give the names of the values that cross behind a head, in the table's order."""
    if not len(table.wiring.used):
        return ()
    crosses = _crosses(table, next(_memberships(table, [head])))[0]
    return tuple(table.values[index].name for index in table.wiring.used[crosses])


def every_head(table: CostTable, limits: Limits, cap: int) -> HeadRows | None:
    """
    Give the costs of all heads; ``None`` if there are more than `cap`.

    Each head is one block more than an earlier one, so its costs are that one's and what
    the block changes: O(1) per head, whatever the size of the table.
    """
    grown = table.grown_heads(cap)
    if grown is None:
        return None
    steps = _Steps(table, limits)
    costs = [steps.of_nothing()]
    for _, parent, vertex in grown[1:]:
        costs.append(steps.after(costs[parent], vertex, grown[parent].members))
    columns = np.array(costs)
    heads = tuple(each.members for each in grown)
    memory = columns[:, 4]
    allowed = (columns[:, 5] == 0) & (memory <= limits.device_memory_bytes)
    allowed &= table.memory.sum() - memory <= limits.server_memory_bytes
    return HeadRows(
        heads=heads,
        head_s=columns[:, 0],
        tail_s=np.maximum(columns[:, 1], 0.0),
        up_bytes=columns[:, 2],
        down_bytes=np.maximum(columns[:, 3], 0.0),
        is_offloaded=np.array([head != table.everything for head in heads]),
        is_allowed=allowed,
    )


_Costs = tuple[float, float, float, float, float, int]
"""Head and tail seconds, bytes up and down, memory on the device, forbidden values sent."""


class _Steps:
    """What a block changes by moving to the device."""

    def __init__(self, table: CostTable, limits: Limits) -> None:
        self._table = table
        self._blocks = list(
            zip(
                table.device_s.tolist(),
                table.server_s.tolist(),
                table.wiring.returned_bytes.tolist(),
                table.memory.tolist(),
                strict=True,
            )
        )
        self._made: list[list[tuple[float, int]]] = [[] for _ in table.blocks]
        self._used: list[list[tuple[float, int, int]]] = [[] for _ in table.blocks]
        self._fed = (0.0, 0)
        for value, may_leave in zip(table.values, limits.may_leave(table), strict=True):
            if not value.consumers:
                continue
            forbidden = int(not may_leave)
            users = sum(1 << consumer for consumer in value.consumers)
            for consumer in value.consumers:
                self._used[consumer].append((value.size_bytes, forbidden, users))
            if value.producer is None:
                self._fed = (self._fed[0] + value.size_bytes, self._fed[1] + forbidden)
            else:
                self._made[value.producer].append((value.size_bytes, forbidden))

    def of_nothing(self) -> _Costs:
        """Give the costs of the empty head: the inputs travel."""
        wiring, served_s = self._table.wiring, float(self._table.server_s.sum())
        sent_bytes, forbidden = self._fed
        return 0.0, served_s, sent_bytes, float(wiring.returned_bytes.sum()), 0.0, forbidden

    def after(self, before: _Costs, vertex: int, members: int) -> _Costs:
        """Give the costs of a head and one block more."""
        head_s, tail_s, up_bytes, down_bytes, memory, forbidden = before
        device_s, server_s, returned, held = self._blocks[vertex]
        for size, is_forbidden in self._made[vertex]:
            up_bytes += size
            forbidden += is_forbidden
        outside = ~(members | 1 << vertex)
        for size, is_forbidden, users in self._used[vertex]:
            if not users & outside:
                up_bytes -= size
                forbidden -= is_forbidden
        return (
            head_s + device_s,
            tail_s - server_s,
            up_bytes,
            down_bytes - returned,
            memory + held,
            forbidden,
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


def _crosses(table: CostTable, members: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Tell which of the used values cross behind each head. Shape ``(n_heads, n_used)``."""
    wiring = table.wiring
    with_inputs = np.column_stack([members, np.ones(len(members), dtype=bool)])
    stays = np.logical_and.reduceat(members[:, wiring.consumers], wiring.starts, axis=1)
    return np.asarray(with_inputs[:, wiring.producers] & ~stays)


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
            crosses = _crosses(table, members)
            self.up_bytes = crosses @ wiring.sizes
            may_leave = np.array(limits.may_leave(table))[wiring.used]
            allowed &= ~crosses[:, ~may_leave].any(axis=1)
        self.is_allowed = allowed
