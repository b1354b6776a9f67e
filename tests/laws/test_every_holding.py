"""Laws of what both hosts hold a graph at, over every net of the zoo, with nothing measured."""

from functools import cache

import pytest
from tests.nets import net_graph

from cutpoint.graph import Cut, Graph, candidate_cuts, cut_at, cut_id, segments_of
from cutpoint.lab.zoo import ZOO, graph_of
from cutpoint.planning import MAX_SEGMENTS, cuts_to_hold, graph_cuts, mean_regret, non_dominated

MULTI_VALUE = ("alexnet_towers", "ghostnet", "googlenet", "hrnet_w18_small", "inception_v3")
"""Nets some of whose worthwhile cuts are crossed by several values."""

NOT_NESTED = ("fpn_detector", "inception_v3")
"""Nets some of whose worthwhile cuts do not contain each other."""


@pytest.fixture(scope="module", params=ZOO)
def graph(request: pytest.FixtureRequest) -> Graph:
    """Give the graph of each net."""
    return net_graph(request.param)


@cache
def cuts_of(name: str) -> tuple[Cut, ...]:
    """Give the cuts of a net, found once for all tests of them."""
    return graph_cuts(net_graph(name))


def test_segments_are_few(graph: Graph) -> None:
    """The common refinement of the cuts held has at most twelve segments."""
    assert 1 <= len(segments_of(graph, cuts_to_hold(graph))) <= MAX_SEGMENTS


def test_every_host_holds_the_same(graph: Graph) -> None:
    """A graph read anew, as on another host, is held at the same cuts in the same order."""
    assert cuts_to_hold(graph) == cuts_to_hold(graph_of(graph.name))


def test_every_cut_held_is_named_by_what_crosses(graph: Graph) -> None:
    """The values alone give the cut again, and they can travel; no cut is held twice."""
    held = cuts_to_hold(graph)
    assert len({cut.id for cut in held}) == len(held)
    for cut in held:
        assert cut.placement == "split"
        assert cut.id == cut_id(cut.crossing)
        assert cut_at(graph, cut.crossing) == cut
        assert all(graph.values[name].can_travel for name in cut.crossing)


def test_cuts_are_those_of_one_value_and_the_best_of_several(graph: Graph) -> None:
    """All single-value candidates are among a graph's cuts, each named, and none twice."""
    cuts = cuts_of(graph.name)
    assert set(candidate_cuts(graph)) <= set(cuts)
    assert len({cut.id for cut in cuts}) == len({cut.head for cut in cuts}) == len(cuts)
    assert all(cut_at(graph, cut.crossing) == cut for cut in cuts)
    sizes = [cut.head.bit_count() for cut in cuts]
    assert sizes == sorted(sizes)


def test_holding_few_costs_little(graph: Graph) -> None:
    """What is held loses under a thousandth on average against all that is worth holding."""
    worth = non_dominated(graph, cuts_of(graph.name))
    regret = mean_regret(graph, cuts_to_hold(graph), worth)
    assert 0 <= regret < 1e-3


def test_several_values_cross_where_branches_run_side_by_side() -> None:
    """The nets with parallel branches are cut across them, and some of those cuts do not nest."""
    several, crossed = [], []
    for name in ZOO:
        cuts = cuts_of(name)
        if any(len(cut.crossing) > 1 for cut in cuts):
            several.append(name)
        if any(a.head & b.head not in (a.head, b.head) for a in cuts for b in cuts):
            crossed.append(name)
    assert set(several) >= set(MULTI_VALUE)
    assert set(crossed) >= set(NOT_NESTED)
