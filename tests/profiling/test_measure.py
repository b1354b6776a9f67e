"""A measured profile: its parts fit together, and its cuts are affordable."""

from collections.abc import Callable
from dataclasses import replace
from statistics import median

import pytest

from cutpoint.cost import fold
from cutpoint.execution.runtime import quiet_options
from cutpoint.graph import Cut, Graph, cut_at, device_only, segments_of, server_only
from cutpoint.planning import shortlist
from cutpoint.profiling import Rounds, measure
from cutpoint.records import Profile, SampleKind


def durations_s(profile: Profile, kind: SampleKind) -> list[float]:
    """Give the times of one kind."""
    return [sample.duration_s for sample in profile.samples if sample.kind == kind]


@pytest.fixture
def set_excess(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[int], float]], None]:
    """Replace what segments are found to cost by a function of their number."""

    def replace_by(excess_of: Callable[[int], float]) -> None:
        fake = property(lambda rounds: excess_of(len(rounds.rounds[0].chain)))
        monkeypatch.setattr(Rounds, "excess", fake)

    return replace_by


@pytest.fixture(scope="module")
def measured(graph: Graph, cuts: tuple[Cut, ...]) -> Profile:
    """Measure the chain at all listed cuts."""
    return measure(graph, cuts=cuts, num_threads=1, repeats=4)


def test_head_and_tail_add_up_to_the_chain(
    graph: Graph, cuts: tuple[Cut, ...], measured: Profile
) -> None:
    """For every kept cut the folded head and tail add up to the chain's segments."""
    costs = fold(graph, measured, cuts)
    assert tuple(cut.crossing for cut in cuts) == measured.cuts
    assert {cut.id for cut in cuts} < costs.measured
    for cut in cuts:
        assert costs.head_s[cut.id] + costs.tail_s[cut.id] == pytest.approx(costs.whole_s)


def test_every_run_is_a_sample(graph: Graph, cuts: tuple[Cut, ...], measured: Profile) -> None:
    """Each repeat of the whole and of each segment is a sample with its CPU time."""
    runs = [sample for sample in measured.samples if sample.kind == "segment"]
    assert len(durations_s(measured, "whole")) == 4
    assert {run.subject for run in runs} == {segment.id for segment in segments_of(graph, cuts)}
    assert len(runs) == 4 * (len(cuts) + 1)
    assert all(run.cpu_s is not None for run in runs)


def test_nodes_sum_to_the_whole(graph: Graph, measured: Profile) -> None:
    """Every node has one sample, and together they are the median whole."""
    nodes = [sample.subject for sample in measured.samples if sample.kind == "node"]
    assert nodes == [node.name for node in graph.nodes]
    assert sum(durations_s(measured, "node")) == pytest.approx(
        median(durations_s(measured, "whole"))
    )


def test_other_cuts_are_estimated_from_nodes(graph: Graph, measured: Profile) -> None:
    """A cut inside a segment is estimated between the ends."""
    inside = cut_at(graph, ("conv0",))
    costs = fold(graph, replace(measured, cuts=()), [inside])
    assert 0 < costs.head_s[inside.id] < costs.whole_s


def test_no_cut_is_a_chain_of_one(graph: Graph) -> None:
    """Without cuts the one segment stands for the whole."""
    profile = measure(graph, cuts=(), num_threads=1, repeats=2)
    (segment,) = segments_of(graph, ())
    assert profile.cuts == ()
    assert {s.subject for s in profile.samples if s.kind == "segment"} == {segment.id}


def test_given_cuts_are_kept_in_order(
    graph: Graph, cuts: tuple[Cut, ...], set_excess: Callable[..., None]
) -> None:
    """Cuts the caller names are kept whatever they cost; the ends need no boundary."""
    set_excess(lambda _: 9.0)
    ends = (device_only(graph), server_only(graph))
    profile = measure(graph, cuts=(*ends, *reversed(cuts)), num_threads=1, repeats=1)
    assert profile.cuts == tuple(cut.crossing for cut in cuts)
    assert profile.dropped_cuts == ()


