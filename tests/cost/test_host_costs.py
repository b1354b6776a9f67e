from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutpoint.cost import check_is_of, fold
from cutpoint.exceptions import ProfileMismatchError
from cutpoint.graph import DEVICE_ONLY, SERVER_ONLY, Graph, cut_at, segments_of
from cutpoint.records import Profile, Sample

Write = Callable[..., Profile]

ENDS = {DEVICE_ONLY, SERVER_ONLY}
WHOLE = Sample("whole", "", 8.0)


def segment_samples(graph: Graph, cuts: list[str], *runs: tuple[float, ...]) -> list[Sample]:
    """Give the timings of the segments between cuts, one tuple per run."""
    segments = segments_of(graph, [cut_at(graph, [name]) for name in cuts])
    return [
        Sample("segment", segment.id, duration_s)
        for times_s in runs
        for segment, duration_s in zip(segments, times_s, strict=True)
    ]


def node_samples(**times_s: float) -> list[Sample]:
    """Give the timings of nodes by name."""
    return [Sample("node", name, duration_s) for name, duration_s in times_s.items()]


def test_segments_add_up(chain: Graph, profile_of: Write) -> None:
    """A cut between timed segments costs their sums, whatever the whole or the nodes say."""
    cuts = [cut_at(chain, [name]) for name in "abc"]
    samples = [
        WHOLE,
        *segment_samples(chain, ["a", "c"], (1.0, 2.0, 4.0)),
        *node_samples(A=5, B=5, C=5, Y=5),
    ]
    costs = fold(chain, profile_of(chain, samples, [("a",), ("c",)]), cuts)
    a, b, c = (cut.id for cut in cuts)
    assert {DEVICE_ONLY: 7.0, SERVER_ONLY: 0.0, a: 1.0, b: 4.0, c: 3.0} == costs.head_s
    assert {DEVICE_ONLY: 0.0, SERVER_ONLY: 7.0, a: 6.0, b: 4.0, c: 4.0} == costs.tail_s
    assert {*ENDS, a, c} == costs.measured
    assert costs.whole_s == 7.0


def test_each_segment_counts_by_its_median(chain: Graph, profile_of: Write) -> None:
    """One disturbed run moves no cost: each segment's median is taken, then they add up."""
    runs = segment_samples(chain, ["b"], (1.0, 90.0), (2.0, 4.0), (70.0, 3.0))
    cut = cut_at(chain, ["b"])
    costs = fold(chain, profile_of(chain, [WHOLE, *runs], [("b",)]), [cut])
    assert (costs.head_s[cut.id], costs.tail_s[cut.id]) == (2.0, 4.0)


def test_the_whole_counts_by_its_median(chain: Graph, profile_of: Write) -> None:
    """Without timed segments the whole is the median of its runs."""
    samples = [Sample("whole", "", duration_s) for duration_s in (9.0, 2.0, 3.0)]
    assert fold(chain, profile_of(chain, samples), ()).whole_s == 3.0


def test_a_segment_without_a_timing_is_not_guessed(chain: Graph, profile_of: Write) -> None:
    """If one segment was not timed, every cut is estimated instead."""
    runs = segment_samples(chain, ["b"], (1.0, 2.0))[:1]
    cut = cut_at(chain, ["b"])
    costs = fold(chain, profile_of(chain, [WHOLE, *runs], [("b",)]), [cut])
    assert (4.0, 4.0, frozenset()) == (costs.head_s[cut.id], costs.tail_s[cut.id], costs.measured)


def test_nodes_are_scaled_to_the_whole(chain: Graph, profile_of: Write) -> None:
    """Node times only share out the measured whole: their own sum does not count."""
    samples = [WHOLE, *node_samples(A=10, B=20, C=5, Y=5)]
    cut = cut_at(chain, ["b"])
    costs = fold(chain, profile_of(chain, samples), [cut])
    assert {DEVICE_ONLY: 8.0, SERVER_ONLY: 0.0, cut.id: 6.0} == costs.head_s
    assert {DEVICE_ONLY: 0.0, SERVER_ONLY: 8.0, cut.id: 2.0} == costs.tail_s
    assert (8.0, frozenset()) == (costs.whole_s, costs.measured)


def test_a_node_without_a_timing_counts_nothing(chain: Graph, profile_of: Write) -> None:
    """Where some nodes were timed, the others are taken to be free."""
    cut = cut_at(chain, ["b"])
    costs = fold(chain, profile_of(chain, [WHOLE, *node_samples(A=1, C=3)]), [cut])
    assert (costs.head_s[cut.id], costs.tail_s[cut.id]) == (2.0, 6.0)


def test_operations_share_out_the_whole(profile_of: Write, graph_of: Callable[..., Graph]) -> None:
    """Where only the whole was timed, operations share it out."""
    weights = f"<float[4,2] w = {{{', '.join('1' * 8)}}}>"
    graph = graph_of(
        f"(float[1,4] x) => (float[1,2] y) {weights} {{ a = Relu(x) y = MatMul(a, w) }}"
    )
    cut = cut_at(graph, ["a"])
    costs = fold(graph, profile_of(graph, [Sample("whole", "", 10.0)]), [cut])
    assert (costs.head_s[cut.id], costs.tail_s[cut.id]) == (2.0, 8.0)


