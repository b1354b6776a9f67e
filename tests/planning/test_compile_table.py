from collections.abc import Callable

import numpy as np
import pytest

from cutpoint.cost import CutTable, HostCosts
from cutpoint.graph import DEVICE_ONLY, SERVER_ONLY, Cut, Graph, cut_at
from cutpoint.planning import compile_table


@pytest.fixture
def graph(graph_of: Callable[..., Graph]) -> Graph:
    """Give two inputs of 16 and 32 bytes, an output of the head and one of the tail."""
    return graph_of(
        """(float[1,4] x, float[1,8] z) => (float[1,8] early, float[1,4] y)
        <float[8,2] w = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}>
        { early = Relu(z) b = MatMul(early, w) c = ReduceMax(x) y2 = Add(b, c)
        y = Concat<axis = 1>(y2, y2) }"""
    )


@pytest.fixture
def cuts(graph: Graph) -> list[Cut]:
    """Give two splits, the later first."""
    return [cut_at(graph, ["b", "c"]), cut_at(graph, ["early", "x"])]


def costs_of(cuts: list[Cut], whole_s: float) -> HostCosts:
    """Give made-up costs: the first split leaves a quarter behind it, the second three."""
    late, early = (cut.id for cut in cuts)
    head = {DEVICE_ONLY: 1.0, SERVER_ONLY: 0.0, late: 0.75, early: 0.25}
    return HostCosts(
        whole_s,
        {cut: whole_s * share for cut, share in head.items()},
        {cut: whole_s * (1 - share) for cut, share in head.items()},
        frozenset(),
    )


@pytest.fixture
def table(graph: Graph, cuts: list[Cut]) -> CutTable:
    """Compile the table of a device of 8 s and a server of 4 s."""
    return compile_table(graph, cuts, costs_of(cuts, 8.0), costs_of(cuts, 4.0))


def test_rows_are_the_ends_and_the_cuts_as_given(table: CutTable, cuts: list[Cut]) -> None:
    """Device-only and server-only come first, then the cuts in the order given."""
    ids = [DEVICE_ONLY, SERVER_ONLY, *(cut.id for cut in cuts)]
    assert ids == [cut.id for cut in table.cuts]


def test_times_come_from_their_host(table: CutTable) -> None:
    """Heads and what a fallback costs are the device's, tails the server's."""
    assert table.head_s.tolist() == [8.0, 0.0, 6.0, 2.0]
    assert table.rest_s.tolist() == [0.0, 8.0, 2.0, 6.0]
    assert table.tail_s.tolist() == [0.0, 4.0, 1.0, 3.0]
    assert table.encode_s.tolist() == [0.0] * 4


def test_bytes_are_what_crosses_and_comes_back(table: CutTable) -> None:
    """Crossing values go up raw; only the outputs the tail makes come down."""
    assert table.up_bytes.tolist() == [0.0, 48.0, 12.0, 48.0]
    assert table.down_bytes.tolist() == [0.0, 48.0, 16.0, 16.0]


def test_without_splits_the_ends_remain(graph: Graph, cuts: list[Cut]) -> None:
    """A model that is not worth cutting still has its two ends."""
    table = compile_table(graph, [], costs_of(cuts, 8.0), costs_of(cuts, 4.0))
    assert np.array_equal([False, True], table.is_offloaded)
