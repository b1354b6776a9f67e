from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutpoint.cost import fold, node_seconds
from cutpoint.exceptions import ProfileMismatchError
from cutpoint.graph import SERVER_ONLY, Graph, cut_at, segments_of
from cutpoint.records import Profile, Sample

Write = Callable[..., Profile]

WHOLE = Sample("whole", "", 8.0)


def nodes(**times_s: float) -> list[Sample]:
    """Give the timings of nodes by name."""
    return [Sample("node", name, duration_s) for name, duration_s in times_s.items()]


def segments(graph: Graph, cuts: Sequence[str], *times_s: float) -> list[Sample]:
    """Give the timings of the segments between cuts."""
    held = segments_of(graph, [cut_at(graph, [name]) for name in cuts])
    return [Sample("segment", s.id, t) for s, t in zip(held, times_s, strict=True)]


def tails(graph: Graph, **times_s: float) -> list[Sample]:
    """Give what a server states of the tails behind values."""
    return [Sample("tail", cut_at(graph, [name]).id, t) for name, t in times_s.items()]


def test_segments_keep_their_time(chain: Graph, profile_of: Write) -> None:
    """Nodes share out the segment they lie in, not the whole."""
    samples = [WHOLE, *segments(chain, ["b"], 3.0, 4.0), *nodes(A=1, B=2, C=3, Y=1)]
    assert node_seconds(chain, profile_of(chain, samples, [("b",)])).tolist() == [1, 2, 3, 1]


def test_each_segment_counts_by_its_median(chain: Graph, profile_of: Write) -> None:
    """One disturbed run of a segment moves no node."""
    runs = [segments(chain, ["b"], *times_s) for times_s in [(1, 9), (2, 4), (99, 2)]]
    profile = profile_of(chain, [WHOLE, *runs[0], *runs[1], *runs[2]], [("b",)])
    assert node_seconds(chain, profile).tolist() == [1, 1, 2, 2]


def test_a_missing_segment_leaves_the_whole(chain: Graph, profile_of: Write) -> None:
    """Where a segment was not timed, the whole is shared out."""
    samples = [WHOLE, *segments(chain, ["b"], 3.0, 4.0)[:1]]
    assert node_seconds(chain, profile_of(chain, samples, [("b",)])).tolist() == [2] * 4


def test_nodes_share_out_the_whole(chain: Graph, profile_of: Write) -> None:
    """Node times are scaled to the measured whole; one that is missing is free."""
    profile = profile_of(chain, [WHOLE, *nodes(A=1, B=2, C=1)])
    assert node_seconds(chain, profile).tolist() == [2, 4, 2, 0]


def test_without_nodes_operations_share_out(profile_of: Write, graph_of: Write) -> None:
    """Where nothing else is known, time goes by operations."""
    weights = f"<float[4,2] w = {{{', '.join('1' * 8)}}}>"
    graph = graph_of(
        f"(float[1,4] x) => (float[1,2] y) {weights} {{ a = Relu(x) y = MatMul(a, w) }}"
    )
    profile = profile_of(graph, [Sample("whole", "", 10.0)])
    assert node_seconds(graph, profile).tolist() == [2, 8]


def test_without_operations_all_are_alike(profile_of: Write, graph_of: Write) -> None:
    """Where nothing tells nodes apart they take as long as each other: the sum is kept."""
    graph = graph_of("(float[1,4] x) => (float[4] y) { a = Identity(x) y = Squeeze(a) }")
    assert node_seconds(graph, profile_of(graph, [WHOLE, *nodes(a=0)])).tolist() == [4, 4]


def test_another_host_lends_its_proportions(chain: Graph, profile_of: Write) -> None:
    """A host of which only the whole is known spends it as the other does."""
    like = np.array([1.0, 0.0, 1.0, 2.0])
    profile = profile_of(chain, [WHOLE])
    assert node_seconds(chain, profile, like).tolist() == [2, 0, 2, 4]
    own = profile_of(chain, [WHOLE, *nodes(A=1, B=1)])
    assert node_seconds(chain, own, like).tolist() == [4, 4, 0, 0]


def test_stated_tails_bound_what_lies_between(chain: Graph, profile_of: Write) -> None:
    """What a server states of its tails is kept; within, the other host's proportions count."""
    samples = [Sample("whole", "", 8.0), Sample("tail", SERVER_ONLY, 8.0)]
    samples += tails(chain, a=7.0, c=1.0)
    like = np.array([5.0, 1.0, 2.0, 5.0])
    # Named by the profile's cuts, or found among the graph's candidates.
    for cuts in ([("a",), ("c",)], []):
        profile = profile_of(chain, samples, cuts)
        assert node_seconds(chain, profile, like).tolist() == [1, 2, 4, 1]


def test_a_tail_inside_another_takes_no_longer(chain: Graph, profile_of: Write) -> None:
    """Noise that makes a shorter tail take longer gives no node a negative time."""
    profile = profile_of(chain, [WHOLE, *tails(chain, a=3.0, b=5.0, c=1.0)])
    assert node_seconds(chain, profile).tolist() == [5, 0, 2, 1]
    profile = profile_of(chain, [WHOLE, *tails(chain, a=9.0)])
    assert node_seconds(chain, profile).sum() == 8.0


def test_tails_that_mean_nothing_here_are_left_out(chain: Graph, profile_of: Write) -> None:
    """A tail of no known cut moves nothing."""
    profile = profile_of(chain, [WHOLE, Sample("tail", "0123456789ab", 1.0)])
    assert node_seconds(chain, profile).tolist() == [2] * 4


@given(
    times_s=st.lists(st.floats(0, 1e3), min_size=4, max_size=4),
    nodes_s=st.lists(st.floats(0, 1e3), max_size=4),
    held=st.sets(st.sampled_from("abc")),
    is_stated=st.booleans(),
)
def test_sums_are_those_of_the_fold(
    times_s: list[float],
    nodes_s: list[float],
    held: set[str],
    is_stated: bool,
    chain: Graph,
    profile_of: Write,
) -> None:
    """However a host was timed, nodes of a measured head add up to what the fold says."""
    cuts = sorted(held)
    parts_s = times_s[: len(cuts) + 1]
    samples = [
        Sample("whole", "", sum(parts_s)),
        *nodes(**dict(zip("ABCY", nodes_s, strict=False))),
    ]
    if is_stated:
        behind_s = {name: sum(parts_s[i + 1 :]) for i, name in enumerate(cuts)}
        samples += tails(chain, **behind_s)
    else:
        samples += segments(chain, cuts, *parts_s)
    profile = profile_of(chain, samples, [(name,) for name in cuts])
    node_s = node_seconds(chain, profile)
    costs = fold(chain, profile, [cut_at(chain, [name]) for name in cuts])
    assert (node_s >= 0).all()
    assert node_s.sum() == pytest.approx(costs.whole_s)
    for cut in (cut_at(chain, [name]) for name in cuts):
        head = [index for index in range(4) if cut.head >> index & 1]
        assert node_s[head].sum() == pytest.approx(costs.head_s[cut.id], abs=1e-9)


def test_a_profile_of_another_model_is_refused(chain: Graph, profile_of: Write) -> None:
    """Times of another file are nobody's here, and nodes alone tell no total."""
    profile = profile_of(chain, [WHOLE])
    with pytest.raises(ProfileMismatchError, match="cdcd"):
        node_seconds(chain, replace(profile, model_sha256="cd" * 32))
    with pytest.raises(ProfileMismatchError, match="no timing of the whole"):
        node_seconds(chain, profile_of(chain, nodes(A=1)))