def test_a_model_without_operations_is_shared_out_at_the_ends(
    profile_of: Write, graph_of: Callable[..., Graph]
) -> None:
    """Where nothing tells the nodes apart, device-only still has all and server-only none."""
    graph = graph_of("(float[1,4] x) => (float[4] y) { a = Identity(x) y = Squeeze(a) }")
    costs = fold(graph, profile_of(graph, [WHOLE]), [])
    assert costs.head_s == {DEVICE_ONLY: 8.0, SERVER_ONLY: 0.0}
    assert costs.tail_s == {DEVICE_ONLY: 0.0, SERVER_ONLY: 8.0}


def test_a_stated_tail_beats_everything(chain: Graph, profile_of: Write) -> None:
    """A server that states what a tail takes is believed; the head is the rest of the whole."""
    cut = cut_at(chain, ["b"])
    samples = [
        WHOLE,
        Sample("tail", cut.id, 3.0),
        *segment_samples(chain, ["b"], (1.0, 1.0)),
        *node_samples(A=1, B=1, C=1, Y=1),
    ]
    costs = fold(chain, profile_of(chain, samples, [("b",)]), [cut])
    assert (costs.head_s[cut.id], costs.tail_s[cut.id]) == (5.0, 3.0)
    assert cut.id in costs.measured


def test_a_stated_tail_above_the_whole_leaves_no_negative_head(
    chain: Graph, profile_of: Write
) -> None:
    """A tail slower than the whole leaves a head of zero."""
    cut = cut_at(chain, ["a"])
    costs = fold(chain, profile_of(chain, [WHOLE, Sample("tail", cut.id, 9.0)]), [cut])
    assert (costs.head_s[cut.id], costs.tail_s[cut.id]) == (0.0, 9.0)


def test_a_stated_whole_is_the_whole(chain: Graph, profile_of: Write) -> None:
    """A server that states only the whole model's tail costs that at server-only."""
    samples = [Sample("whole", "", 2.0), Sample("tail", SERVER_ONLY, 2.5)]
    costs = fold(chain, profile_of(chain, samples), ())
    assert (costs.tail_s[SERVER_ONLY], costs.whole_s) == (2.5, 2.5)


def test_a_profile_of_another_model_is_refused(chain: Graph, profile_of: Write) -> None:
    """A profile whose digest differs names both models and what to do."""
    profile = replace(profile_of(chain, [WHOLE]), model_sha256="cd" * 32, model_name="other")
    with pytest.raises(ProfileMismatchError, match=r"'other' \(cdcd.*'model' \(abab.*profile"):
        fold(chain, profile, ())
    with pytest.raises(ProfileMismatchError, match="'other'"):
        check_is_of(chain, profile)


def test_a_profile_without_the_whole_is_refused(chain: Graph, profile_of: Write) -> None:
    """Node times alone do not say what the model takes."""
    with pytest.raises(ProfileMismatchError, match="no timing of the whole"):
        fold(chain, profile_of(chain, node_samples(A=1)), ())


@given(
    times_s=st.lists(st.floats(0, 1e3), min_size=4, max_size=4),
    nodes_s=st.lists(st.floats(0, 1e3), max_size=4),
    held=st.sets(st.sampled_from("abc")),
)
def test_parts_are_never_negative_and_add_up(
    times_s: list[float],
    nodes_s: list[float],
    held: set[str],
    chain: Graph,
    profile_of: Write,
) -> None:
    """However it was timed, head and tail of every cut are the whole together."""
    cuts = [cut_at(chain, [name]) for name in "abc"]
    segments = segment_samples(chain, sorted(held), tuple(times_s[: len(held) + 1]))
    nodes = node_samples(**dict(zip("ABCY", nodes_s, strict=False)))
    samples = [Sample("whole", "", sum(times_s)), *segments, *nodes]
    costs = fold(chain, profile_of(chain, samples, [(name,) for name in held]), cuts)
    for cut in cuts:
        head_s, tail_s = costs.head_s[cut.id], costs.tail_s[cut.id]
        whole_s = costs.whole_s if cut.id in costs.measured else sum(times_s)
        assert min(head_s, tail_s) >= 0
        assert head_s + tail_s == pytest.approx(whole_s)
        assert (cut.id in costs.measured) == (cut.crossing[0] in held)


def test_what_ran_as_a_batch_is_no_cost_of_one(chain: Graph, profile_of: Write) -> None:
    """Times of several requests together move no cost, whatever was timed."""
    cut = cut_at(chain, ["b"])
    runs = segment_samples(chain, ["b"], (1.0, 4.0))
    tail = Sample("tail", cut.id, 2.5)
    for samples in ([WHOLE], [WHOLE, *runs], [WHOLE, *runs, tail]):
        more = [replace(sample, duration_s=90.0, batch=4) for sample in samples]
        cuts = [("b",)] if len(samples) > 1 else []
        plain = fold(chain, profile_of(chain, samples, cuts), [cut])
        assert fold(chain, profile_of(chain, [*more, *samples, *more], cuts), [cut]) == plain
