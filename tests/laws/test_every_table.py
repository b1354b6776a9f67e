"""Laws of the compiled table, over every net of the zoo: nothing was lost in compiling it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache, partial, reduce
from operator import or_
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.laws.test_every_cut import models, read

from cutpoint.cost import (
    AS_THEY_ARE,
    NO_LIMITS,
    CodecRate,
    CostTable,
    CutTable,
    HeadRows,
    condition_weights,
    head_rows,
    predict,
    read_cut_table,
    row_terms,
    table_of_nodes,
    write_cut_table,
)
from cutpoint.exceptions import CostError
from cutpoint.graph import Graph, blocks_of, closed_sets, cut_at, cut_of, segments_in, segments_of
from cutpoint.graph.cut import crossing_values
from cutpoint.lab.zoo import ZOO
from cutpoint.lab.zoo import graph_of as graph_of_net
from cutpoint.planning import Decider, compiled_table
from cutpoint.planning.cuts.compile_heads import MAX_LISTED, compile_heads
from cutpoint.planning.cuts.min_cut import MinCut
from cutpoint.records import Conditions, LinkConditions, LoadConditions

Matrix = NDArray[np.float64]

NUM_CONDITIONS = 4_000
TOLERANCE = 1e-9
"""Relative; sums of the same seconds in another order differ by some 1e-16."""

DEVICE_FLOPS_PER_S = 2e9
SERVER_FLOPS_PER_S = 60e9
LAUNCH_S = 8e-6
"""Of one block on the server, however little it computes."""

UINT8 = CodecRate("uint8", ratio=0.26, encode_s_per_byte=1.25e-9, decode_s_per_byte=2.5e-10)

CODECS = {"raw": (AS_THEY_ARE,), "raw or uint8": (AS_THEY_ARE, UINT8)}

EACH_NET = pytest.mark.parametrize("name", ZOO)
EACH_CODEC = pytest.mark.parametrize("codecs", CODECS.values(), ids=CODECS)

FAR_TOO_MANY = ("hrnet_w18_small",)
"""Nets whose cuts cannot be listed: minimum cuts are the judge."""


@cache
def graph_named(name: str) -> Graph:
    """Give the graph of a net, the same to every test."""
    return graph_of_net(name)


@cache
def costs_of(name: str, seed: int = 0, server: int = 0) -> CostTable:
    """Give times in proportion to operations, each node's off by a third or so."""
    graph = graph_named(name)
    flops = np.array([node.flops for node in graph.nodes])
    device_s, server_s = (
        flops / rate * np.random.default_rng(seeds).lognormal(0.0, 0.3, len(flops))
        for rate, seeds in ((DEVICE_FLOPS_PER_S, [seed]), (SERVER_FLOPS_PER_S, [seed, 1 + server]))
    )
    for block in blocks_of(graph):
        server_s[members(block.nodes)[0]] += LAUNCH_S
    return table_of_nodes(graph, [device_s, server_s])


@cache
def heads_of(name: str) -> list[int] | None:
    """List every head that a cut can be named by; ``None`` where there are too many."""
    graph, costs = graph_named(name), costs_of(name)
    heads = closed_sets(costs.predecessors, MAX_LISTED)
    if heads is None or len(graph.outputs) == 1:
        return heads
    return [head for head in heads if is_nameable(graph, head)]


def is_nameable(graph: Graph, head: int) -> bool:
    """Tell whether the nodes of a head are those that its crossing values name."""
    nodes = reduce(or_, (block.nodes for block in blocks_of(graph) if head >> block.index & 1), 0)
    cut = cut_of(graph, nodes)
    return cut is not None and cut.head == nodes


def members(mask: int) -> list[int]:
    """Give the bits that are set, ascending."""
    return [bit for bit in range(mask.bit_length()) if mask >> bit & 1]


