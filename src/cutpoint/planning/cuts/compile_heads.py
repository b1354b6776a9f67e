"""Which heads and codecs are worth a row: the lower envelope, and what else is not dominated."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutpoint.cost import (
    AS_THEY_ARE,
    NO_LIMITS,
    CodecRate,
    CodedValues,
    Coding,
    CostTable,
    HeadRows,
    Limits,
    PrefixRows,
    coded_rows,
    coded_values,
    crossing_sums,
    every_head,
    head_rows,
)
from cutpoint.planning.cuts.envelope import largest_gain, lower_envelope
from cutpoint.planning.cuts.heads import breadth_first_order
from cutpoint.planning.cuts.min_cut import MinCut

MAX_LISTED = 100_000
"""Up to here all cuts are listed; beyond, the envelope is found by minimum cuts."""

Matrix = NDArray[np.float64]

Row = tuple[int, int]
"""A head, and the position of a codec."""

IsStruck = Callable[[int, str], bool]
"""Tells of a head and a codec's name whether there must be no such row."""


@dataclass(frozen=True)
class CompiledHeads:
    """
    What to keep of all cuts and codecs.

    Parameters
    ----------
    heads
        Bit masks of blocks; all of them, then none, first.
    codecs
        Of each row: what it makes of the table's values.
    gap
        Largest relative loss against the best row of any condition, where it was looked
        for; 0 where the envelope is complete.
    is_complete
        Whether the best row of every condition is among them.
    """

    heads: tuple[int, ...]
    codecs: tuple[CodedValues, ...]
    gap: float
    is_complete: bool


