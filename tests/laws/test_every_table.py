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
from tests.nets import net_graph

from cutpoint.cost import (
    AS_IT_IS,
    AS_THEY_ARE,
    NO_LIMITS,
    CodecRate,
    Coding,
    CostTable,
    CostValue,
    CutTable,
    condition_weights,
    head_rows,
    predict,
    read_cut_table,
    row_terms,
    table_of_nodes,
    write_cut_table,
)
from cutpoint.exceptions import CostError
from cutpoint.graph import (
    SERVER_ONLY,
    Graph,
    blocks_of,
    closed_sets,
    cut_at,
    cut_id,
    cut_of,
    segments_in,
    segments_of,
)
from cutpoint.graph.cut import crossing_values
from cutpoint.lab.zoo import ZOO
from cutpoint.planning import Decider, compiled_table
from cutpoint.planning.cuts.compile_heads import MAX_LISTED, compile_heads
from cutpoint.planning.cuts.min_cut import MinCut
from cutpoint.records import RAW, Conditions, LinkConditions, LoadConditions

Matrix = NDArray[np.float64]

NUM_CONDITIONS = 4_000
NUM_CUT_ONE_BY_ONE = 1_000
"""Of them, where a judge solves four minimum cuts for each."""

TOLERANCE = 1e-9
"""Relative; sums of the same seconds in another order differ by some 1e-16."""

DEVICE_FLOPS_PER_S = 2e9
SERVER_FLOPS_PER_S = 60e9
LAUNCH_S = 8e-6
"""Of one block on the server, however little it computes."""

UINT8 = CodecRate("uint8", ratio=0.26, encode_s_per_byte=1.25e-9, decode_s_per_byte=2.5e-10)

Codecs = Sequence[Coding | CodecRate]

CODECS: dict[str, Codecs] = {"raw": (AS_THEY_ARE,), "raw or uint8": (AS_THEY_ARE, UINT8)}

CHOICES = (*CODECS, "by value")

EACH_NET = pytest.mark.parametrize("name", ZOO)
EACH_CHOICE = pytest.mark.parametrize("choice", CHOICES)

FAR_TOO_MANY = ("hrnet_w18_small",)
"""Nets whose cuts cannot be listed: minimum cuts are the judge."""


@cache
def costs_of(name: str, seed: int = 0, server: int = 0) -> CostTable:
    """Give times in proportion to operations, each node's off by a third or so."""
    graph = net_graph(name)
    flops = np.array([node.flops for node in graph.nodes])
    device_s, server_s = (
        flops / rate * np.random.default_rng(seeds).lognormal(0.0, 0.3, len(flops))
        for rate, seeds in ((DEVICE_FLOPS_PER_S, [seed]), (SERVER_FLOPS_PER_S, [seed, 1 + server]))
    )
    for block in blocks_of(graph):
        server_s[members(block.nodes)[0]] += LAUNCH_S
    return table_of_nodes(graph, [device_s, server_s])


def codecs_of(choice: str, costs: CostTable, seed: int = 0) -> Codecs:
    """Give codecs: rates, or a picture codec, a fast one and a slow one, each value by itself."""
    return CODECS.get(choice) or by_value(costs, np.random.default_rng([seed, 7]))


def by_value(costs: CostTable, rng: np.random.Generator) -> list[Coding]:
    """Draw codecs that take some values and not others, and make of each what they make."""

    def coding(name: str, share: float, ratio: float, s_per_byte: float) -> Coding:
        inputs_only = name == "picture"
        taken = {
            value.name: value.size_bytes
            for value in costs.values
            if (value.producer is None if inputs_only else rng.random() < share)
        }
        spread = dict(zip(taken, rng.lognormal(0.0, 0.5, (len(taken), 3)), strict=True))
        return Coding(
            name,
            {each: size * ratio * spread[each][0] for each, size in taken.items()},
            {each: 1e-5 + size * s_per_byte * spread[each][1] for each, size in taken.items()},
            {each: 2e-5 + size * s_per_byte * spread[each][2] for each, size in taken.items()},
        )

    return [
        AS_IT_IS,
        coding("picture", 1.0, 0.03, 2e-9),
        coding("fast", 0.8, 0.26, 3e-10),
        coding("slow", 0.6, 0.15, 5e-9),
    ]


