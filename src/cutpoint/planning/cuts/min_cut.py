"""Minimum cuts of a cost table, by OR-Tools' maximum flow."""

from functools import cached_property
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutpoint.cost import CostTable
from cutpoint.exceptions import MissingDependencyError

_LARGEST_SUM = 2**52
"""Finite capacities are scaled to this sum: exact in a float and far from 64 bits."""


class MinCut:
    """
    The network of a cost table, built once and solved for many prices.

    The source side is the device. Each block hangs between source (cut when it runs on
    the server) and sink (cut when it runs on the device); a value leaves its producer by
    one priced arc, however many blocks use it.

    Parameters
    ----------
    table
        The blocks and values.
    may_leave
        Per value; the others never cross.
    is_input_pinned
        Whether inputs are the device's. DADS as printed hangs them like any block, with
        no time of their own: they are uploaded for nothing.
    is_back_forbidden
        Whether a block on the server may feed none on the device. DADS as printed
        does not charge that and does not forbid it.

    Raises
    ------
    MissingDependencyError
        If OR-Tools is not installed.

    References
    ----------
    .. [1] Hu, C., Bao, W., Wang, D., Liu, F. (2019). Dynamic Adaptive DNN Surgery for
           Inference Acceleration on the Edge. *IEEE INFOCOM*, 1423 - 1431. Algorithm 1.
    """

    def __init__(
        self,
        table: CostTable,
        may_leave: tuple[bool, ...],
        *,
        is_input_pinned: bool = True,
        is_back_forbidden: bool = True,
    ) -> None:
        self._table = table
        self._may_leave = may_leave
        self._is_input_pinned = is_input_pinned
        self._is_back_forbidden = is_back_forbidden

    def head(
        self,
        device_s: NDArray[np.float64],
        server_s: NDArray[np.float64],
        upload_s: NDArray[np.float64],
    ) -> int:
        """
        Give the cheapest head for these prices.

        Parameters
        ----------
        device_s, server_s
            Price of each block on either host, not negative; infinite forbids that host.
            Shape ``(n_blocks,)``.
        upload_s
            Price of sending each value. Shape ``(n_values,)``.

        Returns
        -------
        int
            Bit mask; of equally cheap heads the smallest.
        """
        arcs = self._arcs
        by_kind = {"server": server_s, "device": device_s, "upload": upload_s}
        prices = np.full(len(arcs.tails), inf)
        for kind, price in by_kind.items():
            positions, subjects = arcs.priced[kind]
            prices[positions] = price[subjects]
        finite = np.isfinite(prices)
        total = float(prices[finite].sum())
        scale = _LARGEST_SUM / total if total else 1.0
        capacities = np.full(len(prices), 2 * _LARGEST_SUM + len(prices), dtype=np.int64)
        capacities[finite] = np.rint(prices[finite] * scale).astype(np.int64)
        flow = _solver()()
        flow.add_arcs_with_capacity(arcs.tails, arcs.heads, capacities)
        flow.solve(arcs.source, arcs.sink)
        side = np.zeros(arcs.num_vertices, dtype=bool)
        side[flow.get_source_side_min_cut()] = True
        packed = np.packbits(side[: self._table.num_blocks], bitorder="little")
        return int.from_bytes(packed.tobytes(), "little")

    @cached_property
    def _arcs(self) -> "_Arcs":
        arcs = _Arcs(self._table.num_blocks)
        for block in range(self._table.num_blocks):
            arcs.add(arcs.source, block, "server", block)
            arcs.add(block, arcs.sink, "device", block)
        for index, value in enumerate(self._table.values):
            if value.consumers:
                self._add_value(arcs, index)
        return arcs.finished()

    def _add_value(self, arcs: "_Arcs", index: int) -> None:
        value = self._table.values[index]
        producer = value.producer
        if producer is None and not self._is_input_pinned:
            return
        begin = arcs.source if producer is None else producer
        # One upload serves every consumer: it is priced on the way into a vertex between.
        between = arcs.new_vertex()
        arcs.add(begin, between, "upload" if self._may_leave[index] else "never", index)
        for consumer in value.consumers:
            arcs.add(between, consumer, "never", index)
            if producer is not None and (self._is_back_forbidden or not value.may_cross):
                arcs.add(consumer, producer, "never", index)


class _Arcs:
    """Arcs as they are collected, then as arrays."""

    def __init__(self, num_blocks: int) -> None:
        self.source, self.sink = num_blocks, num_blocks + 1
        self.num_vertices = num_blocks + 2
        self._listed: list[tuple[int, int]] = []
        self._subjects: dict[str, list[tuple[int, int]]] = {
            "server": [], "device": [], "upload": [], "never": [],
        }  # fmt: skip

    def new_vertex(self) -> int:
        self.num_vertices += 1
        return self.num_vertices - 1

    def add(self, tail: int, head: int, kind: str, subject: int) -> None:
        self._subjects[kind].append((len(self._listed), subject))
        self._listed.append((tail, head))

    def finished(self) -> "_Arcs":
        listed = np.array(self._listed, dtype=np.int32).reshape(-1, 2)
        self.tails, self.heads = (
            np.ascontiguousarray(listed[:, 0]),
            np.ascontiguousarray(listed[:, 1]),
        )
        self.priced = {
            kind: (
                np.array([position for position, _ in pairs], dtype=np.intp),
                np.array([subject for _, subject in pairs], dtype=np.intp),
            )
            for kind, pairs in self._subjects.items()
        }
        return self


def _solver() -> Any:
    try:
        from ortools.graph.python import max_flow
    except ImportError as error:
        raise MissingDependencyError(
            "planning by minimum cuts needs OR-Tools: pip install 'cutpoint[plan]'"
        ) from error
    return max_flow.SimpleMaxFlow
