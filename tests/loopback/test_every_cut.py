"""Every candidate cut of every model of the zoo gives the outputs of the uncut model."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnx
import pytest
from tests.loopback.conftest import SERVED, image_feeds

from cutpoint.client.session import InferenceSession
from cutpoint.cost import CutTable, nodes_in, table_of_nodes, write_cut_table
from cutpoint.execution import ModelFile, Segments, load_graph
from cutpoint.execution.runtime import onnxruntime_module, quiet_options
from cutpoint.graph import Arrays, Cut, Graph, blocks_of, cut_at, cut_of
from cutpoint.lab.equivalence import TOLERANCE, compare
from cutpoint.lab.fork_server import ForkServer
from cutpoint.lab.forked_server import ForkedServer
from cutpoint.lab.zoo import ZOO
from cutpoint.planning import compiled_table, cuts_to_hold, graph_cuts
from cutpoint.planning.cuts.heads import breadth_first_order, prefix_heads, table_order
from cutpoint.policies import Policy, Situation
from cutpoint.policies.fixed import Fixed
from cutpoint.records import InferenceRecord, Plan

CUTS = {
    "alexnet": (14, 0), "alexnet_towers": (10, 6), "deit_tiny": (31, 0), "densenet121": (71, 0),
    "efficientnet_b4": (71, 0), "efficientnet_b5": (78, 0), "efficientnet_b6": (84, 0),
    "fpn_detector": (22, 0), "ghostnet": (24, 4), "googlenet": (22, 4),
    "hrnet_w18_small": (8, 1), "inception_v1": (25, 4), "inception_v2": (27, 9),
    "inception_v3": (26, 6), "mobilenet_v2": (34, 0), "mobilenet_v3_large": (42, 0),
    "mobilenet_v3_small": (38, 0), "mobilevit_xxs": (38, 0), "nin": (16, 0),
    "resnet101": (38, 1), "resnet152": (55, 1), "resnet18": (12, 0), "resnet50": (22, 1),
    "shufflenet": (26, 2), "squeezenet": (22, 0), "tiny_yolov2": (14, 0), "vgg16": (21, 0),
    "vgg19": (25, 0), "xception": (20, 0), "zfnet512": (14, 0),
}  # fmt: skip
"""How many cuts each optimised net has, and how many of them several values cross."""

SLOW = frozenset(
    {
        "alexnet", "alexnet_towers", "densenet121", "efficientnet_b4", "efficientnet_b5",
        "efficientnet_b6", "inception_v3", "resnet50", "resnet101", "resnet152", "tiny_yolov2",
        "vgg16", "vgg19", "xception", "zfnet512",
    }
)  # fmt: skip
"""Nets that take longer than a few seconds to build, load and run at every cut."""

EACH = [pytest.param(name, marks=[pytest.mark.soak] if name in SLOW else []) for name in ZOO]

BRANCHED = ("alexnet_towers", "fpn_detector", "ghostnet", "hrnet_w18_small", "inception_v3")
"""Nets whose compiled tables have cuts of several values, or cuts that do not nest."""

NESTED = ("ghostnet",)
"""Of these, the nets whose cuts contain each other all the same."""

SERVED_BY_TABLE = ("fpn_detector", "hrnet_w18_small")

PLACING_ATTEMPTS = 20
"""How often a busy machine may make the device answer first before that counts as a failure."""


def uncut_outputs(path, feeds: list[Arrays]) -> list[Arrays]:
    """Give what ONNX Runtime itself makes of the model file."""
    session = onnxruntime_module().InferenceSession(
        str(path), quiet_options(), providers=["CPUExecutionProvider"]
    )
    names = [output.name for output in session.get_outputs()]
    return [dict(zip(names, session.run(names, feed), strict=True)) for feed in feeds]


def joined(segments: Segments, cut: Cut, feed: Arrays) -> Arrays:
    """Run the head, then the tail with nothing but the crossing values; give the outputs."""
    head = segments.run(segments.head_of(cut), feed).values
    crossing = {value: head[value] for value in cut.crossing}
    tail = segments.run(segments.tail_of(cut), crossing).values
    return segments.outputs_of({**head, **tail})


def assert_cuts_are_equivalent(path: Path, graph: Graph, cuts: tuple[Cut, ...]) -> None:
    """Assert that at each cut head and tail give what the model file gives, uncut."""
    feeds = image_feeds(graph)
    expected = uncut_outputs(path, feeds)
    segments = Segments(graph, cuts)
    for cut in cuts:
        found = compare([joined(segments, cut, feed) for feed in feeds], expected)
        assert found.is_shown, f"{graph.name} cut at {cut.crossing}: {found}"


_tables: dict[str, CutTable] = {}


def table_of(graph: Graph) -> CutTable:
    """Compile a table with times about in proportion to operations, once for each net."""
    if graph.name not in _tables:
        flops, rng = np.array([node.flops for node in graph.nodes]), np.random.default_rng(0)
        device_s = flops / 2e9 * rng.lognormal(0.0, 0.3, len(flops))
        costs = table_of_nodes(graph, [device_s, flops / 60e9 + 1e-6])
        _tables[graph.name] = compiled_table(graph, costs)
    return _tables[graph.name]


def side_by_side(graph: Graph) -> tuple[Cut, ...]:
    """Give cuts that several values cross: those behind each block, branch by branch or abreast."""
    blocks, flops = blocks_of(graph), np.zeros(len(graph.nodes))
    costs = table_of_nodes(graph, [flops, flops])
    orders = (table_order(costs), breadth_first_order(costs))
    heads = [nodes_in(blocks, head) for order in orders for head in prefix_heads(order)]
    found = (cut_of(graph, head) for head in heads)
    return tuple(dict.fromkeys(cut for cut in found if cut and len(cut.crossing) > 1))


def crosses(one: Cut, other: Cut) -> bool:
    """Tell whether neither cut contains the other."""
    return one.head & other.head not in (one.head, other.head)


@pytest.mark.parametrize("name", EACH)
def test_every_candidate_cut_gives_the_outputs_of_the_uncut_model(name, zoo_model):
    """Head and tail, joined by the crossing values alone, equal the model file run whole."""
    path = zoo_model(name)
    graph = load_graph(ModelFile.open(path))
    cuts = graph_cuts(graph)
    assert (len(cuts), sum(len(cut.crossing) > 1 for cut in cuts)) == CUTS[name]
    assert_cuts_are_equivalent(path, graph, cuts)


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.soak] if name in SLOW else []) for name in BRANCHED],
)
def test_cuts_across_branches_give_the_outputs_of_the_uncut_model(name, zoo_model):
    """A dozen cuts of a compiled table and of up to fifteen values, nested or not, run together."""
    path = zoo_model(name)
    graph = load_graph(ModelFile.open(path))
    found = list(dict.fromkeys((*table_of(graph).splits, *side_by_side(graph))))
    kept = tuple(found[:: len(found) // 11])
    assert max(len(cut.crossing) for cut in kept) > 1
    assert any(crosses(a, b) for a in kept for b in kept) == (name not in NESTED)
    assert_cuts_are_equivalent(path, graph, kept)


def test_outputs_of_the_head_are_kept(zoo_model):
    """At a cut behind one of three outputs the tail makes two, and the device has the third."""
    path = zoo_model("fpn_detector")
    graph = load_graph(ModelFile.open(path))
    cuts = tuple(cut for cut in side_by_side(graph) if len(cut.returned) < len(graph.outputs))
    assert cuts
    assert_cuts_are_equivalent(path, graph, cuts)


class InTurn:
    """Cuts where it is told to, so that one session goes through all cuts that it holds."""

    name = "in turn"
    needs_every_candidate = True

    def __init__(self, cuts: tuple[Cut, ...]) -> None:
        self.at = "server"
        self._fixed = {at: Fixed(at) for at in ("server", *(",".join(c.crossing) for c in cuts))}

    @property
    def places(self) -> tuple[str, ...]:
        """Where it can be told to cut: at the model's inputs first."""
        return tuple(self._fixed)

    def candidates(self, graph: Graph) -> list[Cut]:
        """Give all of them."""
        return [cut for fixed in self._fixed.values() for cut in fixed.candidates(graph)]

    def decide(self, situation: Situation) -> Plan:
        """Cut there, whatever else would be sooner."""
        return self._fixed[self.at].decide(situation)

    def observe(self, record: InferenceRecord) -> None:
        """Learn nothing."""


