"""A table of one model, and situations it is decided in."""

from collections.abc import Callable

import numpy as np
import pytest

from cutpoint.cost import CutTable
from cutpoint.graph import Graph, cut_at, device_only, server_only
from cutpoint.policies import Situation
from cutpoint.records import Conditions, LinkConditions, LoadConditions

Decide = Callable[..., Situation]


@pytest.fixture(scope="session")
def graph(graph_of: Callable[..., Graph]) -> Graph:
    """Give a diamond between two single values at which it can be cut."""
    return graph_of(
        """(float[1,64] x) => (float[1,1] y)
        { a = ReduceMax<axes = [1]>(x) b = Sigmoid(a) c = Tanh(a) d = Add(b, c) y = Neg(d) }"""
    )


@pytest.fixture(scope="session")
def table(graph: Graph) -> CutTable:
    """Give the ends and the cuts at a, and at b and c: 1, 2 and 4 s on the device in all."""
    cuts = (device_only(graph), server_only(graph), cut_at(graph, "a"), cut_at(graph, "bc"))
    return CutTable(
        cuts=cuts,
        head_s=np.array([4.0, 0.0, 1.0, 2.0]),
        rest_s=np.array([0.0, 4.0, 3.0, 2.0]),
        encode_s=np.zeros(4),
        tail_s=np.array([0.0, 0.4, 0.3, 0.2]),
        up_bytes=np.array([0.0, 256.0, 4.0, 8.0]),
        down_bytes=np.array([0.0, 4.0, 4.0, 4.0]),
    )


@pytest.fixture(scope="session")
def situation_of(table: CutTable) -> Decide:
    """Give the writer of situations: upload rate in bytes per second, ``None`` for no link."""

    def write(
        rate: float | None, *, wait_s: float = 0.0, among: CutTable = table, at_s: float = 0.0
    ) -> Situation:
        link = None if rate is None else LinkConditions(rate, 1e9, 0.0, 0.0)
        conditions = Conditions(link, LoadConditions(wait_s=wait_s))
        return Situation(at_s, among, conditions, "edge:8001")

    return write
