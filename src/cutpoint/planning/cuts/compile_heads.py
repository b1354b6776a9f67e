"""Which heads and codecs are worth a row: the lower envelope, and what else is not dominated."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cutpoint.cost import (
    AS_THEY_ARE,
    NO_LIMITS,
    CodecRate,
    CostTable,
    HeadRows,
    Limits,
    PrefixRows,
    every_head,
    head_rows,
)
from cutpoint.planning.cuts.envelope import largest_gain, lower_envelope
from cutpoint.planning.cuts.heads import breadth_first_order
from cutpoint.planning.cuts.min_cut import MinCut

MAX_LISTED = 100_000
"""Up to here all cuts are listed; beyond, the envelope is found by minimum cuts."""

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class CompiledHeads:
    """
    What to keep of all cuts and codecs.

    Parameters
    ----------
    heads
        Bit masks of blocks; all of them, then none, first.
    codecs
        Position of each row's codec among those given.
    gap
        Largest relative loss against the best cut of any condition, where it was looked
        for; 0 where the envelope is complete.
    is_complete
        Whether the best cut of every condition is among them.
    """

    heads: tuple[int, ...]
    codecs: tuple[int, ...]
    gap: float
    is_complete: bool


def compile_heads(
    table: CostTable,
    limits: Limits = NO_LIMITS,
    codecs: Sequence[CodecRate] = (AS_THEY_ARE,),
    is_nameable: Callable[[int], bool] | None = None,
    max_listed: int = MAX_LISTED,
) -> CompiledHeads:
    """
    Find every cut and codec that is best under some condition.

    Parameters
    ----------
    limits
        Rows that break them are left out; the two ends stay in any case.
    codecs
        Encodings of the crossing values.
    is_nameable
        Tells of a head whether hosts can agree on its cut; all can by default.
    max_listed
        Largest number of cuts to list.

    Notes
    -----
    Beside the envelope, which is all that the latency ever needs, rows are kept that
    no other beats in both device time and bytes among single-value cuts and prefixes:
    throughput is decided by those. Beyond `max_listed` memory caps only strike rows, and
    so does `is_nameable`: the gap then says what the heads struck would have gained.
    """
    listed = every_head(table, limits, max_listed)
    if listed is not None and is_nameable is not None:
        listed = listed.only([is_nameable(head) for head in listed.heads])
    search = _Search(table, limits, codecs, listed)
    ends = [(table.everything, 0), (0, 0)]
    best = [row for row in search.envelope() if row not in ends]
    rest = [row for row in search.not_dominated() if row not in best and row not in ends]
    inner = sorted({*best, *rest}, key=lambda row: (row[0].bit_count(), row))
    if is_nameable is not None:
        inner = [row for row in inner if is_nameable(row[0])]
    rows = [*ends, *inner]
    gap = search.gap if set(best) <= set(inner) else max(search.gap, search.gain_over(rows))
    return CompiledHeads(
        heads=tuple(head for head, _ in rows),
        codecs=tuple(codec for _, codec in rows),
        gap=gap,
        is_complete=not gap and (listed is not None or not limits.has_memory_caps),
    )


def lower_left(first: NDArray[np.float64], second: NDArray[np.float64]) -> list[int]:
    """Give the rows that no other beats in both columns; of equals the first."""
    kept, least = [], np.inf
    for row in np.lexsort((np.arange(len(first)), second, first)):
        if second[row] < least:
            least = float(second[row])
            kept.append(int(row))
    return kept


def _comes_last(table: CostTable) -> bool:
    """Tell whether one block makes all that returns, and needs every other."""
    returning = np.flatnonzero(table.wiring.returned_bytes)
    if not len(returning):
        return True
    if len(returning) > 1:
        return False
    needs: list[list[int]] = [[] for _ in table.blocks]
    for source, target in table.arcs():
        needs[target].append(source)
    waiting, reached = [int(returning[0])], {int(returning[0])}
    while waiting:
        fresh = set(needs[waiting.pop()]) - reached
        reached |= fresh
        waiting.extend(fresh)
    return len(reached) == table.num_blocks


class _Search:
    """Points (device, bytes, server, returned) of heads under codecs, and the least of them."""

    def __init__(
        self,
        table: CostTable,
        limits: Limits,
        codecs: Sequence[CodecRate],
        listed: HeadRows | None,
    ) -> None:
        self._table = table
        self._limits = limits
        self._codecs = codecs
        self._row_of: dict[bytes, tuple[int, int]] = {}
        self._returned = table.wiring.returned_bytes
        self._sizes = np.array([value.size_bytes for value in table.values])
        # An output that needs every block costs every offload the same way back, so it
        # decides only between offloading and not: the envelope without it has that too.
        self._num_terms = 3 if _comes_last(table) else 4
        self.gap = 0.0
        self._best: Matrix = np.empty((0, self._num_terms))
        self._listed: Matrix | None = None
        if listed is not None:
            self._listed = self._points(listed)
        else:
            self._network = MinCut(table, limits.may_leave(table))

    def envelope(self) -> list[tuple[int, int]]:
        """Give the rows that are best under some condition."""
        ends = self._points(head_rows(self._table, [self._table.everything, 0], self._limits))
        if not len(ends):  # not even the ends are allowed: whatever is may be best
            ends = self._listed if self._listed is not None else ends
        if not len(ends):
            return []
        self._best, self.gap = lower_envelope(ends, self._oracle)
        return [self._row_of[point.tobytes()] for point in self._best]

    def gain_over(self, rows: Sequence[tuple[int, int]]) -> float:
        """Give the largest relative gain that the envelope has over some of its rows."""
        row_of = {self._row_of[point.tobytes()]: point for point in self._best}
        kept = [row_of[row] for row in rows if row in row_of]
        return largest_gain(np.array(kept), self._best) if kept else 1.0

    def not_dominated(self) -> list[tuple[int, int]]:
        """
        Give the prefixes that no other beats in device time and bytes, codec by codec.

        Of two orders: the table's, and breadth first, whose prefixes lose far less where
        branches run side by side, and among which are all cuts at a single value.
        """
        found: list[tuple[int, int]] = []
        for order in (None, breadth_first_order(self._table)):
            rows = PrefixRows(self._table, order)
            allowed = rows.is_allowed(self._limits)
            for index, codec in enumerate(self._codecs):
                device_s = rows.head_s + codec.encode_s_per_byte * rows.up_bytes
                sent = np.where(allowed, codec.ratio * rows.up_bytes, np.inf)
                found += [(rows.head(row), index) for row in lower_left(device_s, sent)]
        heads = list(dict.fromkeys(head for head, _ in found))
        if not heads:
            return []
        costs = head_rows(self._table, heads, NO_LIMITS)
        at = {head: position for position, head in enumerate(heads)}
        positions = [at[head] for head, _ in found]
        rates = [self._codecs[index] for _, index in found]
        raw = costs.up_bytes[positions]
        device_s = costs.head_s[positions] + raw * [rate.encode_s_per_byte for rate in rates]
        return [found[row] for row in lower_left(device_s, raw * [rate.ratio for rate in rates])]

    def _oracle(self, weights: Matrix) -> Matrix:
        if self._listed is not None:
            return np.asarray(self._listed[np.argmin(weights @ self._listed.T, axis=1)])
        return np.array([self._cheapest(weight) for weight in weights])

    def _cheapest(self, weight: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give the least point under one mix of terms, by a minimum cut per codec."""
        device, sent, served, *others = weight
        returned = others[0] if others else 0.0
        table = self._table
        heads = [table.everything]
        for codec in self._codecs:
            per_byte = (
                sent * codec.ratio
                + device * codec.encode_s_per_byte
                + served * codec.decode_s_per_byte
            )
            heads.append(
                self._network.head(
                    device * table.device_s,
                    served * table.server_s + returned * self._returned,
                    per_byte * self._sizes,
                )
            )
        points = self._points(head_rows(table, list(dict.fromkeys(heads)), self._limits))
        if not len(points):
            points = self._points(head_rows(table, [table.everything], NO_LIMITS))
        return np.asarray(points[np.argmin(points @ weight)])

    def _points(self, rows: HeadRows) -> Matrix:
        """Give the allowed rows under every codec, and remember whose point each is."""
        found = []
        allowed = np.flatnonzero(rows.is_allowed)
        for index, codec in enumerate(self._codecs):
            raw = rows.up_bytes[allowed]
            points = np.column_stack(
                [
                    rows.head_s[allowed] + codec.encode_s_per_byte * raw,
                    codec.ratio * raw,
                    rows.tail_s[allowed] + codec.decode_s_per_byte * raw,
                    rows.down_bytes[allowed],
                ]
            )
            points = np.ascontiguousarray(points[:, : self._num_terms])
            for row, point in zip(allowed, points, strict=True):
                self._row_of.setdefault(point.tobytes(), (rows.heads[row], index))
            found.append(points)
        return np.concatenate(found)
