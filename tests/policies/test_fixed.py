from collections.abc import Callable
from dataclasses import replace

import pytest

from cutpoint.cost import CutTable
from cutpoint.exceptions import InvalidCutError
from cutpoint.graph import Graph, cut_at
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
