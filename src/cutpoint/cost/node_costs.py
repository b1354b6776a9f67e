"""Seconds of each node on one host, shared out of what a profile timed."""

from collections.abc import Iterable, Sequence
from statistics import median

import numpy as np
from numpy.typing import NDArray

from cutpoint.cost.host_costs import check_is_of, fold
from cutpoint.graph import Cut, Graph, candidate_cuts, cut_at, segments_of
from cutpoint.records import Profile, SampleKind

NodeSeconds = NDArray[np.float64]
"""Per node of a graph, in its order. Shape ``(n_nodes,)``."""

Piece = tuple[int, float]
"""Nodes as a bit mask, and the seconds they take together."""


def node_seconds(graph: Graph, profile: Profile, like: NodeSeconds | None = None) -> NodeSeconds:
    """
    Give the seconds of every node, so that they add up to what was timed.

    The pieces that were timed keep their time: segments (medians of their runs), else
    what lies between the tails a server states, else the whole. Inside a piece, time
    goes by the profile's node samples; where it has none by `like`, else by operations.

    Parameters
    ----------
    like
        Seconds of every node on another host, whose proportions stand in for a host
        of which only the whole or tails are known. Shape ``(n_nodes,)``.

    Returns
    -------
    array
        Shape ``(n_nodes,)``. Sums over the head of a timed cut are those of `fold`.

    Raises
    ------
    ProfileMismatchError
        If the profile is of another model, or has no timing of the whole.
    """
    check_is_of(graph, profile)
    whole_s = fold(graph, profile, ()).whole_s
    pieces = _timed_segments(graph, profile) or _between_tails(graph, profile, whole_s)
    weights = _weights(graph, profile, like)
    flops = np.array([node.flops for node in graph.nodes], dtype=float)
    node_s = np.zeros(len(graph.nodes))
    for nodes, duration_s in pieces:
        inside = np.array([bool(nodes >> index & 1) for index in range(len(node_s))])
        node_s[inside] = duration_s * _shares(weights[inside], flops[inside])
    return node_s


def _timed_segments(graph: Graph, profile: Profile) -> list[Piece]:
    """Give segments and their times; none unless every one of them was timed."""
    median_s = _medians(profile, "segment")
    if not median_s:
        return []
    segments = segments_of(graph, [cut_at(graph, crossing) for crossing in profile.cuts])
    if any(segment.id not in median_s for segment in segments):
        return []
    return [(segment.nodes, median_s[segment.id]) for segment in segments]


def _between_tails(graph: Graph, profile: Profile, whole_s: float) -> list[Piece]:
    """Give what lies between stated tails, the longest first; everything if none is stated."""
    median_s = _medians(profile, "tail")
    pieces: list[Piece] = []
    head, left_s = 0, whole_s
    for cut in _nested(cut for cut in _cuts(graph, profile, median_s) if cut.id in median_s):
        # Of two tails the one inside the other takes no longer, whatever was measured.
        tail_s = min(median_s[cut.id], left_s)
        pieces.append((cut.head & ~head, left_s - tail_s))
        head, left_s = cut.head, tail_s
    pieces.append((graph.all_nodes & ~head, left_s))
    return pieces


def _cuts(graph: Graph, profile: Profile, stated: dict[str, float]) -> Sequence[Cut]:
    """List the cuts a tail's id can mean."""
    listed = [cut_at(graph, crossing) for crossing in profile.cuts]
    missing = set(stated) - {cut.id for cut in listed}
    return (*listed, *candidate_cuts(graph)) if missing else listed


def _nested(cuts: Iterable[Cut]) -> list[Cut]:
    """Give splits whose heads contain one another, smallest first."""
    chain: list[Cut] = []
    for cut in sorted(cuts, key=lambda cut: cut.head.bit_count()):
        before = chain[-1].head if chain else 0
        if cut.placement == "split" and before & ~cut.head == 0 and cut.head != before:
            chain.append(cut)
    return chain


def _weights(graph: Graph, profile: Profile, like: NodeSeconds | None) -> NodeSeconds:
    median_s = _medians(profile, "node")
    weights = np.array([median_s.get(node.name, 0.0) for node in graph.nodes])
    if not weights.any() and like is not None:
        return like
    return weights


def _shares(weights: NodeSeconds, flops: NodeSeconds) -> NodeSeconds:
    """Give parts of one by weights; by operations, then evenly, where those say nothing."""
    for each in (weights, flops):
        total = each.sum()
        if total > 0:
            return np.asarray(each / total)
    return np.full(len(weights), 1.0 / len(weights))


def _medians(profile: Profile, kind: SampleKind) -> dict[str, float]:
    """Give the median of each subject's samples of a kind."""
    runs_s: dict[str, list[float]] = {}
    for sample in profile.samples:
        if sample.kind == kind and sample.batch == 1:
            runs_s.setdefault(sample.subject, []).append(sample.duration_s)
    return {subject: median(times_s) for subject, times_s in runs_s.items()}
