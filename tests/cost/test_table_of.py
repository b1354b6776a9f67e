from collections.abc import Callable
from dataclasses import replace

import pytest

from cutpoint.cost import cost_table_of, fold, head_rows, nodes_of, table_of_nodes
from cutpoint.cost.limits import NO_LIMITS
from cutpoint.exceptions import ProfileMismatchError
from cutpoint.graph import Graph, closed_sets, cut_at, segments_of
from cutpoint.records import Profile, Sample

Write = Callable[..., Profile]


@pytest.fixture(scope="module")
def branchy(graph_of: Callable[..., Graph]) -> Graph:
    """Give two branches of which one is fused, an early output, and a shape of no cost."""
    weights = f"<float[4,4] w = {{{', '.join('1' * 16)}}}>"
    return graph_of(
        f"""(float[1,4] x) => (float[1,4] early, float[4] y) {weights} {{
            [M] m = MatMul(x, w) [R] r = Relu(m)
            [L] left = Sigmoid(r) [E] early = Tanh(r)
            [J] joined = Max(left, early) [S] y = Squeeze(joined)
        }}"""
    )


@pytest.fixture
def measured(branchy: Graph, profile_of: Write) -> Profile:
    """Give a profile with node times that add up to the whole."""
    times_s = {"M": 8.0, "R": 1.0, "L": 2.0, "E": 3.0, "J": 1.5, "S": 0.5}
    samples = [Sample("node", name, time_s) for name, time_s in times_s.items()]
    return profile_of(branchy, [Sample("whole", "", 16.0), *samples])


def test_nodes_add_up_in_blocks(branchy: Graph, measured: Profile) -> None:
    """Blocks take the time of their nodes on every host, and hold their weights."""
    table = cost_table_of(branchy, measured, measured, measured)
    assert table.blocks == ("R", "L", "E", "S")
    assert table.host_s.tolist() == [[9, 2, 3, 2]] * 3
    assert table.memory.tolist() == [64, 0, 0, 0]
    assert (table.name, table.sha256) == (branchy.name, branchy.sha256)


def test_values_between_blocks_are_listed(branchy: Graph, measured: Profile) -> None:
    """What stays inside a block is left out, unless it is an output."""
    table = cost_table_of(branchy, measured, measured)
    listed = {v.name: (v.size_bytes, v.producer, v.consumers, v.is_output) for v in table.values}
    assert listed == {
        "x": (16, None, (0,), False),
        "r": (16, 0, (1, 2), False),
        "left": (16, 1, (3,), False),
        "early": (16, 2, (3,), True),
        "y": (16, 3, (), True),
    }


def test_only_values_of_the_file_may_cross(branchy: Graph, measured: Profile) -> None:
    """A value that the optimiser made has no name both hosts know, so it does not travel."""
    graph = replace(branchy, original_names=branchy.original_names - {"r"})
    table = cost_table_of(graph, measured, measured)
    assert {v.name for v in table.values if not v.may_cross} == {"r"}


def test_a_server_that_states_its_whole_spends_it_alike(
    branchy: Graph, measured: Profile, profile_of: Write
) -> None:
    """A server known by its whole alone is the device, faster everywhere."""
    server = profile_of(branchy, [Sample("whole", "", 4.0), Sample("tail", "server-only", 4.0)])
    table = cost_table_of(branchy, measured, server)
    assert table.server_s.tolist() == pytest.approx((table.device_s / 4).tolist())


def test_heads_of_blocks_are_heads_of_nodes(branchy: Graph, measured: Profile) -> None:
    """A closed set of blocks is a closed set of nodes, of the same time."""
    table = cost_table_of(branchy, measured, measured)
    node_s = {s.subject: s.duration_s for s in measured.samples if s.kind == "node"}
    for head in closed_sets(table.predecessors, 1000) or ():
        nodes = nodes_of(branchy, head)
        for node in branchy.nodes:
            if nodes >> node.index & 1:
                assert branchy.ancestors[node.index] & ~nodes == 0
        head_s = sum(node_s[n.name] for n in branchy.nodes if nodes >> n.index & 1)
        assert head_rows(table, (head,), NO_LIMITS).head_s[0] == pytest.approx(head_s)
    assert nodes_of(branchy, table.everything) == branchy.all_nodes


def test_cuts_cost_what_the_fold_says(chain: Graph, profile_of: Write) -> None:
    """At a cut between timed segments the table agrees with the fold."""
    held = segments_of(chain, [cut_at(chain, ["b"])])
    samples = [Sample("segment", s.id, t) for s, t in zip(held, (3.0, 4.0), strict=True)]
    profile = profile_of(chain, [Sample("whole", "", 8.0), *samples], [("b",)])
    table = cost_table_of(chain, profile, profile)
    cut = cut_at(chain, ["b"])
    head = next(
        h for h in closed_sets(table.predecessors, 1000) or () if nodes_of(chain, h) == cut.head
    )
    rows = head_rows(table, (head,), NO_LIMITS)
    costs = fold(chain, profile, [cut])
    assert rows.head_s[0] == costs.head_s[cut.id]
    assert rows.tail_s[0] == costs.tail_s[cut.id]


def test_a_profile_of_another_model_is_refused(branchy: Graph, measured: Profile) -> None:
    """Each host's profile must be of this file."""
    other = replace(measured, model_sha256="cd" * 32)
    for profiles in ((other, measured), (measured, other), (measured, measured, other)):
        with pytest.raises(ProfileMismatchError, match="cdcd"):
            cost_table_of(branchy, *profiles)


def test_a_value_of_unknown_size_may_not_cross(graph_of: Callable[..., Graph]) -> None:
    """It would look free: whoever adds costs must not be offered it."""
    graph = graph_of(
        """(float[1,4] x) => (float[1,4] y) {
            a = Relu(x)
            n = NonZero(a)
            f = Cast<to = 1>(n)
            s = ReduceSum<keepdims = 0>(f)
            y = Add(a, s)
        }"""
    )
    flops = [node.flops for node in graph.nodes]
    table = table_of_nodes(graph, [flops, flops])
    assert {v.name for v in table.values if not v.may_cross} >= {"n"}
