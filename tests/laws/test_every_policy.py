"""Laws for every policy: a new one is added to the list and gets all of them."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from hypothesis import given, note
from hypothesis import strategies as st

from cutpoint.cost import Coding, HostCosts, predict
from cutpoint.graph import DEVICE_ONLY, SERVER_ONLY, Graph, cut_at
from cutpoint.planning import compile_table
from cutpoint.policies import PUBLISHED, Cutpoint, Fixed, Policy, Published, Situation
from cutpoint.records import DEVICE, RAW, Conditions, LinkConditions, LoadConditions, Plan

POLICIES: dict[str, Callable[[], Policy]] = {
    "cutpoint": Cutpoint,
    "soonest, eager": lambda: Cutpoint(0.0, 0.0, 0.0),
    "soonest, stubborn": lambda: Cutpoint(0.5, 5.0, 0.5),
    "one of a herd": lambda: Cutpoint(seed=7, quantile=0.9),
    "device": lambda: Fixed("device"),
    "server": lambda: Fixed("server"),
    "one value": lambda: Fixed("a"),
    "two values": lambda: Fixed("b,c"),
    "one value, encoded": lambda: Fixed("a@half"),
    "two values, one encoded": lambda: Fixed("b,c@mixed"),
    "server, encoded": lambda: Fixed("server@half"),
    "server, as nobody knows": lambda: Fixed("server@none-such+zstd:9"),
    **PUBLISHED,
}

EVERY_POLICY = pytest.mark.parametrize("make", POLICIES.values(), ids=POLICIES)


def every_policy(graph: Graph) -> Iterator[Policy]:
    """Make each policy anew, asked for its candidates: all see what was drawn, which costs most."""
    for name, make in POLICIES.items():
        note(name)
        policy = make()
        policy.candidates(graph)
        yield policy


SHARES = st.lists(st.floats(0, 1), min_size=2, max_size=2).map(sorted)
WHOLES = st.floats(1e-4, 10)
LINKS = st.none() | st.builds(LinkConditions, *[st.floats(1e2, 1e9)] * 2, *[st.floats(0, 1)] * 2)
CONDITIONS = st.builds(
    Conditions,
    link=LINKS,
    load=st.builds(LoadConditions, st.floats(0, 5), st.floats(0.1, 50)),
    device_slowdown=st.floats(0.1, 20),
    unavailable=st.none() | st.just("left alone for a while"),
)
RUNS = st.lists(CONDITIONS, min_size=1, max_size=8)

TAKES = {"half": ["a", "b", "c", "x"], "mixed": ["b"]}
NUMBERS = st.floats(0, 1)
CODINGS = st.fixed_dictionaries(
    {
        codec: st.tuples(*[st.fixed_dictionaries(dict.fromkeys(values, NUMBERS))] * 3)
        for codec, values in TAKES.items()
    }
).map(lambda found: [Coding(name, *numbers) for name, numbers in found.items()])
STRUCK = st.frozensets(st.tuples(st.sampled_from(["a", "b", "x"]), st.sampled_from([*TAKES])))


@pytest.fixture(scope="module")
def graph(graph_of: Callable[..., Graph]) -> Graph:
    """Give a diamond that can be cut at one value and at two."""
    return graph_of(
        """(float[1,64] x) => (float[1,1] y)
        { a = ReduceMax<axes = [1]>(x) b = Sigmoid(a) c = Tanh(a) d = Add(b, c) y = Neg(d) }"""
    )


@st.composite
def runs(draw: st.DrawFn, graph: Graph) -> list[Situation]:
    """Draw a table and the situations of one session."""
    cuts = [cut_at(graph, ["a"]), cut_at(graph, ["b", "c"])]

    def host() -> HostCosts:
        whole_s, shares = draw(WHOLES), draw(SHARES)
        ids = [DEVICE_ONLY, SERVER_ONLY, *(cut.id for cut in cuts)]
        head = dict(zip(ids, [1.0, 0.0, *shares], strict=True))
        head_s = {cut: whole_s * share for cut, share in head.items()}
        tail_s = {cut: whole_s * (1 - share) for cut, share in head.items()}
        return HostCosts(whole_s, head_s, tail_s, frozenset())

    struck, values = draw(STRUCK), {cut.id: cut.crossing[0] for cut in cuts}
    table = compile_table(
        graph,
        cuts,
        host(),
        host(),
        codings=draw(st.just([]) | CODINGS),
        is_struck=lambda cut, codec: (values.get(cut, "x"), codec) in struck,
        keeps_dominated=draw(st.booleans()),
    )
    return [
        Situation(float(at_s), table, conditions, "edge:8001")
        for at_s, conditions in enumerate(draw(RUNS))
    ]


@given(data=st.data())
def test_every_plan_is_valid(data: st.DataObject, graph: Graph) -> None:
    """A plan is a row of the table, can be carried out now, and predicts what the row predicts."""
    situations = data.draw(runs(graph))
    for policy in every_policy(graph):
        asked = getattr(policy, "codec", None)
        for situation in situations:
            check_is_valid(policy.decide(situation), situation, asked)


def check_is_valid(
    plan: Plan, situation: Situation, asked: str | None, *, corrects: bool = False
) -> None:
    """
    Check a plan of a policy that asks for one codec, or for none in particular.

    One that corrects by what it has seen may predict otherwise than the table.
    """
    row = situation.table.find(plan.cut, plan.codec)
    assert row is not None
    cut, prediction = situation.table.cuts[row], predict(situation.table, situation.conditions)
    assert (cut.placement, cut.crossing) == (plan.placement, plan.crossing)
    assert corrects or prediction.parts(row) == plan.predicted
    assert np.isfinite(plan.predicted.latency_s)
    assert plan.legs[0].host == DEVICE
    assert situation.table.codecs_of(row) == plan.legs[0].codecs
    assert len({*plan.legs[0].codecs} - {RAW}) <= 1
    if asked is not None:
        assert plan.codec in (RAW, asked)
        assert plan.codec == asked or plan.note is not None
    if plan.placement == "device":
        assert (len(plan.legs), plan.server, plan.legs[0].up_to_cut) == (1, None, None)
    else:
        sent = len(plan.legs), plan.server, plan.legs[0].up_to_cut
        assert sent == (2, "edge:8001", plan.cut)
        assert plan.legs[1].up_to_cut is None


@given(data=st.data())
def test_the_same_past_gives_the_same_plan(data: st.DataObject, graph: Graph) -> None:
    """Two policies that have seen the same decide the same: nothing is drawn or read elsewhere."""
    situations = data.draw(runs(graph))
    for first, second in zip(every_policy(graph), every_policy(graph), strict=True):
        decided = [[policy.decide(each) for each in situations] for policy in (first, second)]
        assert decided[0] == decided[1]


@given(data=st.data())
def test_without_a_server_everything_runs_on_the_device(data: st.DataObject, graph: Graph) -> None:
    """Whatever was decided before, a server that cannot be used gets nothing, at once."""
    situations = data.draw(runs(graph))
    for policy in every_policy(graph):
        for situation in situations:
            plan = policy.decide(situation)
            if not situation.conditions.is_server_usable:
                assert plan.placement == "device"


@given(data=st.data())
def test_deciding_changes_no_input(data: st.DataObject, graph: Graph) -> None:
    """The table is shared between decisions: none writes into it."""
    situations = data.draw(runs(graph))
    for policy in every_policy(graph):
        for situation in situations:
            columns = (situation.table.head_s, situation.table.tail_s, situation.table.up_bytes)
            before = [column.copy() for column in columns]
            policy.decide(situation)
            for column, copy in zip(columns, before, strict=True):
                np.testing.assert_array_equal(copy, column)


@EVERY_POLICY
def test_every_candidate_is_a_split_of_the_graph(make: Callable[[], Policy], graph: Graph) -> None:
    """Candidates are cuts with nodes on both sides, and the same when asked again."""
    policy = make()
    candidates = list(policy.candidates(graph))
    assert candidates == list(policy.candidates(graph))
    for cut in candidates:
        assert cut_at(graph, cut.crossing) == cut
        assert 0 < cut.head < graph.all_nodes


@given(data=st.data())
def test_from_scratch_cutpoint_is_never_beaten(data: st.DataObject, graph: Graph) -> None:
    """A fresh policy takes the row with the least predicted latency, to the last digit but one."""
    for situation in data.draw(runs(graph)):
        latency_s = predict(situation.table, situation.conditions).latency_s.tolist()
        plan = Cutpoint().decide(situation)
        row = situation.table.find(plan.cut, plan.codec)
        assert row is not None
        assert latency_s[row] <= min(latency_s) * (1 + 1e-12)


@given(data=st.data())
def test_cutpoint_is_never_worse_than_twice_the_best(data: st.DataObject, graph: Graph) -> None:
    """However reluctant, the policy never keeps a row that takes over twice the best."""
    policy = Cutpoint(0.5, 100.0, 0.5)
    for situation in data.draw(runs(graph)):
        plan = policy.decide(situation)
        best_s = predict(situation.table, situation.conditions).latency_s.min()
        assert plan.predicted.latency_s <= 2 * best_s * (1 + 1e-12)


@given(data=st.data())
def test_a_published_scheme_takes_its_own_best_row(data: st.DataObject, graph: Graph) -> None:
    """Whatever came before, no raw row that it looks at is better by the terms that it counts."""
    situations = data.draw(runs(graph))
    for name, make in PUBLISHED.items():
        note(name)
        scheme = make()
        if not isinstance(scheme, Published) or name == "diamond":
            continue  # ANS has an objective of its own, DIAMOND weighs energy beside it
        for situation in situations:
            table, seen = situation.table, scheme.setting.seen(situation.conditions)
            latency_s = predict(table, seen).latency_s
            looked_at = [
                row
                for row, (cut, codec) in enumerate(zip(table.cuts, table.codecs, strict=True))
                if codec == RAW and (cut.placement != "split" or scheme.may_take(cut))
            ]
            row = table.find(scheme.decide(situation).cut)
            assert row in looked_at
            assert latency_s[row] <= latency_s[looked_at].min() * (1 + 1e-12)


@given(data=st.data())
def test_cutpoint_loses_no_more_than_it_may(data: st.DataObject, graph: Graph) -> None:
    """What staying has cost since it was last for nothing never reaches what may be lost."""
    policy, lost = Cutpoint(0.0, 0.3, 0.0), 0.0
    for situation in data.draw(runs(graph)):
        plan = policy.decide(situation)
        best_s = predict(situation.table, situation.conditions).latency_s.min()
        loss = 1 - best_s / plan.predicted.latency_s
        lost = lost + loss if loss > 1e-12 else 0.0
        assert lost < 0.3