@contextmanager
def a_session(path: Path, server: ForkedServer, policy: str | Policy, **settings) -> Iterator:
    """Open a session, and wait for its server."""
    with InferenceSession(path, server=server.address, policy=policy, **settings) as session:
        session.wait_until_ready(20.0)
        yield session


def answers_of(session: InferenceSession, feeds: list[Arrays], placement: str) -> list[Arrays]:
    """Run feeds, each of which must be placed so; give the outputs by name.

    A machine that stalls in mid-upload makes the session answer by itself: what it then
    gives must be right too, and the server is asked again. Nothing but lateness is excused.
    """
    names = [output.name for output in session.get_outputs()]
    return [_placed(session, names, feed, placement) for feed in feeds]


def _placed(session: InferenceSession, names: list[str], feed: Arrays, placement: str) -> Arrays:
    """Run a feed until no stall of the machine overtakes the server; give its outputs."""
    late = []
    for _ in range(PLACING_ATTEMPTS):
        given = dict(zip(names, session.run(names, feed), strict=True))
        record = session.last_record
        if record.fallback_reason is None:
            assert record.placement == placement
            assert all(compare([each, each], [given, given]).error <= TOLERANCE for each in late)
            return given
        assert "late" in record.fallback_reason, record.fallback_reason
        late.append(given)
        session.wait_until_ready(20.0)  # a server that was late is looked at before it is asked
    pytest.fail(f"late {PLACING_ATTEMPTS} times in a row: {session.last_record.fallback_reason}")


