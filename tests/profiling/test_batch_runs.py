"""Timing segments as batches."""

from collections import Counter
from collections.abc import Callable

import pytest

from cutpoint.execution import Segments, batching
from cutpoint.execution.runtime import quiet_options
from cutpoint.graph import Graph, Segment, sample_feed
from cutpoint.profiling import batch_runs
from cutpoint.profiling.quick import time_segments
from cutpoint.records import Sample


@pytest.fixture
def segments(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> Segments:
    """Give segments of which every one may batch."""
    monkeypatch.setattr(batching, "_is_slower", lambda *_: False)
    segments = Segments(graph, (), options=quiet_options(1))
    segments.find_batches()
    assert segments.batches
    return segments


def test_each_size_is_timed_beside_single_runs(segments: Segments) -> None:
    """Sizes up to the largest asked for, each with as many single runs right before."""
    feed = sample_feed(segments.graph)
    samples = batch_runs.time_batches(segments, feed, {s.id: 0.0 for s in segments.segments}, 4)
    counts = Counter(sample.batch for sample in samples)
    assert set(counts) == {1, 2, 4}
    assert counts[1] == counts[2] + counts[4]
    assert {sample.subject for sample in samples} == set(segments.batches)


def test_what_would_take_too_long_is_left_out(segments: Segments) -> None:
    """A model whose batches would hold up the start is served with the sizes there is time for."""
    feed = sample_feed(segments.graph)
    (segment,) = segments.segments
    assert batch_runs.time_batches(segments, feed, {segment.id: 10.0}, 8) == []


def test_batches_are_timed_only_if_asked_for(segments: Segments) -> None:
    """A profile is as it was; with a largest batch it has the sizes up to it."""
    assert {sample.batch for sample in time_segments(segments).samples} == {1}
    timed = time_segments(segments, max_batch=2).samples
    assert {sample.batch for sample in timed} == {1, 2}
    assert {sample.kind for sample in timed if sample.batch > 1} == {"segment"}


@pytest.mark.parametrize(
    ("single_s", "saved", "sizes"),
    [
        (0.02, {}, {2}),
        (0.02, {2: 0.8}, {2, 4}),
        (0.02, {2: 0.8, 4: 0.7}, {2, 4, 8}),
        (0.0018, {}, {2, 4}),
        (0.0001, {}, {2, 4, 8}),
    ],
)
def test_larger_batches_are_tried_where_smaller_ones_pay_or_they_are_cheap(
    segments: Segments,
    monkeypatch: pytest.MonkeyPatch,
    single_s: float,
    saved: dict[int, float],
    sizes: set[int],
) -> None:
    """Half a size that saves nothing over its own half ends it; what takes no time is timed."""

    def timed(segment: Segment, batch: int, run: Callable[[], object]) -> Sample:
        return Sample("segment", segment.id, single_s * batch * saved.get(batch, 1.0), batch=batch)

    monkeypatch.setattr(batch_runs, "_timed", timed)
    feed = sample_feed(segments.graph)
    (segment,) = segments.segments
    samples = batch_runs.time_batches(segments, feed, {segment.id: single_s}, 8)
    assert {sample.batch for sample in samples} - {1} == sizes


def test_every_run_of_a_size_counts(segments: Segments, monkeypatch: pytest.MonkeyPatch) -> None:
    """Long runs are made twice, so that one is warm; nothing that was run is thrown away."""
    monkeypatch.setattr(batch_runs, "_RUNS_S", 0.0)
    feed = sample_feed(segments.graph)
    samples = batch_runs.time_batches(segments, feed, {s.id: 0.0 for s in segments.segments}, 2)
    assert Counter(sample.batch for sample in samples) == {1: 2, 2: 2}
