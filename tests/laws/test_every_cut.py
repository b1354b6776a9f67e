"""Laws of cuts and segments, judged by brute force over random graphs."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from itertools import combinations

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.nets import net_graph

from cutpoint.exceptions import InvalidCutError
from cutpoint.execution import Segments
from cutpoint.execution.runtime import onnxruntime_module, quiet_options
from cutpoint.graph import (
    Arrays,
    Cut,
    Graph,
    block_index_of,
    blocks_of,
    candidate_cuts,
    cut_at,
    cut_of,
    device_only,
    extract,
    graph_from_model,
    segments_in,
    segments_of,
    server_only,
    value_names,
)
from cutpoint.graph.candidates import is_free
from cutpoint.graph.cut import crossing_values
from cutpoint.lab.zoo import ZOO

_OPERATORS = {"Add": 2, "Mul": 2, "Relu": 1, "Sigmoid": 1}
_FUSED = {("Add", operator) for operator in _OPERATORS} | {
    ("Mul", operator) for operator in _OPERATORS
}
_CPU = ["CPUExecutionProvider"]


_operators = st.sampled_from(sorted(_OPERATORS))
_few = st.integers(1, 3)


@cache
def positions(num_values: int) -> st.SearchStrategy[int]:
    """Give positions in a list, the last three more often; making a strategy costs more than it."""
    return st.integers(max(num_values - 3, 0), num_values - 1) | st.integers(0, num_values - 1)


@cache
def up_to_two(num_values: int) -> st.SearchStrategy[set[int]]:
    """Give up to two positions."""
    return st.sets(st.integers(0, num_values - 1), max_size=2)


@st.composite
def models(draw: st.DrawFn, most_nodes: int) -> onnx.ModelProto:
    """Draw a graph of elementwise nodes: several inputs and outputs, skips, side branches."""
    inputs = [f"x{i}" for i in range(draw(_few))]
    values, nodes, used = list(inputs), [], set()
    for index in range(draw(st.integers(5, most_nodes))):
        operator = draw(_operators)
        operand = positions(len(values))
        operands = [values[draw(operand)] for _ in range(_OPERATORS[operator])]
        nodes.append(onnx.helper.make_node(operator, operands, [f"v{index}"]))
        used.update(operands)
        values.append(f"v{index}")
    made = values[len(inputs) :]
    also = {made[position] for position in draw(up_to_two(len(made)))}
    outputs = [name for name in made if name not in used or name in also]
    typed = [
        [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, 4]) for name in names]
        for names in (inputs, outputs)
    ]
    graph = onnx.helper.make_graph(nodes, "random", *typed)
    opset = [onnx.helper.make_opsetid("", 17)]
    return onnx.helper.make_model(graph, opset_imports=opset, ir_version=8)


def read(model: onnx.ModelProto) -> Graph:
    """Read a model as a graph."""
    source = ir.from_proto(model)
    return graph_from_model(
        source, name="random", sha256="ab" * 32, original_names=value_names(source)
    )


def closed_sets(graph: Graph) -> Iterator[int]:
    """List every set of nodes that holds all its nodes need, the empty and the full one too."""
    needs = [
        sum(1 << n.index for n in graph.nodes if set(n.outputs) & set(node.inputs))
        for node in graph.nodes
    ]
    for nodes in range(1 << len(needs)):
        if all(need & ~nodes == 0 for i, need in enumerate(needs) if nodes >> i & 1):
            yield nodes


def sent_by(graph: Graph, head: int) -> frozenset[str]:
    """Give the values the nodes outside a set need and do not make themselves."""
    tail = [node for node in graph.nodes if not head >> node.index & 1]
    made = {name for node in tail for name in node.outputs}
    return frozenset(name for node in tail for name in node.inputs if name not in made)


def smallest_heads(graph: Graph) -> dict[frozenset[str], int]:
    """Give for each set of values some cut sends the cut that leaves the device the least."""
    smallest: dict[frozenset[str], int] = {}
    for head in closed_sets(graph):
        crossing = sent_by(graph, head)
        known = smallest.get(crossing)
        if known is None or head.bit_count() < known.bit_count():
            smallest[crossing] = head
    del smallest[frozenset()]
    return smallest


def draw_cuts(data: st.DataObject, graph: Graph, most: int) -> list[Cut]:
    """Draw some of a graph's cuts, single-value and other."""
    crossings = sorted(tuple(sorted(crossing)) for crossing in smallest_heads(graph))
    drawn = data.draw(st.lists(st.sampled_from(crossings), min_size=1, max_size=most, unique=True))
    return [cut_at(graph, crossing) for crossing in drawn]


def feed_of(graph: Graph) -> Arrays:
    """Give each input values of its own."""
    rng = np.random.default_rng(len(graph.nodes))
    return {name: rng.uniform(-1, 1, (1, 4)).astype(np.float32) for name in graph.inputs}


