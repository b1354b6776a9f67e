from collections.abc import Callable
from dataclasses import replace

import onnx
import onnx_ir as ir
import pytest

from cutpoint.cost import CutTable
from cutpoint.exceptions import InvalidCutError, PlannerError
from cutpoint.graph import Graph, cut_at, graph_from_model, value_names
from cutpoint.policies import Fixed, Situation

Decide = Callable[..., Situation]


@pytest.mark.parametrize(
    ("at", "crossing"), [("device", []), ("server", []), ("a", [("a",)]), ("c,b", [("b", "c")])]
)
def test_candidates(at: str, crossing: list[tuple[str, ...]], graph: Graph) -> None:
    """It asks for its one cut; the two ends need no segments."""
    assert crossing == [cut.crossing for cut in Fixed(at).candidates(graph)]


@pytest.mark.parametrize(
    ("at", "placement", "row"),
    [("device", "device", 0), ("server", "server", 1), ("a", "split", 2), ("c,b", "split", 3)],
)
@pytest.mark.parametrize("rate", [1.0, 1e9])
def test_it_never_changes_its_mind(
    at: str, placement: str, row: int, rate: float, graph: Graph, situation_of: Decide
) -> None:
    """Its cut is taken on a slow link and on a fast one."""
    policy = Fixed(at)
    policy.candidates(graph)
    situation = situation_of(rate)
    plan = policy.decide(situation)
    assert (placement, situation.table.cuts[row].id) == (plan.placement, plan.cut)


@pytest.mark.parametrize(
    ("rate", "note"),
    [(1e9, "server edge:8001 has no tail behind a"), (None, "the link was not measured yet")],
)
def test_a_cut_the_table_has_not_is_device_only(
    rate: float | None, note: str | None, graph: Graph, situation_of: Decide
) -> None:
    """Where the table lost its cut it stays on the device, and says why."""
    policy = Fixed("a")
    policy.candidates(graph)
    whole = situation_of(rate).table
    columns = ("head_s", "rest_s", "encode_s", "tail_s", "up_bytes", "down_bytes", "codecs")
    ends: CutTable = replace(
        whole, cuts=whole.cuts[:2], **{name: getattr(whole, name)[:2] for name in columns}
    )
    plan = policy.decide(situation_of(rate, among=ends))
    assert (plan.placement, plan.note) == ("device", note)


def test_a_plan_carried_out_needs_no_note(graph: Graph, situation_of: Decide) -> None:
    """A plan says why it is not the policy's own, and nothing when it is."""
    policy = Fixed("a")
    policy.candidates(graph)
    why = "the link was not measured yet"
    assert [policy.decide(situation_of(rate)).note for rate in (1e9, None)] == [None, why]
    device = Fixed("device")
    assert [device.decide(situation_of(rate)).note for rate in (1e9, None)] == [None, None]


def test_a_cut_the_graph_has_not_is_refused(graph: Graph) -> None:
    """Values at which the model cannot be cut are refused before anything runs."""
    with pytest.raises(InvalidCutError, match=r"\['b'\] would send"):
        Fixed("b").candidates(graph)
    with pytest.raises(InvalidCutError, match="'nowhere'"):
        Fixed("nowhere").candidates(graph)


def test_its_name_says_where_it_cuts(graph: Graph) -> None:
    """It is reported by what it was asked for."""
    assert [Fixed(at).name for at in ("device", "b,c")] == ["device", "b,c"]
    assert cut_at(graph, ["b", "c"]) == Fixed("c,b").candidates(graph)[0]


@pytest.fixture
def coded(table: CutTable) -> CutTable:
    """Give the table with server-only and the cut at a as uint8 too, the latter slower."""
    rows = [0, 1, 2, 3, 1, 2]
    columns = ("head_s", "rest_s", "encode_s", "tail_s", "up_bytes", "down_bytes")
    return replace(
        table,
        cuts=tuple(table.cuts[row] for row in rows),
        codecs=("raw", "raw", "raw", "raw", "uint8", "uint8"),
        **{name: getattr(table, name)[rows] for name in columns},
    )


@pytest.mark.parametrize(
    ("at", "codec", "row"),
    [("a@uint8", "uint8", 5), ("server@uint8", "uint8", 4), ("a", "raw", 2), ("a@raw", "raw", 2)],
)
def test_a_codec_is_kept_to(
    at: str, codec: str, row: int, coded: CutTable, graph: Graph, situation_of: Decide
) -> None:
    """Behind the last @ stands the codec that everything is sent as, whatever it costs."""
    policy = Fixed(at)
    policy.candidates(graph)
    plan = policy.decide(situation_of(1e9, among=coded))
    assert (plan.cut, plan.codec, plan.note) == (coded.cuts[row].id, codec, None)
    assert (policy.name, policy.codec) == (at, codec)


@pytest.mark.parametrize("at", ["b,c@uint8", "a@zstd", "server@jpeg:90"])
def test_where_a_codec_cannot_be_used_values_travel_raw(
    at: str, coded: CutTable, graph: Graph, situation_of: Decide
) -> None:
    """The cut is the one asked for, and the plan says that the codec is not."""
    policy = Fixed(at)
    policy.candidates(graph)
    plan = policy.decide(situation_of(1e9, among=coded))
    where, _, codec = at.partition("@")
    assert plan.cut == ("server-only" if where == "server" else cut_at(graph, where.split(",")).id)
    assert plan.codec == "raw"
    assert f"raw instead of {codec}: server edge:8001 does not decode it" in (plan.note or "")


def test_without_a_server_a_codec_is_no_matter(graph: Graph, situation_of: Decide) -> None:
    """Device-only is planned for the reason that holds, not for the codec's."""
    policy = Fixed("a@uint8")
    policy.candidates(graph)
    plan = policy.decide(situation_of(None))
    assert (plan.placement, plan.note) == ("device", "the link was not measured yet")


@pytest.mark.parametrize(
    ("at", "where", "codec"),
    [
        ("a,b@uint8-channel+zstd", "a,b", "uint8-channel+zstd"),
        ("layer@1", "layer@1", "raw"),
        ("layer@1@uint8", "layer@1", "uint8"),
        ("x@Relu", "x@Relu", "raw"),
        ("@uint8", "@uint8", "raw"),
        ("a@", "a@", "raw"),
        ("a@jpeg:", "a@jpeg:", "raw"),
        ("a@jpeg:75", "a", "jpeg:75"),
    ],
)
def test_what_looks_like_a_codec_is_one(at: str, where: str, codec: str) -> None:
    """Names of values may have an @ themselves; only what can be a codec's name is cut off."""
    policy = Fixed(at)
    assert (policy._where, policy.codec) == (where, codec)


def test_a_value_of_that_very_name_is_meant(model_of: Callable[..., onnx.ModelProto]) -> None:
    """Where the graph has a value that is called like another and a codec, it is the value."""
    model = model_of("(float[4] x) => (float[4] y) { a = Relu(x) b = Tanh(a) y = Abs(b) }")
    model.graph.node[0].output[0] = model.graph.node[1].input[0] = "a@uint8"
    read = ir.from_proto(model)
    graph = graph_from_model(
        read, name="model", sha256="ab" * 32, original_names=value_names(read), sizes={}
    )
    policy = Fixed("a@uint8")
    assert [cut.crossing for cut in policy.candidates(graph)] == [("a@uint8",)]
    assert policy.codec == "raw"


def test_device_only_has_nothing_to_encode() -> None:
    """A codec for device-only is a mistake, and told before anything runs."""
    with pytest.raises(PlannerError, match=r"'device@uint8': device-only sends nothing"):
        Fixed("device@uint8")