def test_dear_boundaries_are_dropped(
    graph: Graph, cuts: tuple[Cut, ...], set_excess: Callable[..., None]
) -> None:
    """Cuts go, the least missed first, until the segments are cheap; the profile names them."""
    set_excess(lambda num_segments: 0.02 * (num_segments - 1))
    profile = measure(graph, num_threads=1, repeats=1)
    kept = shortlist(graph, cuts, limit=2)
    assert profile.cuts == tuple(cut.crossing for cut in kept)
    missed_least = [
        next(
            cut for cut in shortlist(graph, cuts, num) if cut not in shortlist(graph, cuts, num - 1)
        )
        for num in range(len(cuts), 2, -1)
    ]
    assert profile.dropped_cuts == tuple(cut.crossing for cut in missed_least)
    assert {cut.id for cut in kept} < fold(graph, profile, kept).measured


def test_a_finding_must_hold_twice(
    graph: Graph, cuts: tuple[Cut, ...], set_excess: Callable[..., None]
) -> None:
    """Segments found dear once and cheap the second time keep all their cuts."""
    findings = iter([0.2, 0.01])
    set_excess(lambda _: next(findings))
    profile = measure(graph, num_threads=1, repeats=2)
    assert profile.cuts == tuple(cut.crossing for cut in cuts)
    assert profile.dropped_cuts == ()
    assert len(durations_s(profile, "whole")) == 2


@pytest.mark.parametrize("excess_per_segment", [0.0, 0.02, 1.0])
def test_progress_reaches_the_total(
    graph: Graph, set_excess: Callable[..., None], excess_per_segment: float
) -> None:
    """Steps only grow, never pass the total, and reach it; also where cuts are dropped."""
    set_excess(lambda num_segments: excess_per_segment * (num_segments - 1))
    calls: list[tuple[int, int, str]] = []
    measure(
        graph,
        num_threads=1,
        repeats=2,
        warm_up=1,
        progress=lambda done, total, what: calls.append((done, total, what)),
    )
    assert [done for done, _, _ in calls] == sorted(done for done, _, _ in calls)
    assert all(done <= total for done, total, _ in calls)
    assert calls[-1][0] == calls[-1][1]
    expected = {"whole and segments", "nodes"} | (
        {"fewer segments"} if excess_per_segment else set()
    )
    assert {what for _, _, what in calls} == expected


def test_slowdown_stretches_the_whole(graph: Graph) -> None:
    """A host emulated four times slower profiles about four times the whole."""
    normal_s, slow_s = [], []
    for _ in range(4):
        normal = measure(graph, cuts=(), num_threads=1, repeats=3)
        slow = measure(graph, cuts=(), num_threads=1, repeats=3, slowdown=4.0)
        normal_s += durations_s(normal, "whole")
        slow_s += durations_s(slow, "whole")
    assert slow.environment.emulated_slowdown == 4.0
    assert 2.5 < median(slow_s) / median(normal_s) < 6


def test_options_are_used(graph: Graph) -> None:
    """The caller's session options decide the threads the environment states."""
    profile = measure(graph, cuts=(), options=quiet_options(2), repeats=1, malloc_kept=True)
    assert profile.environment.num_threads == 2
    assert profile.environment.malloc_kept
    assert profile.environment.providers[-1] == "CPUExecutionProvider"
    assert profile.contention > 0


@pytest.mark.parametrize(
    "numbers", [{"slowdown": 0.5}, {"repeats": 0}, {"warm_up": -1}, {"num_threads": 1}]
)
def test_numbers_outside_their_domain(graph: Graph, numbers: dict[str, float]) -> None:
    """A number outside its domain, or threads beside options, is the caller's mistake."""
    with pytest.raises(ValueError, match=r"slowdown|num_threads"):
        measure(graph, options=quiet_options(1), **numbers)