def random_weights(seed: int) -> Matrix:
    """Draw what the terms of rows weigh under conditions that span many decades."""
    rng = np.random.default_rng(seed)

    def spread(lowest: float, highest: float) -> NDArray[np.float64]:
        return 10.0 ** rng.uniform(np.log10(lowest), np.log10(highest), NUM_CONDITIONS)

    slowdown, load = spread(0.1, 100.0), spread(0.1, 1000.0)
    fixed_s = spread(1e-6, 1.0) + spread(1e-6, 1.0) + spread(1e-6, 10.0)
    return np.column_stack([slowdown, fixed_s, 1 / spread(1e2, 1e11), load, 1 / spread(1e2, 1e11)])


def coded_terms(rows: HeadRows, codec: CodecRate) -> Matrix:
    """Give the terms of the rows that keep the limits, under a codec."""
    raw = rows.up_bytes
    columns = [
        rows.head_s + codec.encode_s_per_byte * raw,
        rows.is_offloaded.astype(float),
        codec.ratio * raw,
        rows.tail_s + codec.decode_s_per_byte * raw,
        rows.down_bytes,
    ]
    return np.column_stack(columns)[rows.is_allowed]


def exhaustive_s(
    costs: CostTable, heads: list[int], codecs: Sequence[CodecRate], weights: Matrix
) -> NDArray[np.float64]:
    """Give the latency of the best of all cuts under each condition."""
    rows = head_rows(costs, heads, NO_LIMITS)
    return np.min([least_s(coded_terms(rows, codec), weights) for codec in codecs], axis=0)


def min_cut_s(
    costs: CostTable, codecs: Sequence[CodecRate], weights: Matrix
) -> NDArray[np.float64]:
    """Give the latency of the best of all cuts by a minimum cut per condition and codec."""
    network = MinCut(costs, NO_LIMITS.may_leave(costs))
    sizes = np.array([value.size_bytes for value in costs.values])
    found = []
    for device, fixed, sent, served, returned in weights:
        least = np.inf
        for codec in codecs:
            per_byte = sent * codec.ratio
            per_byte += device * codec.encode_s_per_byte + served * codec.decode_s_per_byte
            head = network.head(
                device * costs.device_s,
                served * costs.server_s + returned * costs.wiring.returned_bytes,
                per_byte * sizes,
            )
            terms = coded_terms(head_rows(costs, [head, costs.everything], NO_LIMITS), codec)
            least = min(least, *(terms @ (device, fixed, sent, served, returned)))
        found.append(least)
    return np.array(found)


def least_s(terms: Matrix, weights: Matrix) -> NDArray[np.float64]:
    """Give the least latency of rows under each condition."""
    return np.asarray((weights @ terms.T).min(axis=1))


def largest_gap(name: str, codecs: Sequence[CodecRate], seed: int) -> float:
    """Give the largest relative loss of a net's table against the best of all its cuts."""
    costs, weights, heads = costs_of(name, seed), random_weights(seed), heads_of(name)
    table = compiled_table(graph_named(name), costs, codecs=codecs)
    assert table.gap == 0.0
    if heads is None:
        best_s = min_cut_s(costs, codecs, weights)
    else:
        best_s = exhaustive_s(costs, heads, codecs, weights)
    ratio = least_s(row_terms(table), weights) / best_s
    assert ratio.min() > 1 - TOLERANCE, "the judge missed a cut"
    return float(ratio.max() - 1)


@cache
def table_named(name: str, server: int = 0) -> CutTable:
    """Give the table of a net with a choice of codecs; the device is the same at each server."""
    costs = costs_of(name, server=server)
    return compiled_table(graph_named(name), costs, codecs=CODECS["raw or uint8"])


@EACH_CODEC
@EACH_NET
def test_no_cut_is_better_than_the_table(name: str, codecs: Sequence[CodecRate]) -> None:
    """Of 4,000 conditions each is answered as soon as by the best of all cuts and codecs."""
    assert (heads_of(name) is None) == (name in FAR_TOO_MANY)
    assert largest_gap(name, codecs, seed=0) <= TOLERANCE


