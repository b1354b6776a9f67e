"""Timing segments as batches."""

from collections import Counter

import pytest

from cutpoint.execution import Segments, batching
from cutpoint.execution.runtime import quiet_options
from cutpoint.graph import Graph, sample_feed
from cutpoint.profiling import batch_runs
from cutpoint.profiling.quick import time_segments


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
