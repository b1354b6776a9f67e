from collections import Counter

import pytest

from cutpoint.execution import Segments
from cutpoint.graph import Graph
from cutpoint.profiling import quick
from cutpoint.profiling.quick import time_segments


def _num_whole(segments: Segments, repeats: int) -> int:
    samples = time_segments(segments, repeats=repeats).samples
    counts = Counter((sample.kind, sample.subject) for sample in samples)
    assert len(set(counts.values())) == 1
    return counts["whole", ""]


def test_a_quick_model_is_run_more_often(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    """Few runs of a few milliseconds say little: up to ten are timed, never fewer than asked."""
    segments = Segments(graph, ())
    monkeypatch.setattr(quick, "_LONG_ENOUGH_S", 1e9)
    assert _num_whole(segments, repeats=3) == 10
    assert _num_whole(segments, repeats=12) == 12
    monkeypatch.setattr(quick, "_LONG_ENOUGH_S", 0.0)
    assert _num_whole(segments, repeats=3) == 3