@settings(max_examples=150)
@given(model=models(most_nodes=10))
def test_every_cut_can_be_named_by_what_it_sends(model: onnx.ModelProto) -> None:
    """The cut at the values a closed set sends sends exactly these, with the smallest head."""
    graph = read(model)
    for crossing, head in smallest_heads(graph).items():
        cut = cut_at(graph, crossing)
        assert tuple(sorted(crossing)) == cut.crossing
        assert head == cut.head


@settings(max_examples=150)
@given(model=models(most_nodes=10))
def test_no_cut_is_made_up(model: onnx.ModelProto) -> None:
    """One or two values that no closed set sends are refused."""
    graph = read(model)
    possible = smallest_heads(graph)
    for names in (*((name,) for name in graph.values), *combinations(graph.values, 2)):
        if frozenset(names) not in possible:
            with pytest.raises(InvalidCutError, match="would send"):
                cut_at(graph, names)


@settings(max_examples=150)
@given(model=models(most_nodes=10))
def test_crossing_values_of_every_closed_set(model: onnx.ModelProto) -> None:
    """What a closed set sends is what the nodes outside it need and do not make."""
    graph = read(model)
    for head in closed_sets(graph):
        assert tuple(sorted(sent_by(graph, head))) == crossing_values(graph, head)


@settings(max_examples=150)
@given(model=models(most_nodes=10))
def test_every_head_has_the_cut_its_crossing_values_name(model: onnx.ModelProto) -> None:
    """Of the heads that send the same, the smallest is the cut; the two ends are the ends."""
    graph = read(model)
    smallest = smallest_heads(graph)
    for head in closed_sets(graph):
        cut = cut_of(graph, head)
        if head == graph.all_nodes:
            assert cut == device_only(graph)
        elif smallest[sent_by(graph, head)]:
            assert cut == cut_at(graph, sent_by(graph, head))
            assert cut.head == smallest[sent_by(graph, head)]
        else:
            assert cut == server_only(graph)


def test_a_head_that_sends_what_cannot_be_named_has_no_cut(
    graph_of: Callable[..., Graph],
) -> None:
    """Nor has one that sends what has no name in the model file or no type on the wire."""
    graph = graph_of("(float[1,4] x) => (float[1,4] y) { a = Relu(x) b = Tanh(a) y = Neg(b) }")
    assert cut_of(graph, 0b001).crossing == ("a",)
    nameless = replace(graph, original_names=graph.original_names - {"a"})
    assert cut_of(nameless, 0b001) is None
    assert cut_of(nameless, 0b011).crossing == ("b",)
    values = {**graph.values, "b": replace(graph.values["b"], dtype=None)}
    assert cut_of(replace(graph, values=values), 0b011) is None


def assert_blocks_are_a_dag(graph: Graph) -> None:
    """Assert that blocks split the nodes and that none needs one that follows it."""
    blocks = blocks_of(graph)
    assert [block.index for block in blocks] == list(range(len(blocks)))
    assert graph.all_nodes == sum(block.nodes for block in blocks)
    assert len(graph.nodes) == sum(block.nodes.bit_count() for block in blocks)
    block_of = block_index_of(graph, blocks)
    assert all(
        block_of[node] == b.index
        for b in blocks
        for node in range(len(graph.nodes))
        if b.nodes >> node & 1
    )
    for value in graph.values.values():
        if value.producer is not None:
            assert all(block_of[value.producer] <= block_of[c] for c in value.consumers)
    for block in blocks:
        last = block.nodes.bit_length() - 1
        assert block.name == graph.nodes[last].name


@settings(max_examples=150)
@given(model=models(most_nodes=30))
def test_blocks_are_a_dag(model: onnx.ModelProto) -> None:
    """Blocks split the nodes, and what is left when they are contracted has no cycle."""
    assert_blocks_are_a_dag(read(model))


@pytest.mark.parametrize("name", ZOO)
def test_blocks_of_every_net_are_a_dag(name: str) -> None:
    """The same of real nets; a candidate cut parts a block only before nodes that cost nothing."""
    graph = net_graph(name)
    assert_blocks_are_a_dag(graph)
    for cut in candidate_cuts(graph):
        for block in blocks_of(graph):
            behind = block.nodes & ~cut.head
            assert behind in (0, block.nodes) or all(
                is_free(node) for node in graph.nodes if behind >> node.index & 1
            )


@settings(max_examples=150)
@given(model=models(most_nodes=10))
def test_candidates_are_all_single_values_not_fused(model: onnx.ModelProto) -> None:
    """Candidates are all cuts at one value, but for those inside a fused pair of nodes."""
    graph = read(model)
    operators = [node.op_type for node in graph.nodes]
    expected = {}
    for crossing, head in smallest_heads(graph).items():
        if len(crossing) > 1 or not head:
            continue
        value = graph.values[next(iter(crossing))]
        pairs = (
            [(operators[value.producer], operators[c]) for c in value.consumers]
            if (value.producer is not None)
            else []
        )
        if len(pairs) != 1 or pairs[0] not in _FUSED:
            expected[value.name] = head
    assert expected == {cut.crossing[0]: cut.head for cut in candidate_cuts(graph)}