@pytest.mark.soak
@EACH_CODEC
@EACH_NET
def test_no_cut_is_better_whatever_the_nodes_take(name: str, codecs: Sequence[CodecRate]) -> None:
    """The same with nineteen other draws of what each node takes, and of the conditions."""
    assert max(largest_gap(name, codecs, seed) for seed in range(1, 20)) <= TOLERANCE


def test_a_missing_cut_would_be_found() -> None:
    """Each row that is ever the best is missed by 4,000 conditions when it is taken away."""
    costs, weights = costs_of("squeezenet"), random_weights(0)
    best_s = exhaustive_s(costs, heads_of("squeezenet") or [], CODECS["raw"], weights)
    terms = row_terms(compiled_table(graph_named("squeezenet"), costs))
    ever_best = np.unique((weights @ terms.T).argmin(axis=1))
    assert len(ever_best) > 5
    for row in ever_best:
        fewer_s = least_s(np.delete(terms, row, axis=0), weights)
        assert np.max(fewer_s / best_s - 1) > TOLERANCE


@EACH_CODEC
@EACH_NET
def test_both_ways_to_compile_agree(name: str, codecs: Sequence[CodecRate]) -> None:
    """A table found by minimum cuts answers as soon as one from the list of all cuts."""
    graph, costs, weights = graph_named(name), costs_of(name, 1), random_weights(1)
    listed = compiled_table(graph, costs, codecs=codecs)
    cut = compiled_table(graph, costs, codecs=codecs, max_listed=1)
    assert listed.gap == cut.gap == 0.0
    np.testing.assert_allclose(
        least_s(row_terms(listed), weights), least_s(row_terms(cut), weights), rtol=TOLERANCE
    )


@settings(max_examples=200)
@given(model=models(most_nodes=12), seed=st.integers(0, 10**6))
def test_what_cannot_be_named_is_told(model: onnx.ModelProto, seed: int) -> None:
    """Of several outputs some cuts have no name: a table lacks them and tells what that loses."""
    graph, rng = read(model), np.random.default_rng(seed)
    sizes, weights = 10 ** rng.uniform(0, 5, len(graph.values)), random_weights(seed)
    costs = table_of_nodes(graph, 10 ** rng.uniform(-4, 0, (2, len(graph.nodes))))
    values = zip(costs.values, sizes, strict=False)
    costs = replace(costs, values=tuple(replace(v, size_bytes=size) for v, size in values))
    heads = closed_sets(costs.predecessors, MAX_LISTED) or []
    listed, by_cuts = (
        compile_heads(costs, is_nameable=partial(is_nameable, graph), max_listed=most)
        for most in (MAX_LISTED, 1)
    )
    named = [head for head in heads if is_nameable(graph, head)]
    best_s = exhaustive_s(costs, named, CODECS["raw"], weights)
    for compiled in (listed, by_cuts):
        found_s = exhaustive_s(costs, list(compiled.heads), CODECS["raw"], weights)
        assert np.max(1 - best_s / found_s) <= compiled.gap + TOLERANCE
        assert compiled.is_complete == (compiled.gap == 0)
    assert listed.gap == 0


@EACH_NET
def test_rows_are_what_their_cuts_take(name: str) -> None:
    """Added up anew from nodes and values, each row's seconds and bytes are the same."""
    graph, costs, table = graph_named(name), costs_of(name), table_named(name)
    blocks, rates = blocks_of(graph), {codec.name: codec for codec in CODECS["raw or uint8"]}
    for row, cut in enumerate(table.cuts):
        inside = [block.index for block in blocks if block.nodes & cut.head == block.nodes]
        outside = [block.index for block in blocks if block.nodes & cut.head == 0]
        assert len(inside) + len(outside) == len(blocks)
        raw, rate = graph.size_bytes(cut.crossing), rates[table.codecs[row]]
        decode_s = rate.decode_s_per_byte * raw
        expected = {
            "head_s": costs.device_s[inside].sum(),
            "rest_s": costs.device_s[outside].sum(),
            "encode_s": rate.encode_s_per_byte * raw,
            "tail_s": costs.server_s[outside].sum() + decode_s,
            "up_bytes": rate.ratio * raw,
            "down_bytes": graph.size_bytes(cut.returned),
        }
        for column, number in expected.items():
            assert getattr(table, column)[row] == pytest.approx(number, rel=1e-12, abs=1e-12)


