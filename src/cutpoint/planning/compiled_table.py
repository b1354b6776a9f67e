"""Compile a graph and its costs into the table that decisions are made on."""

from collections.abc import Sequence

import numpy as np

from cutpoint.cost import (
    AS_THEY_ARE,
    NO_LIMITS,
    CodecRate,
    CostTable,
    CutTable,
    Limits,
    head_rows,
    nodes_in,
)
from cutpoint.exceptions import CostError
from cutpoint.graph import Cut, Graph, blocks_of, cut_of
from cutpoint.planning.cuts.compile_heads import MAX_LISTED, compile_heads


def compiled_table(
    graph: Graph,
    costs: CostTable,
    *,
    limits: Limits = NO_LIMITS,
    codecs: Sequence[CodecRate] = (AS_THEY_ARE,),
    max_listed: int = MAX_LISTED,
) -> CutTable:
    """
    Give every cut and codec that is best under some condition, as rows of a cut table.

    Parameters
    ----------
    costs
        Of the graph's blocks, as `table_of_nodes` gives them.
    limits
        What no row may do. Device-only and server-only are rows in any case; the latter is
        barred where it breaks them.
    codecs
        Encodings of the crossing values.
    max_listed
        Largest number of cuts to list; beyond, minimum cuts find the best.

    Raises
    ------
    CostError
        If the costs are of another model.
    """
    if costs.sha256 != graph.sha256:
        raise CostError(
            f"the costs are of {costs.name!r} ({costs.sha256[:12] or 'no model'}), not of "
            f"{graph.name!r} ({graph.sha256[:12]}): profile this file"
        )
    cuts = _Cuts(graph)
    compiled = compile_heads(costs, limits, codecs, cuts.is_nameable, max_listed)
    rows = head_rows(costs, compiled.heads, NO_LIMITS)
    rates = [codecs[index] for index in compiled.codecs]
    encode = np.array([rate.encode_s_per_byte for rate in rates])
    decode = np.array([rate.decode_s_per_byte for rate in rates])
    on_device = np.array([_device_s(costs, head) for head in compiled.heads])
    return CutTable(
        cuts=tuple(cuts.of(head) for head in compiled.heads),
        head_s=rows.head_s,
        rest_s=np.maximum(costs.device_s.sum() - on_device, 0.0),
        encode_s=encode * rows.up_bytes,
        tail_s=rows.tail_s + decode * rows.up_bytes,
        up_bytes=np.array([rate.ratio for rate in rates]) * rows.up_bytes,
        down_bytes=rows.down_bytes,
        codecs=tuple(rate.name for rate in rates),
        sha256=graph.sha256,
        gap=compiled.gap,
        is_complete=compiled.is_complete,
        is_limited=limits != NO_LIMITS,
        may_send_inputs=bool(head_rows(costs, [0], limits).is_allowed[0]),
    )


def _device_s(costs: CostTable, head: int) -> float:
    members = [block for block in range(costs.num_blocks) if head >> block & 1]
    return float(costs.device_s[members].sum())


class _Cuts:
    """The graph's cuts by heads of blocks."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._blocks = blocks_of(graph)
        self._known: dict[int, Cut | None] = {}

    def of(self, head: int) -> Cut:
        """Give the cut of a head that is nameable."""
        cut = self._named(head)
        if cut is None:
            raise CostError(f"a head of {self._graph.name!r} has no cut to be named by")
        return cut

    def is_nameable(self, head: int) -> bool:
        """Tell whether the head is the one that its crossing values name."""
        # With one output no other head sends the same, so nothing is looked up: listed
        # heads are many. What cannot travel is left to the costs, which forbid it.
        if len(self._graph.outputs) == 1:
            return True
        cut = self._named(head)
        return cut is not None and cut.head == nodes_in(self._blocks, head)

    def _named(self, head: int) -> Cut | None:
        if head not in self._known:
            self._known[head] = cut_of(self._graph, nodes_in(self._blocks, head))
        return self._known[head]