@cache
def heads_of(name: str) -> list[int] | None:
    """List every head that a cut can be named by; ``None`` where there are too many."""
    graph, costs = net_graph(name), costs_of(name)
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


def crossing_of(costs: CostTable, head: int) -> list[CostValue]:
    """Give the values that leave a head, looked up one by one."""
    return [
        value
        for value in costs.values
        if (value.producer is None or head >> value.producer & 1)
        and any(not head >> consumer & 1 for consumer in value.consumers)
    ]


def numbers_of(codec: Coding | CodecRate, value: CostValue) -> tuple[float, float, float]:
    """Give bytes, seconds of encoding and of decoding of one value."""
    name, size = value.name, value.size_bytes
    if isinstance(codec, CodecRate):
        rates = codec.ratio, codec.encode_s_per_byte, codec.decode_s_per_byte
        return rates[0] * size, rates[1] * size, rates[2] * size
    if name not in codec.sent_bytes:
        return size, 0.0, 0.0
    return codec.sent_bytes[name], codec.encode_s[name], codec.decode_s[name]


def coded_terms(costs: CostTable, heads: Sequence[int], codec: Coding | CodecRate) -> Matrix:
    """Give the terms of the heads that may be cut at, under a codec."""
    rows = head_rows(costs, heads, NO_LIMITS)
    numbers = np.array([numbers_of(codec, value) for value in costs.values])
    index = {value.name: position for position, value in enumerate(costs.values)}
    crossing = [[index[value.name] for value in crossing_of(costs, head)] for head in heads]
    sent, encode, decode = np.array([numbers[each].sum(axis=0) for each in crossing]).T
    columns = [
        rows.head_s + encode,
        rows.is_offloaded.astype(float),
        sent,
        rows.tail_s + decode,
        rows.down_bytes,
    ]
    return np.column_stack(columns)[rows.is_allowed]


def exhaustive_s(
    costs: CostTable, heads: Sequence[int], codecs: Codecs, weights: Matrix
) -> NDArray[np.float64]:
    """Give the latency of the best of all cuts and codecs under each condition."""
    found = [least_s(coded_terms(costs, heads, codec), weights) for codec in codecs]
    return np.min(found, axis=0)


def min_cut_s(costs: CostTable, codecs: Codecs, weights: Matrix) -> NDArray[np.float64]:
    """Give the latency of the best of all cuts by a minimum cut per condition and codec."""
    network = MinCut(costs, NO_LIMITS.may_leave(costs))
    columns = [
        (codec, np.array([numbers_of(codec, value) for value in costs.values])) for codec in codecs
    ]
    known: dict[tuple[str, int], Matrix] = {}
    least_s = np.full(len(weights), np.inf)
    for row, (device, fixed, sent, served, returned) in enumerate(weights):
        for codec, numbers in columns:
            head = network.head(
                device * costs.device_s,
                served * costs.server_s + returned * costs.wiring.returned_bytes,
                numbers @ (sent, device, served),
            )
            terms = known.get((codec.name, head))
            if terms is None:
                terms = coded_terms(costs, [head, costs.everything], codec)
                known[codec.name, head] = terms
            least_s[row] = min(least_s[row], *(terms @ (device, fixed, sent, served, returned)))
    return least_s


def least_s(terms: Matrix, weights: Matrix) -> NDArray[np.float64]:
    """Give the least latency of rows under each condition."""
    return np.asarray((weights @ terms.T).min(axis=1))


def largest_gap(name: str, choice: str, seed: int) -> float:
    """Give the largest relative loss of a net's table against the best of all its rows."""
    costs, weights, heads = costs_of(name, seed), random_weights(seed), heads_of(name)
    codecs = codecs_of(choice, costs, seed)
    if heads is None and choice == "by value":
        weights = weights[:NUM_CUT_ONE_BY_ONE]
    table = compiled_table(net_graph(name), costs, codecs=codecs)
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
    return compiled_table(net_graph(name), costs, codecs=codecs_of("by value", costs))


