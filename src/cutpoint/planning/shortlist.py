"""The few cuts worth holding segments for, from the graph alone.

Both hosts must hold boundaries at the same cuts before either was measured, so
this looks at nothing but operations and bytes.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cutpoint.graph import Cut, Graph, server_only

MAX_SEGMENTS = 12
"""Each boundary costs 0.05-0.5 ms; up to here the whole stays within a few per cent."""

_SPEEDUPS = (2.0, 8.0, 32.0)
"""Server speed / device speed over which regret is taken."""

_NUM_BANDWIDTHS = 61
_DECADES = 3.0
"""Bandwidths at which sending the input takes 1e-3 ... 1e3 of computing on the device."""


def shortlist(graph: Graph, cuts: Sequence[Cut], limit: int = MAX_SEGMENTS - 1) -> tuple[Cut, ...]:
    """
    Keep the cuts that can ever be the best, at most `limit` of them.

    A cut is left out if another one, or an end (device-only, server-only), computes
    no more on the device and sends no more. Of the rest the cut whose loss raises
    the mean regret least goes, until `limit` are left.

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
    while len(kept) > limit:
        kept.pop(_least_missed(graph, kept))
    return tuple(kept)


def non_dominated(graph: Graph, cuts: Sequence[Cut]) -> tuple[Cut, ...]:
    """Keep the cuts no other cut or end beats both in operations and in bytes."""
    head_flops, size_bytes = _columns(graph, cuts)
    kept = []
    for row, cut in enumerate(cuts):
        no_worse = (head_flops <= head_flops[row]) & (size_bytes <= size_bytes[row])
        better = (head_flops < head_flops[row]) | (size_bytes < size_bytes[row])
        same_before = (head_flops == head_flops[row]) & (size_bytes == size_bytes[row])
        earlier = np.arange(len(head_flops)) < row
        if not np.any(no_worse & (better | (same_before & earlier))):
            kept.append(cut)
    return tuple(kept)


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
