"""LoADPart decides by a regression over node types, in place of what was measured."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from cutpoint.cost import CutTable, Predictor
from cutpoint.cost.features import FEATURES
from cutpoint.graph import Cut, Graph, cut_at, device_only, server_only
from cutpoint.policies import Situation
from cutpoint.policies.loadpart import LoadPart
from cutpoint.policies.row_regression import RowRegression
from cutpoint.records import Conditions, Environment, LinkConditions

NETS = """(float[1,4,8,8] x) => (float[1,4,4,4] y)
<float[4,4,3,3] w, float[4,1,3,3] d> {
    a = Conv<pads = [1,1,1,1]>(x, w)
    b = Relu(a)
    c = Conv<pads = [1,1,1,1], group = 4>(b, d)
    y = MaxPool<kernel_shape = [2,2], strides = [2,2]>(c)
}"""


@pytest.fixture(scope="module")
def chain(graph_of: Callable[..., Graph]) -> Graph:
    """Give a chain of a convolution, an activation, a depth-wise convolution and pooling."""
    return graph_of(NETS)


def table_of_chain(graph: Graph, node_s: list[float], server: float = 0.1) -> CutTable:
    """Give the rows of a chain whose nodes take so long, on a server so many times as long."""
    cuts: tuple[Cut, ...] = (device_only(graph), server_only(graph), cut_at(graph, "b"))
    cuts = (*cuts, cut_at(graph, "c"))
    seconds = np.array(node_s)
    heads = np.array([[cut.head >> node & 1 for node in range(len(node_s))] for cut in cuts])
    return CutTable(
        cuts=cuts,
        head_s=heads @ seconds,
        rest_s=(1 - heads) @ seconds,
        encode_s=np.zeros(4),
        tail_s=(1 - heads) @ seconds * server,
        up_bytes=np.array([0.0, 1024.0, 1024.0, 1024.0]),
        down_bytes=np.array([0.0, 256.0, 256.0, 256.0]),
    )


def test_times_in_proportion_to_operations_and_bytes_are_met(chain: Graph) -> None:
    """Where each type's nodes take so long per operation, or byte, the regression is exact."""
    flops = [node.flops for node in chain.nodes]
    moved = [chain.size_bytes(node.inputs) + chain.size_bytes(node.outputs) for node in chain.nodes]
    node_s = [3e-6 * flops[0], 1e-6 * moved[1], 9e-6 * flops[2], 2e-6 * moved[3]]
    table = table_of_chain(chain, node_s)
    head_s, tail_s = RowRegression(chain, None, None).times(table)
    np.testing.assert_allclose(head_s, table.head_s, rtol=1e-6)
    np.testing.assert_allclose(tail_s, table.tail_s, rtol=1e-6, atol=1e-12)


def test_what_does_not_grow_with_its_type_is_missed(graph_of: Callable[..., Graph]) -> None:
    """Of two layers alike the one that was slow is taken for a quick one: that is the price."""
    graph = graph_of(
        "(float[1,64] x) => (float[1,64] y) { a = Exp(x) b = Tanh(a) c = Exp(b) y = Tanh(c) }"
    )
    table = table_of_chain(graph, [0.001, 0.001, 0.1, 0.001])
    head_s, _ = RowRegression(graph, None, None).times(table)
    assert head_s[2] == pytest.approx(head_s[0] / 2)


def test_a_predictor_of_the_host_takes_the_place_of_the_tables_rows(chain: Graph) -> None:
    """Given what was fitted on other models, nothing of this model's times counts."""
    environment = Environment("1.0", ("CPU",), 1, "cpu", 1, None, malloc_kept=False)
    constant = tuple(1.0 if name == "constant" else 0.0 for name in FEATURES)
    predictor = Predictor({}, constant, 1, environment)
    table = table_of_chain(chain, [0.1, 0.2, 0.3, 0.4])
    head_s, tail_s = RowRegression(chain, predictor, None).times(table)
    assert head_s.tolist() == [4.0, 0.0, 2.0, 3.0]
    assert tail_s[1] == pytest.approx(0.1, rel=0.5)


def test_it_decides_by_the_regression_once_it_has_seen_the_graph(chain: Graph) -> None:
    """A head that was measured slow by chance is believed by the table, not by the regression."""
    node_s = [1e-3, 1e-3, 1e-3, 1e-3]
    table = table_of_chain(chain, node_s)
    odd = replace(table, head_s=np.array([4e-3, 0.0, 2e-3, 4e-3]), up_bytes=np.array([0, 9, 9, 1]))
    policy = LoadPart()
    assert policy.seen_table(odd) is odd
    policy.candidates(chain)
    seen = policy.seen_table(odd)
    assert seen.head_s[3] != odd.head_s[3]
    link = LinkConditions(1e9, 1e9, 0.0, 0.0)
    plan = policy.decide(Situation(0.0, odd, Conditions(link), "edge:8001"))
    row = odd.find(plan.cut)
    assert row is not None
    assert plan.predicted.head_s == odd.head_s[row]