@EACH_CHOICE
@EACH_NET
def test_no_cut_is_better_than_the_table(name: str, choice: str) -> None:
    """Of 4,000 conditions each is answered as soon as by the best of all cuts and codecs."""
    assert (heads_of(name) is None) == (name in FAR_TOO_MANY)
    assert largest_gap(name, choice, seed=0) <= TOLERANCE


@pytest.mark.soak
@EACH_CHOICE
@EACH_NET
def test_no_cut_is_better_whatever_the_nodes_take(name: str, choice: str) -> None:
    """The same with nineteen other draws of what each node takes, and of the conditions."""
    assert max(largest_gap(name, choice, seed) for seed in range(1, 20)) <= TOLERANCE


def test_a_missing_cut_would_be_found() -> None:
    """Each row that is ever the best is missed by 4,000 conditions when it is taken away."""
    costs, weights = costs_of("squeezenet"), random_weights(0)
    best_s = exhaustive_s(costs, heads_of("squeezenet") or [], CODECS["raw"], weights)
    terms = row_terms(compiled_table(net_graph("squeezenet"), costs))
    ever_best = np.unique((weights @ terms.T).argmin(axis=1))
    assert len(ever_best) > 5
    for row in ever_best:
        fewer_s = least_s(np.delete(terms, row, axis=0), weights)
        assert np.max(fewer_s / best_s - 1) > TOLERANCE


@EACH_CHOICE
@EACH_NET
def test_both_ways_to_compile_agree(name: str, choice: str) -> None:
    """A table found by minimum cuts answers as soon as one from the list of all cuts."""
    graph, costs, weights = net_graph(name), costs_of(name, 1), random_weights(1)
    codecs = codecs_of(choice, costs, 1)
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
        found_s = exhaustive_s(costs, compiled.heads, CODECS["raw"], weights)
        assert np.max(1 - best_s / found_s) <= compiled.gap + TOLERANCE
        assert compiled.is_complete == (compiled.gap == 0)
    assert listed.gap == 0


@settings(max_examples=60)
@given(model=models(most_nodes=9), seed=st.integers(0, 10**6))
def test_no_row_is_better_whatever_is_struck(model: onnx.ModelProto, seed: int) -> None:
    """On any graph the rows that are not struck are answered by as soon as by brute force."""
    graph, rng = read(model), np.random.default_rng(seed)
    costs = table_of_nodes(graph, 10 ** rng.uniform(-4, 0, (2, len(graph.nodes))))
    (_, *codecs), weights = by_value(costs, rng), random_weights(seed)[:500]
    heads = [
        head
        for head in closed_sets(costs.predecessors, MAX_LISTED) or []
        if is_nameable(graph, head)
    ]
    struck = {(head, codec.name) for head in heads for codec in codecs if rng.random() < 0.3}
    ids = {cut_id(value.name for value in crossing_of(costs, head)): head for head in heads}
    ids[SERVER_ONLY] = 0

    def is_struck(cut: str, codec: str) -> bool:
        return (ids.get(cut, -1), codec) in struck

    best_s = exhaustive_s(costs, heads, CODECS["raw"], weights)
    for codec in codecs:
        kept = [head for head in heads if (head, codec.name) not in struck]
        if kept:
            best_s = np.minimum(best_s, least_s(coded_terms(costs, kept, codec), weights))
    listed, by_cuts = (
        compiled_table(graph, costs, codecs=codecs, is_struck=is_struck, max_listed=most)
        for most in (MAX_LISTED, 1)
    )
    for table in (listed, by_cuts):
        pairs = zip(table.cuts, table.codecs, strict=True)
        assert not any(is_struck(cut.id, codec) for cut, codec in pairs if codec != RAW)
        check_none_is_beaten(table)
        loss = np.max(1 - best_s / least_s(row_terms(table), weights))
        assert loss <= table.gap + TOLERANCE
        assert table.is_complete == (table.gap == 0)
    assert listed.gap == 0