@pytest.mark.parametrize("name", SERVED)
def test_head_and_tail_in_separate_processes_give_the_outputs_of_the_uncut_model(
    name, zoo_model, served
):
    """Each cut the model is held at, and server-only, runs its tail in the server's process."""
    path = zoo_model(name)
    graph = load_graph(ModelFile.open(path))
    feeds = image_feeds(graph)
    expected = uncut_outputs(path, feeds)
    policy = InTurn(cuts_to_hold(graph))
    with a_session(path, served, policy) as session:
        for at in policy.places:
            policy.at = at
            given = answers_of(session, feeds, "server" if at == "server" else "split")
            found = compare(given, expected)
            assert found.is_shown, f"{name} at {at}: {found}"


@pytest.fixture(scope="module")
def tables(zoo_model, tmp_path_factory) -> dict[str, Path]:
    """Give the files of compiled tables by net."""
    folder = tmp_path_factory.mktemp("tables")
    paths = {name: folder / f"{name}.json" for name in SERVED_BY_TABLE}
    for name, path in paths.items():
        write_cut_table(table_of(load_graph(ModelFile.open(zoo_model(name)))), name, path)
    return paths


@pytest.fixture(scope="module")
def served_by_table(zoo_model, tables, fork_server: ForkServer) -> Iterator[ForkedServer]:
    """Give a server process that holds its models at the cuts of their tables."""
    arguments = [word for path in tables.values() for word in ("--table", str(path))]
    models = [str(zoo_model(name)) for name in tables]
    with fork_server.server(models, arguments) as process:
        yield process


