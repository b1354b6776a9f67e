"""Compile a graph, the costs of two hosts and codecs into the table decisions are made on."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from cutpoint.cost import AS_IT_IS, Coding, CutTable, HostCosts
from cutpoint.graph import Cut, Graph, device_only, server_only
from cutpoint.records import RAW


def compile_table(
    graph: Graph,
    cuts: Sequence[Cut],
    device: HostCosts,
    server: HostCosts,
    *,
    may_send_inputs: bool = True,
    codings: Sequence[Coding] = (),
    is_struck: Callable[[str, str], bool] = lambda _cut_id, _codec: False,
    keeps_dominated: bool = False,
) -> CutTable:
    """
    Give the cut table: device-only, server-only, then the cuts in the order given.

    Each cut's raw row comes first, behind it one for each codec that encodes one of its values
    at least.

    Parameters
    ----------
    cuts
        Interior cuts; each must be in both hosts' costs.
    device, server
        Costs of the two hosts, codecs aside.
    may_send_inputs
        Whether server-only may be chosen.
    codings
        Codecs beside raw, in order of preference where two are equal in all.
    is_struck
        Tells of a cut's id and a codec whether there must be no such row. Device-only and
        server-only as it is stay in any case; a split without any row is left out.
    keeps_dominated
        Whether rows stay that can never be the best: those of a cut that another of its rows
        beats in bytes and in both hosts' time.
    """
    rows = [_Row(device_only(graph), AS_IT_IS, 0.0, 0.0, 0.0)]
    for cut in (server_only(graph), *cuts):
        found = list(_rows(graph, cut, codings, is_struck))
        rows += found if keeps_dominated else _not_dominated(found)
    ids = [row.cut.id for row in rows]
    return CutTable(
        cuts=tuple(row.cut for row in rows),
        head_s=np.array([device.head_s[cut_id] for cut_id in ids]),
        rest_s=np.array([device.tail_s[cut_id] for cut_id in ids]),
        encode_s=np.array([row.encode_s for row in rows]),
        tail_s=np.array([0.0, *(server.tail_s[row.cut.id] + row.decode_s for row in rows[1:])]),
        up_bytes=np.array([row.up_bytes for row in rows]),
        down_bytes=np.array([float(graph.size_bytes(row.cut.returned)) for row in rows]),
        codecs=tuple(row.coding.name for row in rows),
        takes={coding.name: frozenset(coding.sent_bytes) for coding in codings},
        sha256=graph.sha256,
        may_send_inputs=may_send_inputs,
    )


@dataclass(frozen=True)
class _Row:
    """One cut under one codec."""

    cut: Cut
    coding: Coding
    up_bytes: float
    encode_s: float
    decode_s: float

    def beats(self, other: "_Row") -> bool:
        """Tell whether it is no worse in anything."""
        return (
            self.up_bytes <= other.up_bytes
            and self.encode_s <= other.encode_s
            and self.decode_s <= other.decode_s
        )


def _rows(
    graph: Graph, cut: Cut, codings: Sequence[Coding], is_struck: Callable[[str, str], bool]
) -> Iterator[_Row]:
    sizes = {name: float(graph.size_bytes((name,))) for name in cut.crossing}
    if cut.placement == "server" or not is_struck(cut.id, RAW):
        yield _Row(cut, AS_IT_IS, sum(sizes.values()), 0.0, 0.0)
    for coding in codings:
        if coding.takes_any(cut.crossing) and not is_struck(cut.id, coding.name):
            yield _Row(
                cut,
                coding,
                sum(coding.sent_bytes.get(name, size) for name, size in sizes.items()),
                sum(coding.encode_s.get(name, 0.0) for name in sizes),
                sum(coding.decode_s.get(name, 0.0) for name in sizes),
            )


def _not_dominated(rows: Sequence[_Row]) -> list[_Row]:
    """Leave out codecs of a cut that another row of it beats; of equals the first stays."""

    def is_dominated(position: int) -> bool:
        row = rows[position]
        return any(
            other.beats(row) and (before < position or not row.beats(other))
            for before, other in enumerate(rows)
            if other is not row
        )

    return [
        row
        for position, row in enumerate(rows)
        if row.coding is AS_IT_IS or not is_dominated(position)
    ]