def check_none_is_beaten(table: CutTable) -> None:
    """Check that raw rows are called so, and that no codec's row is beaten by one of its cut."""
    for row, codec in enumerate(table.codecs):
        assert table.codecs_of(row).count(codec) > 0 or table.cuts[row].placement == "device"
        if codec == RAW:
            continue
        numbers = np.column_stack([table.encode_s, table.tail_s, table.up_bytes])
        others = [other for other in table.rows_of(table.cuts[row].id) if other != row]
        assert not np.any(np.all(numbers[others] <= numbers[row], axis=1))


@EACH_NET
def test_no_row_of_a_cut_beats_another(name: str) -> None:
    """Of one cut no codec sends as little and takes as little on both hosts as another."""
    check_none_is_beaten(table_named(name))


@EACH_NET
def test_rows_are_what_their_cuts_take(name: str) -> None:
    """Added up anew from nodes and values, each row's seconds and bytes are the same."""
    graph, costs, table = net_graph(name), costs_of(name), table_named(name)
    blocks = blocks_of(graph)
    codecs = {codec.name: codec for codec in codecs_of("by value", costs)}
    values = {value.name: value for value in costs.values}
    for row, cut in enumerate(table.cuts):
        inside = [block.index for block in blocks if block.nodes & cut.head == block.nodes]
        outside = [block.index for block in blocks if block.nodes & cut.head == 0]
        assert len(inside) + len(outside) == len(blocks)
        codec = codecs[table.codecs[row]]
        numbers = [numbers_of(codec, values[value]) for value in cut.crossing]
        sent, encode_s, decode_s = np.array(numbers or [(0.0, 0.0, 0.0)]).sum(axis=0)
        expected = {
            "head_s": costs.device_s[inside].sum(),
            "rest_s": costs.device_s[outside].sum(),
            "encode_s": encode_s,
            "tail_s": costs.server_s[outside].sum() + decode_s,
            "up_bytes": sent,
            "down_bytes": graph.size_bytes(cut.returned),
        }
        for column, number in expected.items():
            assert getattr(table, column)[row] == pytest.approx(number, rel=1e-12, abs=1e-12)
        taken = getattr(codec, "sent_bytes", {})
        assert table.codecs_of(row) == tuple(
            codec.name if value in taken else RAW for value in cut.crossing
        )
        assert codec is AS_IT_IS or any(value in taken for value in cut.crossing)


@EACH_NET
def test_every_row_has_a_name_hosts_agree_on(name: str) -> None:
    """A head needs nothing from its tail, and its crossing values alone give the cut again."""
    graph, table = net_graph(name), table_named(name)
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
    graph, splits = net_graph(name), table_named(name).splits
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
    table, row = tables[number], tables[number].find(plan.cut, plan.codec)
    assert row is not None
    assert plan.legs[0].codecs == table.codecs_of(row)
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
    graph, table, path = net_graph(name), table_named(name), tmp_path / "table.json"
    write_cut_table(table, name, path)
    again = read_cut_table(path, graph)
    assert again.cuts == table.cuts
    assert again.codecs == table.codecs
    assert [again.codecs_of(row) for row in range(len(again.cuts))] == [
        table.codecs_of(row) for row in range(len(table.cuts))
    ]
    assert (again.sha256, again.gap) == (graph.sha256, table.gap)
    np.testing.assert_array_equal(row_terms(again), row_terms(table))
    np.testing.assert_array_equal(again.rest_s, table.rest_s)


def test_a_table_of_another_net_is_refused(tmp_path: Path) -> None:
    """Both nets are named, and what to do."""
    path = tmp_path / "table.json"
    write_cut_table(table_named("resnet18"), "resnet18", path)
    with pytest.raises(CostError, match=r"of 'resnet18' .* not of 'nin' .*compile it again"):
        read_cut_table(path, net_graph("nin"))


DAMAGES: dict[str, Callable[[str], str]] = {
    "empty": lambda text: "",
    "cut short": lambda text: text[: len(text) // 2],
    "another layout": lambda text: text.replace('"format_version": 2', '"format_version": 9'),
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
        read_cut_table(path, net_graph("resnet18"))


def test_a_table_that_is_not_there_is_told(tmp_path: Path) -> None:
    """A missing file is the same kind of error."""
    with pytest.raises(CostError, match=r"none\.json cannot be read"):
        read_cut_table(tmp_path / "none.json", net_graph("nin"))
