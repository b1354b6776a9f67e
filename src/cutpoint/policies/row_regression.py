"""Times of heads and tails by node type, by least squares, in place of what was measured."""

import numpy as np
from numpy.typing import NDArray

from cutpoint.cost import CutTable, Predictor
from cutpoint.cost.features import kinds_of
from cutpoint.cost.predictors import nnls_solver
from cutpoint.graph import Graph
from cutpoint.records import RAW

Column = NDArray[np.float64]

_CONVOLUTION, _GROUPED, _MATMUL, _POOLING, _OTHER = range(5)
_NUM_TYPES = 5
_SHORT_S = 1e-4
"""Relative errors count from here."""


class RowRegression:
    """
    What the heads and tails of one graph take, as a sum over its nodes by their types.

    Parameters
    ----------
    graph
        Its sizes bound.
    device, server
        Predictors that were fitted on other models; ``None`` fits on the rows of each table.

    Raises
    ------
    MissingDependencyError
        If SciPy is not installed.

    Notes
    -----
    LoADPart's regression is by node type, on operations and sizes that were chosen by importance;
    which, is unknown. One table has a handful of measured rows, which bear one coefficient for each
    type and no more: operations for convolutions (depth-wise ones apart) and matrix products, bytes
    read and written for pooling and for everything else.
    """

    def __init__(self, graph: Graph, device: Predictor | None, server: Predictor | None) -> None:
        self._solve = nnls_solver()
        self._features = _features(graph)
        self._known = [None if each is None else _node_s(graph, each) for each in (device, server)]

    def times(self, table: CutTable) -> tuple[Column, Column]:
        """Give seconds of head and tail of every row. Shape ``(n_rows,)`` each."""
        num = len(self._features)
        heads = np.array(
            [[cut.head >> node & 1 for node in range(num)] for cut in table.cuts], float
        )
        device, server = self._known
        return (
            self._times(heads, table.head_s, table, device),
            self._times(1 - heads, table.tail_s, table, server),
        )

    def _times(
        self, members: Column, measured_s: Column, table: CutTable, node_s: Column | None
    ) -> Column:
        if node_s is not None:
            known: Column = members @ node_s
            return known
        features = members @ self._features
        raw = [row for row, codec in enumerate(table.codecs) if codec == RAW]
        weights = 1 / np.maximum(measured_s[raw], _SHORT_S)
        # Operations are counted in billions, bytes in thousands: columns are brought level.
        scale = features.max(axis=0)
        scale[scale == 0] = 1.0
        wanted = features[raw] / scale * weights[:, None]
        solution, _ = self._solve(wanted, measured_s[raw] * weights)
        found: Column = features @ (solution / scale)
        return found


def _features(graph: Graph) -> Column:
    """Give one row per node, one column per type: what its time is proportional to."""
    features = np.zeros((len(graph.nodes), _NUM_TYPES))
    for node, kind in zip(graph.nodes, kinds_of(graph), strict=True):
        place = _type_of(kind)
        moved = graph.size_bytes(node.inputs) + graph.size_bytes(node.outputs)
        features[node.index, place] = node.flops if place < _POOLING else moved
    return features


def _type_of(kind: str) -> int:
    if kind.startswith("grouped "):
        return _GROUPED
    if kind in ("Conv", "ConvTranspose"):
        return _CONVOLUTION
    if kind in ("Gemm", "MatMul"):
        return _MATMUL
    return _POOLING if "Pool" in kind else _OTHER


def _node_s(graph: Graph, predictor: Predictor) -> Column:
    seconds = predictor.node_s(graph)
    return np.array([seconds[node.name] for node in graph.nodes])
