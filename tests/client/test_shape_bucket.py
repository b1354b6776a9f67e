"""Sizes that are planned alike: costs scaled, then learned."""

from collections.abc import Callable
from functools import partial

import pytest

from cutpoint.client.shape_bucket import ShapeBucket
from cutpoint.client.table_rules import TableRules
from cutpoint.cost import HostCosts
from cutpoint.graph import DEVICE_ONLY, SERVER_ONLY, Cut, Graph, bind, cut_at

Read = Callable[..., Graph]

TEXT = """(float[length,4] x) => (float[length,4] y) <float[4,4] w = {
    1,0,0,0, 0,1,0,0, 0,0,1,0, 0,0,0,1 }>
{ a = MatMul(x, w) b = Relu(a) c = MatMul(b, w) y = Relu(c) }"""


@pytest.fixture
def graph(graph_of: Read) -> Graph:
    """Give a chain of one open length, bound to 10."""
    return graph_of(TEXT, length=10)


@pytest.fixture
def cut(graph: Graph) -> Cut:
    """Give the cut in its middle: half the operations on each side."""
    return cut_at(graph, ["b"])


def costs(cut: Cut, whole_s: float, length: int) -> HostCosts:
    """Give what a host measured at a length."""
    head_s = {DEVICE_ONLY: whole_s, SERVER_ONLY: 0.0, cut.id: whole_s / 2}
    tail_s = {DEVICE_ONLY: 0.0, SERVER_ONLY: whole_s, cut.id: whole_s / 2}
    return HostCosts(whole_s, head_s, tail_s, frozenset(head_s), {"length": length})


def bucket_at(graph: Graph, cut: Cut, length: int) -> ShapeBucket:
    """Give the bucket of a length."""
    bound = bind(graph, {"length": length})
    return bucket_of(bound, cut, costs(cut, 1.0, length))


def bucket_of(graph: Graph, cut: Cut, device: HostCosts) -> ShapeBucket:
    """Give the bucket of a graph as it is bound."""
    return ShapeBucket((), graph, [cut], device, bound_at=partial(bind, graph), rules=TableRules())


def test_the_servers_costs_grow_with_the_operations(graph: Graph, cut: Cut) -> None:
    """What the server measured at one length is scaled to another."""
    table = bucket_at(graph, cut, 40).table(costs(cut, 0.1, 10), {cut.id, SERVER_ONLY})
    row = next(i for i, each in enumerate(table.cuts) if each.id == cut.id)
    whole = next(i for i, each in enumerate(table.cuts) if each.id == SERVER_ONLY)
    assert table.tail_s[whole] == pytest.approx(0.4)
    assert table.tail_s[row] == pytest.approx(0.2)
    assert table.up_bytes[whole] == 40 * 4 * 4


def test_the_costs_are_the_servers_own_at_its_length(graph: Graph, cut: Cut) -> None:
    """At the sizes it was measured at nothing is scaled."""
    table = bucket_at(graph, cut, 10).table(costs(cut, 0.1, 10), {cut.id, SERVER_ONLY})
    whole = next(i for i, each in enumerate(table.cuts) if each.id == SERVER_ONLY)
    assert table.tail_s[whole] == pytest.approx(0.1)


def test_what_the_server_reports_corrects_the_scaling(graph: Graph, cut: Cut) -> None:
    """Reports draw the belief to what is true at these sizes; equal ones compile nothing anew."""
    bucket = bucket_at(graph, cut, 40)
    told, tails = costs(cut, 0.1, 10), {cut.id, SERVER_ONLY}
    for _ in range(8):
        bucket.table(told, tails)
        bucket.observe_server(cut, 0.8)  # four times what scaling says
    table = bucket.table(told, tails)
    whole = next(i for i, each in enumerate(table.cuts) if each.id == SERVER_ONLY)
    assert table.tail_s[whole] == pytest.approx(1.6, rel=0.15)
    bucket.observe_server(cut, float(table.tail_s[whole]) / 2)
    assert bucket.table(told, tails) is table


@pytest.mark.parametrize("idle_s", [0.0, -1.0])
def test_a_server_that_reports_nothing_teaches_nothing(
    idle_s: float, graph: Graph, cut: Cut
) -> None:
    """Other servers tell no idle time."""
    bucket = bucket_at(graph, cut, 40)
    table = bucket.table(costs(cut, 0.1, 10), {cut.id, SERVER_ONLY})
    bucket.observe_server(cut, idle_s)
    assert bucket.table(costs(cut, 0.1, 10), {cut.id, SERVER_ONLY}).tail_s == pytest.approx(
        table.tail_s
    )


def test_a_fixed_model_uses_the_servers_costs_as_they_are(graph_of: Read) -> None:
    """Where nothing is open nothing is scaled, and no table is compiled twice."""
    graph = graph_of("(float[1,4] x) => (float[1,4] y) { a = Relu(x) y = Tanh(a) }")
    cut = cut_at(graph, ["a"])
    fixed = HostCosts(1.0, costs(cut, 1.0, 1).head_s, costs(cut, 1.0, 1).tail_s, frozenset())
    bucket = bucket_of(graph, cut, fixed)
    table = bucket.table(fixed, {cut.id, SERVER_ONLY})
    bucket.observe_server(cut, 5.0)
    assert bucket.table(fixed, {cut.id, SERVER_ONLY}) is table


def test_another_server_is_believed_anew(graph: Graph, cut: Cut) -> None:
    """What was learnt of one server says nothing of the next."""
    bucket = bucket_at(graph, cut, 40)
    told, tails = costs(cut, 0.1, 10), {cut.id, SERVER_ONLY}
    for _ in range(8):
        bucket.table(told, tails)
        bucket.observe_server(cut, 0.8)
    table = bucket.table(costs(cut, 0.2, 10), tails)
    whole = next(i for i, each in enumerate(table.cuts) if each.id == SERVER_ONLY)
    assert table.tail_s[whole] == pytest.approx(0.8)