def compile_heads(
    table: CostTable,
    limits: Limits = NO_LIMITS,
    codecs: Sequence[Coding | CodecRate] = (AS_THEY_ARE,),
    is_nameable: Callable[[int], bool] | None = None,
    max_listed: int = MAX_LISTED,
    is_struck: IsStruck | None = None,
) -> CompiledHeads:
    """
    Find every cut and codec that is best under some condition.

    Parameters
    ----------
    limits
        Rows that break them are left out; the two ends stay in any case, raw.
    codecs
        Encodings of the crossing values; raw is among them even if it is not given.
    is_nameable
        Tells of a head whether hosts can agree on its cut; all can by default.
    max_listed
        Largest number of cuts to list.
    is_struck
        Tells which rows there must not be, raw ones aside; none by default.

    Notes
    -----
    Beside the envelope, which is all that the latency ever needs, rows are kept that
    no other beats in both device time and bytes among single-value cuts and prefixes:
    throughput is decided by those. Beyond `max_listed` memory caps only strike rows, and
    so do `is_nameable` and `is_struck`: the gap then says what the rows struck would have
    gained.
    """
    listed = every_head(table, limits, max_listed)
    if listed is not None and is_nameable is not None:
        listed = listed.only([is_nameable(head) for head in listed.heads])
    coded = coded_values(table, codecs)
    search = _Search(table, limits, coded, listed, is_struck)
    ends = [(table.everything, 0), (0, 0)]
    best = [row for row in search.envelope() if row not in ends]
    rest = [row for row in search.not_dominated() if row not in best and row not in ends]
    inner = sorted({*best, *rest}, key=lambda row: (row[0].bit_count(), row))
    if is_nameable is not None:
        inner = [row for row in inner if is_nameable(row[0])]
    if is_struck is not None:
        inner = [row for row in inner if not row[1] or not is_struck(row[0], coded[row[1]].name)]
    rows = [*ends, *inner]
    gap = search.gap if set(best) <= set(inner) else max(search.gap, search.gain_over(rows))
    rows = _distinct(table, rows, coded)
    return CompiledHeads(
        heads=tuple(head for head, _ in rows),
        codecs=tuple(coded[codec] for _, codec in rows),
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


def _distinct(table: CostTable, rows: Sequence[Row], codecs: Sequence[CodedValues]) -> list[Row]:
    """Call raw what a codec leaves as it is; leave out what a row of the same head beats."""
    coded = [(head, codecs[codec]) for head, codec in rows]
    costs = coded_rows(table, coded, NO_LIMITS)
    numbers = np.column_stack([costs.up_bytes, costs.encode_s, costs.tail_s])
    plain = head_rows(table, costs.heads, NO_LIMITS)
    as_it_is = np.column_stack([plain.up_bytes, plain.encode_s, plain.tail_s])
    found: dict[int, dict[int, NDArray[np.float64]]] = {}
    for (head, codec), own, raw in zip(rows, numbers, as_it_is, strict=True):
        found.setdefault(head, {}).setdefault(0 if np.array_equal(own, raw) else codec, own)

    def is_beaten(codec: int, own: NDArray[np.float64], beside: dict[int, Any]) -> bool:
        return codec != 0 and any(
            np.all(theirs <= own) and (other < codec or np.any(theirs < own))
            for other, theirs in beside.items()
            if other != codec
        )

    return [
        (head, codec)
        for head, beside in found.items()
        for codec, own in beside.items()
        if not is_beaten(codec, own, beside)
    ]


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
        codecs: Sequence[CodedValues],
        listed: HeadRows | None,
        is_struck: IsStruck | None,
    ) -> None:
        self._table = table
        self._limits = limits
        self._codecs = codecs
        self._is_struck = is_struck
        self._row_of: dict[bytes, Row] = {}
        self._returned = table.wiring.returned_bytes
        # An output that needs every block costs every offload the same way back, so it
        # decides only between offloading and not: the envelope without it has that too.
        self._num_terms = 3 if _comes_last(table) else 4
        self.gap = 0.0
        self._best: Matrix = np.empty((0, self._num_terms))
        self._listed: _Points | None = None
        if listed is not None:
            self._listed = self._points(listed)
            if is_struck is not None:
                self._listed = self._listed.without(is_struck, codecs)
        else:
            self._network = MinCut(table, limits.may_leave(table))

    def envelope(self) -> list[Row]:
        """Give the rows that are best under some condition."""
        ends = self._ends()
        if not len(ends):
            return []
        self._best, self.gap = lower_envelope(ends, self._oracle)
        return [self._row_of[point.tobytes()] for point in self._best]

    def gain_over(self, rows: Sequence[Row]) -> float:
        """Give the largest relative gain that the envelope has over some of its rows."""
        row_of = {self._row_of[point.tobytes()]: point for point in self._best}
        kept = [row_of[row] for row in rows if row in row_of]
        return largest_gain(np.array(kept), self._best) if kept else 1.0

    def not_dominated(self) -> list[Row]:
        """
        Give the prefixes that no other beats in device time and bytes, codec by codec.

        Of two orders: the table's, and breadth first, whose prefixes lose far less where
        branches run side by side, and among which are all cuts at a single value.
        """
        found: list[Row] = []
        for order in (None, breadth_first_order(self._table)):
            rows = PrefixRows(self._table, order)
            allowed = rows.is_allowed(self._limits)
            for index, codec in enumerate(self._codecs):
                device_s = rows.head_s + rows.crossing(codec.encode_s)
                usable = allowed & self._may_encode(rows, index)
                sent = np.where(usable, rows.crossing(codec.sent_bytes), np.inf)
                found += [(rows.head(row), index) for row in lower_left(device_s, sent)]
        found = [row for row in dict.fromkeys(found) if row[0] != self._table.everything]
        if not found:
            return []
        coded = [(head, self._codecs[index]) for head, index in found]
        costs = coded_rows(self._table, coded, NO_LIMITS)
        return [found[row] for row in lower_left(costs.head_s + costs.encode_s, costs.up_bytes)]

    def _may_encode(self, rows: PrefixRows, index: int) -> NDArray[np.bool_]:
        """Tell of every prefix whether it may be encoded so."""
        may = np.ones(len(rows.head_s), dtype=bool)
        if self._is_struck is not None and index:
            name = self._codecs[index].name
            may[:] = [not self._is_struck(rows.head(row), name) for row in range(len(may))]
        return may

    def _ends(self) -> Matrix:
        """Give points to begin with: the ends, raw, or what is best where these are forbidden."""
        heads = [self._table.everything, 0]
        ends = self._points(head_rows(self._table, heads, self._limits))
        if not len(ends.heads) and self._listed is not None and len(self._listed.points):
            return self._oracle(np.vstack([np.eye(self._num_terms), np.ones(self._num_terms)]))
        for position in range(len(ends.heads)):
            self._remember(ends, position)
        return ends.points[: len(ends.heads)]

    def _oracle(self, weights: Matrix) -> Matrix:
        if self._listed is None:
            return np.array([self._cheapest(weight) for weight in weights])
        least = np.argmin(weights @ self._listed.points.T, axis=1)
        for position in np.unique(least):
            self._remember(self._listed, int(position))
        return np.asarray(self._listed.points[least])

    def _cheapest(self, weight: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give the least point under one mix of terms, by a minimum cut per codec."""
        device, sent, served, *others = weight
        returned = others[0] if others else 0.0
        table = self._table
        least = (
            self._network.head(
                device * table.device_s,
                served * table.server_s + returned * self._returned,
                sent * codec.sent_bytes + device * codec.encode_s + served * codec.decode_s,
            )
            for codec in self._codecs
        )
        heads = list(dict.fromkeys((table.everything, *least)))
        found = self._points(head_rows(table, heads, self._limits))
        if not len(found.points):
            found = self._points(head_rows(table, [table.everything], NO_LIMITS))
        position = int(np.argmin(found.points @ weight))
        self._remember(found, position)
        return np.asarray(found.points[position])

    def _remember(self, points: "_Points", position: int) -> None:
        """Remember whose point it is; of equal ones the first."""
        row = points.row(position)
        self._row_of.setdefault(points.points[position].tobytes(), row)

    def _points(self, rows: HeadRows) -> "_Points":
        """Give the allowed rows under every codec."""
        rows = rows.only(np.flatnonzero(rows.is_allowed).tolist())
        coded = [
            np.column_stack([codec.sent_bytes, codec.encode_s, codec.decode_s])
            for codec in self._codecs[1:]
        ]
        found = [np.column_stack([rows.head_s, rows.up_bytes, rows.tail_s, rows.down_bytes])]
        if coded:
            sums = crossing_sums(self._table, rows.heads, np.concatenate(coded, axis=1))
            for sent, encode, decode in sums.T.reshape(-1, 3, len(rows.heads)):
                columns = [rows.head_s + encode, sent, rows.tail_s + decode, rows.down_bytes]
                found.append(np.column_stack(columns))
        points = np.concatenate(found)[:, : self._num_terms]
        return _Points(
            np.ascontiguousarray(points), rows.heads, np.arange(len(points), dtype=np.intp)
        )


@dataclass(frozen=True)
class _Points:
    """
    Points of heads, codec after codec.

    Parameters
    ----------
    points
        Shape ``(n_points, n_terms)``.
    heads
        In the order of the points of one codec.
    positions
        Of each point among those of all heads under all codecs. Shape ``(n_points,)``.
    """

    points: Matrix
    heads: tuple[int, ...]
    positions: NDArray[np.intp]

    def row(self, position: int) -> Row:
        """Give the head and the codec of a point."""
        codec, head = divmod(int(self.positions[position]), len(self.heads))
        return self.heads[head], codec

    def without(self, is_struck: IsStruck, codecs: Sequence[CodedValues]) -> "_Points":
        """Leave out the points that are struck; never raw ones."""
        raw = [True] * len(self.heads)
        kept = raw + [
            not is_struck(head, codec.name) for codec in codecs[1:] for head in self.heads
        ]
        return _Points(self.points[kept], self.heads, self.positions[kept])