@settings(max_examples=150)
@given(model=models(most_nodes=10), data=st.data())
def test_segments_are_the_common_refinement(model: onnx.ModelProto, data: st.DataObject) -> None:
    """Segments split the nodes, every cut is whole segments, and no two lie in the same cuts."""
    graph = read(model)
    cuts = draw_cuts(data, graph, most=4)
    segments = segments_of(graph, cuts)
    assert graph.all_nodes == sum(segment.nodes for segment in segments)
    assert len(graph.nodes) == sum(segment.nodes.bit_count() for segment in segments)
    memberships = set()
    for segment in segments:
        inside = tuple(segment.nodes & cut.head == segment.nodes for cut in cuts)
        outside = tuple(segment.nodes & cut.head == 0 for cut in cuts)
        assert all(a != b for a, b in zip(inside, outside, strict=True))
        memberships.add(inside)
    assert len(segments) == len(memberships)
    for cut in cuts:
        assert cut.head == sum(segment.nodes for segment in segments_in(cut, segments))


@settings(max_examples=150)
@given(model=models(most_nodes=10), data=st.data())
def test_segments_follow_what_they_need(model: onnx.ModelProto, data: st.DataObject) -> None:
    """A segment comes after those it needs, is convex, and is a valid model of its own."""
    graph = read(model)
    ready = set(graph.inputs)
    for segment in segments_of(graph, draw_cuts(data, graph, most=4)):
        assert ready.issuperset(segment.inputs)
        ready.update(segment.outputs)
        nodes = [node.index for node in graph.nodes if segment.nodes >> node.index & 1]
        behind = before = 0
        for node in nodes:
            behind |= graph.descendants[node]
            before |= graph.ancestors[node]
        assert segment.nodes == behind & before
        onnx.checker.check_model(extract(graph, segment), full_check=True)
    assert ready.issuperset(graph.outputs)


@settings(max_examples=150)
@given(model=models(most_nodes=14), data=st.data())
def test_head_then_tail_is_the_whole(model: onnx.ModelProto, data: st.DataObject) -> None:
    """Running the head, sending what crosses and running the tail gives the model's outputs."""
    graph = read(model)
    feed = feed_of(graph)
    cuts = draw_cuts(data, graph, most=4)
    whole = onnxruntime_module().InferenceSession(
        model.SerializeToString(), quiet_options(1), providers=_CPU
    )
    expected = dict(zip(graph.outputs, whole.run(list(graph.outputs), feed), strict=True))
    segments = Segments(graph, cuts, options=quiet_options(1), providers=_CPU)
    for cut in (device_only(graph), server_only(graph), *cuts):
        head = segments.run(segments.head_of(cut), feed).values
        sent = {name: head[name] for name in cut.crossing}
        tail = segments.run(segments.tail_of(cut), sent).values
        returned = {name: tail[name] for name in cut.returned}
        actual = segments.outputs_of({**head, **returned})
        assert list(expected) == list(actual)
        for name, array in expected.items():
            np.testing.assert_array_equal(array, actual[name], strict=True)


def test_every_cut_of_named_graphs_runs(graph_of: Callable[..., Graph]) -> None:
    """Branches that capture, weights on both sides and outputs on both sides run at every cut."""
    graph = graph_of(
        """(float[1,4] x, bool c) => (float[1,4] early, float[1,4] y, float[4] k)
        <float[4] w = {1, 2, 3, 4}, float[4] k = {4, 3, 2, 1}>
        {
            a = Add(x, w)
            early = Relu(a)
            b = Mul(early, w)
            y = If(c) <
                then_branch = yes () => (float[1,4] t) { t = Add(a, b) },
                else_branch = no () => (float[1,4] e) { e = Mul(b, w) }
            >
        }"""
    )
    cuts = [cut_at(graph, crossing) for crossing in smallest_heads(graph)]
    segments = Segments(graph, cuts, options=quiet_options(1), providers=_CPU)
    x, w = np.array([[-2, -1, 1, 2]], np.float32), np.array([1, 2, 3, 4], np.float32)
    early = np.maximum(x + w, 0)
    for cut in cuts:
        for condition, y in ((True, x + w + early * w), (False, early * w * w)):
            feed = {"x": x, "c": np.array(condition)}
            head = segments.run(segments.head_of(cut), feed).values
            sent = {name: head[name] for name in cut.crossing}
            tail = segments.run(segments.tail_of(cut), sent).values
            outputs = segments.outputs_of({**head, **tail})
            expected = {"early": early, "y": y, "k": w[::-1]}
            assert {name: array.tolist() for name, array in expected.items()} == {
                name: array.tolist() for name, array in outputs.items()
            }