@pytest.mark.parametrize("name", SERVED_BY_TABLE)
def test_every_cut_of_a_table_runs_in_two_processes(name, zoo_model, tables, served_by_table):
    """Device and server read one table; at each of its cuts they give the uncut outputs."""
    path = zoo_model(name)
    graph = load_graph(ModelFile.open(path))
    feeds = image_feeds(graph)
    expected = uncut_outputs(path, feeds)
    cuts = table_of(graph).splits
    assert any(len(cut.crossing) > 1 for cut in cuts)
    policy = InTurn(cuts)
    with a_session(path, served_by_table, policy, table=tables[name]) as session:
        for cut in cuts:
            policy.at = ",".join(cut.crossing)
            given = answers_of(session, feeds, "split")
            assert session.last_record.crossing == cut.crossing
            found = compare(given, expected)
            assert found.is_shown, f"{name} at {policy.at}: {found}"


@pytest.mark.parametrize("name", SERVED_BY_TABLE)
def test_a_table_is_chosen_from(name, zoo_model, tables, served_by_table):
    """Left to itself, a session with a table answers right, wherever it cuts."""
    path = zoo_model(name)
    graph = load_graph(ModelFile.open(path))
    feeds = image_feeds(graph)
    with a_session(path, served_by_table, "cutpoint", table=tables[name]) as session:
        names = [output.name for output in session.get_outputs()]
        given = [dict(zip(names, session.run(names, feed), strict=True)) for feed in feeds]
    assert compare(given, uncut_outputs(path, feeds)).is_shown


def assert_is_built_on_request(path: Path, graph: Graph, server: ForkedServer, cut: Cut) -> None:
    """Assert that a session runs on the device until the server has the tail, then there."""
    feeds = image_feeds(graph)
    expected = uncut_outputs(path, feeds)
    with a_session(path, server, ",".join(cut.crossing)) as session:
        for _ in range(2000):
            given = dict(zip(graph.outputs, session.run(None, feeds[0]), strict=True))
            assert compare([given, expected[1]], expected).is_shown
            if session.last_record.placement == "split":
                break
        assert compare(answers_of(session, feeds, "split"), expected).is_shown
        assert session.last_record.crossing == cut.crossing


def test_a_cut_no_segment_ends_at_is_built_on_request(zoo_model, served):
    """A candidate the server does not hold runs on the device until its tail is warm there."""
    path = zoo_model("squeezenet")
    graph = load_graph(ModelFile.open(path))
    other = next(cut for cut in graph_cuts(graph) if cut not in cuts_to_hold(graph))
    assert_is_built_on_request(path, graph, served, other)


def test_a_cut_of_several_values_nobody_knew_is_built_on_request(zoo_model, served_by_table):
    """A server builds the tail behind values it is told, though no list of its own has them."""
    path = zoo_model("hrnet_w18_small")
    graph = load_graph(ModelFile.open(path))
    known = {*graph_cuts(graph), *table_of(graph).splits}
    other = next(cut for cut in side_by_side(graph) if len(cut.crossing) > 2 and cut not in known)
    assert_is_built_on_request(path, graph, served_by_table, other)


