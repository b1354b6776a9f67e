"""Time the segments a process holds as batches of several requests."""

import time
from collections.abc import Callable

from cutpoint.execution import Segments
from cutpoint.graph import Arrays, Segment
from cutpoint.records import Sample

BATCHES = (2, 4, 8)
"""Requests that run as one, beside the single one that is timed anyway."""

_REPEATS = 2
_MOST_S = 2.0
"""What timing batches may take; sizes that would take longer are left out."""


def time_batches(
    segments: Segments, feed: Arrays, single_s: dict[str, float], max_batch: int
) -> list[Sample]:
    """
    Time every segment that may run requests as one at each size of the batch.

    Sizes grow for all segments in turn, so that where time is short all have the small ones.

    Parameters
    ----------
    segments
        Warm, with their batches found.
    feed
        The model's inputs; a batch has them several times.
    single_s
        What each segment takes alone, by its id.
    max_batch
        Largest size.

    Returns
    -------
    list of Sample
        Of kind ``segment``, one per run.
    """
    values = segments.run(segments.segments, feed).values
    held = [each for each in segments.segments if each.id in segments.batches]
    began_s = time.perf_counter()
    samples: list[Sample] = []
    last_s = dict(single_s)
    for size in (size for size in BATCHES if size <= max_batch):
        expected_s = sum(2 * last_s[each.id] + single_s[each.id] for each in held)
        expected_s *= _REPEATS + 1
        if time.perf_counter() - began_s + expected_s > _MOST_S:
            break
        for segment in held:
            runs = _runs(segments, segment, [values] * size)
            if runs is None:
                return samples
            samples += runs
            last_s[segment.id] = min(run.duration_s for run in runs if run.batch == size)
    return samples


def _runs(segments: Segments, segment: Segment, batch: list[Arrays]) -> list[Sample] | None:
    """
    Give the runs of one batch, the first left out; ``None`` if it cannot run.

    Each comes right behind a single one: whatever disturbs the one disturbs the other.
    """
    samples: list[Sample] = []
    try:
        for repeat in range(_REPEATS + 1):
            single = _timed(segment, 1, lambda: segments.run((segment,), batch[0]))
            several = _timed(segment, len(batch), lambda: segments.run_together(segment, batch))
            if repeat:
                samples += (single, several)
    except Exception:  # out of memory, say: smaller ones were timed
        return None
    return samples


def _timed(segment: Segment, batch: int, run: Callable[[], object]) -> Sample:
    started_s, cpu_started_s = time.perf_counter(), time.thread_time()
    run()
    cpu_s = time.thread_time() - cpu_started_s
    duration_s = time.perf_counter() - started_s
    return Sample("segment", segment.id, duration_s, cpu_s, batch=batch)