@EACH_NET
def test_every_row_has_a_name_hosts_agree_on(name: str) -> None:
    """A head needs nothing from its tail, and its crossing values alone give the cut again."""
    graph, table = graph_named(name), table_named(name)
    pairs = list(zip(table.cuts, table.codecs, strict=True))
    assert len(pairs) == len(set(pairs))
    for cut in table.splits:
        assert all(graph.ancestors[node] & ~cut.head == 0 for node in members(cut.head))
        assert cut.crossing == crossing_values(graph, cut.head)
        assert cut_at(graph, cut.crossing) == cut
        assert all(graph.values[value].can_travel for value in cut.crossing)


@EACH_NET
def test_segments_of_every_table_are_a_closed_dag(name: str) -> None:
    """Each is convex and follows what it needs; together they are all nodes, and cut no cut."""
    graph, splits = graph_named(name), table_named(name).splits
    segments = segments_of(graph, splits)
    assert len({segment.id for segment in segments}) == len(segments)
    assert graph.all_nodes == sum(segment.nodes for segment in segments)
    assert len(graph.nodes) == sum(segment.nodes.bit_count() for segment in segments)
    made = set(graph.inputs)
    for segment in segments:
        assert made >= set(segment.inputs)
        made |= set(segment.outputs)
        nodes = members(segment.nodes)
        behind = reduce(or_, (graph.descendants[node] for node in nodes))
        before = reduce(or_, (graph.ancestors[node] for node in nodes))
        assert segment.nodes == behind & before
    assert made >= set(graph.outputs)
    for cut in splits:
        inside = segments_in(cut, segments)
        assert cut.head == sum(segment.nodes for segment in inside)
        made = {*graph.inputs, *(name for segment in inside for name in segment.outputs)}
        assert made >= set(cut.crossing)


def links() -> st.SearchStrategy[LinkConditions]:
    """Draw links from a modem to a bus."""
    bandwidth, message_s = st.floats(1e2, 1e11), st.floats(0.0, 1.0)
    return st.builds(LinkConditions, bandwidth, bandwidth, message_s, message_s)


def conditions(slowdown: float) -> st.SearchStrategy[Conditions]:
    """Draw what is believed of one server by a device of some slow-down."""
    loads = st.builds(LoadConditions, st.floats(0.0, 10.0), st.floats(0.0, 1000.0))
    reasons = st.none() | st.just("refuses")
    return st.builds(Conditions, st.none() | links(), loads, st.just(slowdown), reasons)


SEVERAL_SERVERS = st.floats(0.1, 100.0).flatmap(
    lambda slowdown: st.lists(conditions(slowdown), min_size=1, max_size=3)
)


@settings(max_examples=300)
@given(name=st.sampled_from(sorted(ZOO)), believed=SEVERAL_SERVERS)
def test_a_decision_is_the_best_prediction(name: str, believed: list[Conditions]) -> None:
    """Of several servers' tables the row is taken that the objective predicts to be soonest."""
    servers = [f"server{number}" for number in range(len(believed))]
    tables = [table_named(name, number) for number in range(len(believed))]
    plan = Decider(dict(zip(servers, tables, strict=True))).decide(believed)
    predicted = [predict(table, each) for table, each in zip(tables, believed, strict=True)]
    latencies_s = [each.latency_s for each in predicted]
    best_s = min(each.min() for each in latencies_s)
    assert plan.predicted.latency_s == pytest.approx(best_s, rel=1e-12)
    number = 0 if plan.server is None else servers.index(plan.server)
    table, codec = tables[number], plan.legs[0].codecs[:1]
    row = next(
        row
        for row, cut in enumerate(table.cuts)
        if cut.id == plan.cut and (not codec or table.codecs[row] == codec[0])
    )
    assert latencies_s[number][row] == pytest.approx(best_s, rel=1e-12)
    assert plan.predicted == pytest.approx(predicted[number].parts(row))
    assert plan.crossing == table.cuts[row].crossing
    if not any(each.is_server_usable for each in believed):
        assert plan.placement == "device"


