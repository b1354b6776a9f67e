"""Which heads and codecs are worth a row: the lower envelope, and what else is not dominated."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cutpoint.cost import AS_THEY_ARE, NO_LIMITS, CodecRate, CostTable, HeadRows, Limits, head_rows
from cutpoint.graph import closed_sets
from cutpoint.planning.envelope import lower_envelope
from cutpoint.planning.heads import (
    breadth_first_order,
    prefix_heads,
    single_value_heads,
    table_order,
)
from cutpoint.planning.min_cut import MinCut

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
    throughput is decided by those. Beyond `max_listed` memory caps only strike rows.
    """
    listed = closed_sets(table.predecessors, max_listed)
    if listed is not None and is_nameable is not None:
        listed = [head for head in listed if is_nameable(head)]
    search = _Search(table, limits, codecs, listed)
    ends = [(table.everything, 0), (0, 0)]
    best = [row for row in search.envelope() if row not in ends]
    rest = [row for row in search.not_dominated() if row not in best and row not in ends]
    inner = sorted({*best, *rest}, key=lambda row: (row[0].bit_count(), row))
    if is_nameable is not None:
        inner = [row for row in inner if is_nameable(row[0])]
    rows = [*ends, *inner]
    return CompiledHeads(
        heads=tuple(head for head, _ in rows),
        codecs=tuple(codec for _, codec in rows),
        gap=search.gap,
        is_complete=not search.gap and (listed is not None or not limits.has_memory_caps),
    )


class _Search:
    """Points (device, bytes, server, returned) of heads under codecs, and the least of them."""

    def __init__(
        self,
        table: CostTable,
        limits: Limits,
        codecs: Sequence[CodecRate],
        listed: list[int] | None,
    ) -> None:
        self._table = table
        self._limits = limits
        self._codecs = codecs
        self._row_of: dict[bytes, tuple[int, int]] = {}
        self._returned = table.wiring.returned_bytes
        self._sizes = np.array([value.size_bytes for value in table.values])
        # One output costs every offload the same way back, so it decides only between
        # offloading and not: the envelope without it has that decision's cuts too.
        self._num_terms = 3 if np.count_nonzero(self._returned) <= 1 else 4
        self.gap = 0.0
        self._listed: Matrix | None = None
        if listed is not None:
            self._listed = self._points(head_rows(table, listed, limits))
        else:
            self._network = MinCut(table, limits.may_leave(table))

    def envelope(self) -> list[tuple[int, int]]:
        """Give the rows that are best under some condition."""
        ends = self._points(head_rows(self._table, [self._table.everything, 0], self._limits))
        if not len(ends):  # not even the ends are allowed: whatever is may be best
            ends = self._listed if self._listed is not None else ends
        if not len(ends):
            return []
        points, self.gap = lower_envelope(ends, self._oracle)
        return [self._row_of[point.tobytes()] for point in points]

    def not_dominated(self) -> list[tuple[int, int]]:
        """Give the simple heads that no other simple one beats in device time and bytes."""
        table = self._table
        heads = dict.fromkeys(
            [
                *single_value_heads(table),
                *prefix_heads(table_order(table)),
                *prefix_heads(breadth_first_order(table)),
            ]
        )
        points = self._points(head_rows(table, list(heads), self._limits))
        kept, least = [], np.inf
        for index in np.lexsort((points[:, 1], points[:, 0])):
            if points[index, 1] < least:
                least = points[index, 1]
                kept.append(self._row_of[points[index].tobytes()])
        return kept

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
