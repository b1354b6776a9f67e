"""The few cuts worth holding segments for, from the graph alone.

Both hosts must hold boundaries at the same cuts before either was measured, so
this looks at nothing but operations and bytes.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cutpoint.cost import NO_LIMITS, every_head, head_rows, nodes_in, table_of_nodes
from cutpoint.graph import (
    Cut,
    Graph,
    blocks_of,
    candidate_cuts,
    cut_of,
    num_segments,
    server_only,
)
from cutpoint.planning.cuts.compile_heads import lower_left
from cutpoint.planning.cuts.heads import breadth_first_order, prefix_heads

MAX_SEGMENTS = 12
"""Each boundary costs 0.05-0.5 ms; up to here the whole stays within a few per cent."""

_MAX_LISTED = 20_000
"""Up to here all cuts are listed, in a fraction of a second; of 30 real graphs only
HRNet has more."""

_SPEEDUPS = (2.0, 8.0, 32.0)
"""Server speed / device speed over which regret is taken."""

_NUM_BANDWIDTHS = 61
_DECADES = 3.0
"""Bandwidths at which sending the input takes 1e-3 ... 1e3 of computing on the device."""


def cuts_to_hold(graph: Graph) -> tuple[Cut, ...]:
    """
    Give the cuts both hosts hold a graph at, with nothing measured.

    Returns
    -------
    tuple of Cut
        The shortlist of `graph_cuts`; the common refinement of them has at most
        `MAX_SEGMENTS` segments.
    """
    return shortlist(graph, graph_cuts(graph))


def graph_cuts(graph: Graph) -> tuple[Cut, ...]:
    """
    Give every cut that may be worth holding: of one crossing value or of several.

    All candidates of `candidate_cuts`, and those cuts of several values that nothing beats in
    both operations and bytes: of all cuts where they can be listed, else of the
    prefixes of a breadth-first order.

    Returns
    -------
    tuple of Cut
        In topological order; the same on every host.
    """
    single = candidate_cuts(graph)
    found = {cut.id: cut for cut in single}
    flops = np.array([node.flops for node in graph.nodes])
    costs = table_of_nodes(graph, [flops, flops])
    rows = every_head(costs, NO_LIMITS, _MAX_LISTED)
    if rows is None:
        rows = head_rows(costs, prefix_heads(breadth_first_order(costs)), NO_LIMITS)
    blocks = blocks_of(graph)
    for row in lower_left(rows.head_s, np.where(rows.is_allowed, rows.up_bytes, np.inf)):
        cut = cut_of(graph, nodes_in(blocks, rows.heads[row]))
        if cut is not None and cut.placement == "split":
            found.setdefault(cut.id, cut)
    return tuple(sorted(found.values(), key=lambda cut: (cut.head.bit_count(), cut.head)))


def shortlist(graph: Graph, cuts: Sequence[Cut], limit: int = MAX_SEGMENTS - 1) -> tuple[Cut, ...]:
    """
    Keep the cuts that can ever be the best, at most `limit` of them.

    A cut is left out if another one, or an end (device-only, server-only), computes
    no more on the device and sends no more. Of the rest the cut whose loss raises
    the mean regret least goes, until `limit` are left and their common refinement has
    no more than ``limit + 1`` segments: cuts that are not nested make more of them.

    Parameters
    ----------
    cuts
        Interior cuts (placement ``"split"``).
    limit
        Largest number of cuts to keep.

    Returns
    -------
    tuple of Cut
        In the order given.
    """
    kept = list(non_dominated(graph, cuts))
    while len(kept) > limit or num_segments(graph, kept) > limit + 1:
        kept.pop(_least_missed(graph, kept))
    return tuple(kept)


def non_dominated(graph: Graph, cuts: Sequence[Cut]) -> tuple[Cut, ...]:
    """Keep the cuts no other cut or end beats both in operations and in bytes."""
    head_flops, size_bytes = _columns(graph, cuts)
    kept = [row for row in lower_left(head_flops, size_bytes) if row < len(cuts)]
    return tuple(cuts[row] for row in sorted(kept))


def mean_regret(graph: Graph, kept: Sequence[Cut], among: Sequence[Cut]) -> float:
    """
    Give the mean relative loss of choosing among `kept` instead of `among`.

    Over a grid of bandwidths and speed ratios, with times in proportion to
    operations; both choices may also take device-only and server-only.
    """
    best, fewer = _best(graph, among), _best(graph, kept)
    return float(np.mean(fewer / best - 1.0))


def _least_missed(graph: Graph, kept: Sequence[Cut]) -> int:
    regrets = [mean_regret(graph, [*kept[:i], *kept[i + 1 :]], kept) for i in range(len(kept))]
    return int(np.argmin(regrets))


def _best(graph: Graph, cuts: Sequence[Cut]) -> NDArray[np.float64]:
    """Give the best latency at each grid point, in units of the whole on the device."""
    head_flops, size_bytes = _columns(graph, cuts)
    share = head_flops / max(graph.flops(graph.all_nodes), 1.0)
    sent = size_bytes / max(graph.size_bytes(server_only(graph).crossing), 1)
    link = np.logspace(-_DECADES, _DECADES, _NUM_BANDWIDTHS)
    points = [
        np.min(share + (1 - share) / speedup + np.outer(link, sent), axis=1)
        for speedup in _SPEEDUPS
    ]
    return np.concatenate(points)


def _columns(graph: Graph, cuts: Sequence[Cut]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give operations of the head and bytes sent; the two ends follow the cuts."""
    ends = server_only(graph)
    flops = [graph.flops(cut.head) for cut in cuts]
    sizes = [float(graph.size_bytes(cut.crossing)) for cut in cuts]
    flops += [0.0, graph.flops(graph.all_nodes)]
    sizes += [float(graph.size_bytes(ends.crossing)), 0.0]
    return np.array(flops), np.array(sizes)
