"""What is kept of a table that two hosts hold."""

import numpy as np
import pytest

from cutpoint.cost import CutTable, Limits, predict, row_terms, stages, table_of_nodes
from cutpoint.graph import Graph, num_segments
from cutpoint.lab.zoo import graph_of
from cutpoint.planning import MAX_SEGMENTS, Decider, compiled_table, holdable
from cutpoint.records import Conditions, LinkConditions


def compiled(graph: Graph, limits: Limits | None = None) -> CutTable:
    """Compile under costs in proportion to operations."""
    flops = np.array([node.flops for node in graph.nodes])
    costs = table_of_nodes(graph, [flops / 5e9 + 1e-5, flops / 8e12 + 8e-6])
    return compiled_table(graph, costs, limits=limits or Limits())


@pytest.mark.parametrize("net", ["squeezenet", "hrnet_w18_small", "inception_v3", "fpn_detector"])
def test_segments_stay_few(net: str) -> None:
    """However many cuts are ever best, both hosts hold a dozen segments; what is lost is told."""
    graph = graph_of(net)
    table = compiled(graph)
    held, regret = holdable(graph, table)
    assert num_segments(graph, held.splits) <= MAX_SEGMENTS
    assert set(held.splits) <= set(table.splits)
    assert (regret == 0) == (held.splits == table.splits) or regret < 0.05
    assert (held.sha256, held.gap) == (table.sha256, table.gap)
    if num_segments(graph, table.splits) <= MAX_SEGMENTS:
        assert held.splits == table.splits


def test_the_cut_least_missed_goes_first() -> None:
    """Tighter and tighter, the regret only grows."""
    graph = graph_of("inception_v3")
    table = compiled(graph)
    regrets = [holdable(graph, table, limit)[1] for limit in (12, 8, 4, 2, 1)]
    assert regrets == sorted(regrets)
    assert holdable(graph, table, 1)[0].splits == ()


def test_inputs_that_may_not_leave_bar_server_only() -> None:
    """A table compiled under a depth of one never says server-only, whoever decides on it."""
    table = compiled(graph_of("squeezenet"), Limits(min_depth=1))
    assert not table.may_send_inputs
    fast = Conditions(LinkConditions(1e12, 1e12, 0.0, 0.0))
    latency_s = predict(table, fast).latency_s
    assert np.isinf(latency_s[1])
    assert np.isfinite(np.delete(latency_s, 1)).all()
    assert Decider({"edge:8001": table}).decide([fast]).placement == "split"
    assert row_terms(table)[1, 0] > 1e17
    assert np.isinf(stages(table, fast).longest_s[1])
    assert table.is_limited
