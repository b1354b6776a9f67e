"""Compile a graph and its costs into the table that decisions are made on."""

from collections.abc import Callable, Sequence

import numpy as np

from cutpoint.cost import (
    AS_THEY_ARE,
    NO_LIMITS,
    CodecRate,
    Coding,
    CostTable,
    CutTable,
    Limits,
    coded_rows,
    crossing_names,
    head_rows,
    nodes_in,
)
from cutpoint.exceptions import CostError
from cutpoint.graph import SERVER_ONLY, Cut, Graph, blocks_of, cut_id, cut_of
from cutpoint.planning.cuts.compile_heads import MAX_LISTED, compile_heads


def compiled_table(
    graph: Graph,
    costs: CostTable,
    *,
    limits: Limits = NO_LIMITS,
    codecs: Sequence[Coding | CodecRate] = (AS_THEY_ARE,),
    is_struck: Callable[[str, str], bool] | None = None,
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
        Encodings of the crossing values, by value or as rates that hold for all alike; raw
        is among them even if it is not given.
    is_struck
        Tells of a cut's id and a codec whether there must be no such row; never asked of raw.
        None is struck by default.
    max_listed
        Largest number of cuts to list; beyond, minimum cuts find the best.

    Raises
    ------
    CostError
        If the costs are of another model, or two codecs have one name.
    """
    if costs.sha256 != graph.sha256:
        raise CostError(
            f"the costs are of {costs.name!r} ({costs.sha256[:12] or 'no model'}), not of "
            f"{graph.name!r} ({graph.sha256[:12]}): profile this file"
        )
    cuts = _Cuts(graph, costs)
    compiled = compile_heads(
        costs,
        limits,
        codecs,
        cuts.is_nameable,
        max_listed,
        None if is_struck is None else lambda head, codec: is_struck(cuts.id_of(head), codec),
    )
    rows = coded_rows(costs, list(zip(compiled.heads, compiled.codecs, strict=True)), NO_LIMITS)
    on_device = np.array([_device_s(costs, head) for head in compiled.heads])
    return CutTable(
        cuts=tuple(cuts.of(head) for head in compiled.heads),
        head_s=rows.head_s,
        rest_s=np.maximum(costs.device_s.sum() - on_device, 0.0),
        encode_s=rows.encode_s,
        tail_s=rows.tail_s,
        up_bytes=rows.up_bytes,
        down_bytes=rows.down_bytes,
        codecs=rows.codecs,
        takes={each.name: each.takes for each in compiled.codecs if each.takes is not None},
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

    def __init__(self, graph: Graph, costs: CostTable) -> None:
        self._graph = graph
        self._costs = costs
        self._ids: dict[int, str] = {}
        self._blocks = blocks_of(graph)
        self._known: dict[int, Cut | None] = {}

    def of(self, head: int) -> Cut:
        """Give the cut of a head that is nameable."""
        cut = self._named(head)
        if cut is None:
            raise CostError(f"a head of {self._graph.name!r} has no cut to be named by")
        return cut

    def id_of(self, head: int) -> str:
        """Give the id of a split's or server-only's cut: of its crossing values alone."""
        found = self._ids.get(head)
        if found is None:
            crossing = crossing_names(self._costs, head)
            found = self._ids[head] = cut_id(crossing) if head else SERVER_ONLY
        return found

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