@settings(max_examples=300)
@given(name=st.sampled_from(sorted(ZOO)), believed=conditions(2.0))
def test_weights_and_terms_are_the_objective(name: str, believed: Conditions) -> None:
    """Their product is the predicted latency; out of reach it is longer than any latency."""
    table = table_named(name)
    latency_s = row_terms(table) @ condition_weights(believed)
    expected_s = predict(table, believed).latency_s
    reachable = np.isfinite(expected_s)
    np.testing.assert_allclose(latency_s[reachable], expected_s[reachable], rtol=1e-12)
    assert np.all(latency_s[~reachable] >= 1e17)
    assert reachable.all() == believed.is_server_usable


@EACH_NET
def test_a_table_comes_back_from_its_file(name: str, tmp_path: Path) -> None:
    """Cuts, codecs, digest and every number are as they were."""
    graph, table, path = graph_named(name), table_named(name), tmp_path / "table.json"
    write_cut_table(table, name, path)
    again = read_cut_table(path, graph)
    assert again.cuts == table.cuts
    assert again.codecs == table.codecs
    assert (again.sha256, again.gap) == (graph.sha256, table.gap)
    np.testing.assert_array_equal(row_terms(again), row_terms(table))
    np.testing.assert_array_equal(again.rest_s, table.rest_s)


def test_a_table_of_another_net_is_refused(tmp_path: Path) -> None:
    """Both nets are named, and what to do."""
    path = tmp_path / "table.json"
    write_cut_table(table_named("resnet18"), "resnet18", path)
    with pytest.raises(CostError, match=r"of 'resnet18' .* not of 'nin' .*compile it again"):
        read_cut_table(path, graph_named("nin"))


DAMAGES: dict[str, Callable[[str], str]] = {
    "empty": lambda text: "",
    "cut short": lambda text: text[: len(text) // 2],
    "another layout": lambda text: text.replace('"format_version": 1', '"format_version": 9'),
    "no table": lambda text: "[1, 2, 3]",
    "a negative time": lambda text: text.replace('"head_s": 0.0', '"head_s": -1.0'),
    "a missing column": lambda text: text.replace('"encode_s"', '"encoded_s"'),
    "a value the net has not": lambda text: text.replace(".relu", ".gone"),
    "two values that are no cut": lambda text: text.replace('.relu"', '.relu", "input"'),
    "no ends": lambda text: text.replace('"placement": "device"', '"placement": "server"'),
    "an unknown placement": lambda text: text.replace('"device"', '"cloud"'),
    "nested too deep": lambda text: "[" * 100_000,
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_table_is_refused(damage: Callable[[str], str], tmp_path: Path) -> None:
    """Whatever is wrong with the file is told with its path and the command that writes it."""
    path = tmp_path / "table.json"
    write_cut_table(table_named("resnet18"), "resnet18", path)
    path.write_text(damage(path.read_text()))
    with pytest.raises(CostError, match=r"table\.json .*compile it again with `cutpoint plan"):
        read_cut_table(path, graph_named("resnet18"))


def test_a_table_that_is_not_there_is_told(tmp_path: Path) -> None:
    """A missing file is the same kind of error."""
    with pytest.raises(CostError, match=r"none\.json cannot be read"):
        read_cut_table(tmp_path / "none.json", graph_named("nin"))