class TestNegativeControls:
    """The comparison fails when it must."""

    def test_two_crossing_values_swapped(self):
        """A tail that gets its two inputs the wrong way round is caught."""
        _, feeds, expected, segments, cut = _two_branches()
        assert _through(segments, cut, feeds, expected).is_shown
        first, second = cut.crossing
        swapped = {first: second, second: first}
        assert not _through(segments, cut, feeds, expected, swapped).is_shown

    def test_an_initializer_zeroed(self):
        """A model with one weight set to zero is caught."""
        _, feeds, expected, _, cut = _two_branches()
        model = _branching_model()
        weight = model.graph.initializer[0]
        zeros = np.zeros(tuple(weight.dims), np.float32)
        weight.CopyFrom(onnx.numpy_helper.from_array(zeros, weight.name))
        graph = load_graph(ModelFile.open(model.SerializeToString()))
        segments = Segments(graph, [cut_at(graph, cut.crossing)])
        assert not _through(segments, cut_at(graph, cut.crossing), feeds, expected).is_shown

    def test_a_stale_segment(self):
        """A tail of an older version of the weights is caught."""
        _, feeds, expected, segments, cut = _two_branches()
        older = load_graph(ModelFile.open(_branching_model(seed=99).SerializeToString()))
        stale = Segments(older, [cut_at(older, cut.crossing)])
        given = []
        for feed in feeds:
            head = segments.run(segments.head_of(cut), feed).values
            tail = stale.run(stale.tail_of(cut_at(older, cut.crossing)), head).values
            given.append(stale.outputs_of(tail))
        assert not compare(given, expected).is_shown

    def test_a_model_whose_outputs_do_not_vary_with_its_input(self):
        """Equal outputs of a model that ignores its input show nothing."""
        model = _branching_model(gain=0.0)
        graph = load_graph(ModelFile.open(model.SerializeToString()))
        feeds = _feeds()
        cut = cut_at(graph, ("left", "right"))
        segments = Segments(graph, [cut])
        expected = [
            segments.outputs_of(segments.run(segments.segments, feed).values) for feed in feeds
        ]
        found = _through(segments, cut, feeds, expected)
        assert found.error == 0
        assert not found.is_shown


def _branching_model(seed: int = 0, gain: float = 1.0) -> onnx.ModelProto:
    """Give a model whose head makes two values of one shape that its tail subtracts."""
    rng = np.random.default_rng(seed)
    make = onnx.helper

    def weight(name: str, scale: float = 1.0) -> onnx.TensorProto:
        values = scale * rng.standard_normal((8, 8))
        return onnx.numpy_helper.from_array(values.astype(np.float32), name)

    nodes = [
        make.make_node("MatMul", ["x", "w_left"], ["l"]),
        make.make_node("Sigmoid", ["l"], ["left"]),
        make.make_node("MatMul", ["x", "w_right"], ["r"]),
        make.make_node("Tanh", ["r"], ["right"]),
        make.make_node("MatMul", ["left", "w_out"], ["o"]),
        make.make_node("Sub", ["o", "right"], ["difference"]),
        make.make_node("Mul", ["difference", "gain"], ["scaled"]),
        make.make_node("Add", ["scaled", "one"], ["y"]),
    ]
    tensor = onnx.TensorProto.FLOAT
    constants = [
        onnx.numpy_helper.from_array(np.full((1,), gain, np.float32), "gain"),
        onnx.numpy_helper.from_array(np.ones((1,), np.float32), "one"),
    ]
    graph = make.make_graph(
        nodes,
        "branches",
        [make.make_tensor_value_info("x", tensor, (1, 8))],
        [make.make_tensor_value_info("y", tensor, (1, 8))],
        [weight("w_left"), weight("w_right"), weight("w_out"), *constants],
    )
    return make.make_model(graph, opset_imports=[make.make_opsetid("", 17)], ir_version=8)


def _feeds() -> list[Arrays]:
    rng = np.random.default_rng(5)
    return [{"x": rng.standard_normal((1, 8)).astype(np.float32)} for _ in range(3)]


def _two_branches():
    graph = load_graph(ModelFile.open(_branching_model().SerializeToString()))
    feeds = _feeds()
    cut = cut_at(graph, ("left", "right"))
    segments = Segments(graph, [cut])
    expected = [segments.outputs_of(segments.run(segments.segments, feed).values) for feed in feeds]
    return graph, feeds, expected, segments, cut


def _through(segments, cut, feeds, expected, swapped=None):
    """Run head and tail with nothing but the crossing values between them."""
    names = swapped or {}
    given = []
    for feed in feeds:
        head = segments.run(segments.head_of(cut), feed).values
        crossing = {names.get(value, value): head[value] for value in cut.crossing}
        tail = segments.run(segments.tail_of(cut), crossing).values
        given.append(segments.outputs_of(tail))
    return compare(given, expected)
