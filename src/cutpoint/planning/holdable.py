"""What of a compiled table two hosts can hold: few segments, least regret."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cutpoint.cost import CutTable, row_terms
from cutpoint.graph import Cut, Graph, num_segments
from cutpoint.planning.shortlist import MAX_SEGMENTS

_LINKS = np.logspace(-3.0, 3.0, 61)
"""Time to send the input, in units of the whole on the device."""

_LOADS = (1.0, 2.0, 4.0, 8.0, 16.0)


def holdable(graph: Graph, table: CutTable, limit: int = MAX_SEGMENTS) -> tuple[CutTable, float]:
    """
    Drop cuts until the common refinement of the others has few enough segments.

    The cut whose loss raises the mean regret least goes first: over links on which the
    input takes 1e-3 to 1e3 of the device's own time, and loads from 1 to 16.

    Parameters
    ----------
    table
        Compiled for this graph.
    limit
        Largest number of segments; each boundary costs 0.05-0.5 ms per run.

    Returns
    -------
    table : CutTable
        With all rows of the cuts that are left.
    regret : float
        Mean relative loss of choosing among these instead of all rows.
    """
    latency_s = _latencies(table)
    best_s = latency_s.min(axis=0)
    kept = list(table.splits)
    while num_segments(graph, kept) > limit:
        kept.pop(int(np.argmin([_without(table, latency_s, kept, cut) for cut in kept])))
    rows = [row for row, cut in enumerate(table.cuts) if cut.placement != "split" or cut in kept]
    regret = float(np.mean(latency_s[rows].min(axis=0) / best_s - 1.0))
    return _only(table, rows), regret


def _latencies(table: CutTable) -> NDArray[np.float64]:
    """Give the latency of every row at every point of the grid. Shape ``(n_rows, n_points)``."""
    terms = row_terms(table)
    device_s = max(float(table.head_s[0]), np.finfo(float).tiny)
    per_byte = _LINKS * device_s / max(float(table.up_bytes[1]), 1.0)
    points = [[1.0, 0.0, link, load, 0.0] for link in per_byte for load in _LOADS]
    return np.asarray(np.maximum(terms @ np.array(points).T, np.finfo(float).tiny))


def _without(table: CutTable, latency_s: NDArray[np.float64], kept: list[Cut], gone: Cut) -> float:
    """Give the mean of the best latencies, relative to the best now, when one cut more is gone."""
    now = _rows(table, kept)
    then = _rows(table, [cut for cut in kept if cut is not gone])
    return float(np.mean(latency_s[then].min(axis=0) / latency_s[now].min(axis=0)))


def _rows(table: CutTable, kept: list[Cut]) -> list[int]:
    chosen = {cut.id for cut in kept}
    return [
        row for row, cut in enumerate(table.cuts) if cut.placement != "split" or cut.id in chosen
    ]


def _only(table: CutTable, rows: list[int]) -> CutTable:
    columns = ("head_s", "rest_s", "encode_s", "tail_s", "up_bytes", "down_bytes")
    return replace(
        table,
        cuts=tuple(table.cuts[row] for row in rows),
        codecs=tuple(table.codecs[row] for row in rows),
        **{name: getattr(table, name)[rows] for name in columns},
    )
