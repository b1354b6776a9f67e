"""Time the segments a process holds as batches of several requests."""

import time
from collections.abc import Callable, Mapping

from cutpoint.execution import Segments
from cutpoint.graph import Arrays, Segment
from cutpoint.records import Sample

BATCHES = (2, 4, 8)
"""Requests that run as one, beside the single one that is timed anyway."""

_FEWEST_RUNS, _MOST_RUNS, _RUNS_S = 2, 3, 5e-3
"""Runs of a size, the first of which takes memory and is slow; more where they are short."""

_MOST_S = 2.0
"""What timing batches may take; sizes that would take longer are left out."""

_LEAST_SAVED = 0.03
_CHEAP_S = 10e-3
"""Where half of a size takes no smaller share each than a quarter by this, the size is not tried
unless it is cheap: nothing more is taken to be saved beyond the largest that was timed."""


def time_batches(
    segments: Segments, feed: Arrays, single_s: dict[str, float], max_batch: int
) -> list[Sample]:
    """
    Time every segment that may run requests as one at each size of the batch.

    Sizes grow for all segments in turn, so that where time is short all have the small ones.
    Larger ones are left out where smaller ones show that they would save nothing.

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
    shares_s: dict[str, dict[int, float]] = {each.id: {1: single_s[each.id]} for each in held}
    for size in (size for size in BATCHES if size <= max_batch):
        tried = [each for each in held if _may_save(size, shares_s[each.id])]
        expected_s = sum(
            size * min(shares_s[each.id].values()) + single_s[each.id] for each in tried
        )
        if time.perf_counter() - began_s + _FEWEST_RUNS * expected_s > _MOST_S:
            break
        for segment in tried:
            runs = _runs(segments, segment, [values] * size)
            if runs is None:
                return samples
            samples += runs
            least_s = min(run.duration_s for run in runs if run.batch == size)
            shares_s[segment.id][size] = least_s / size
    return samples


def _may_save(size: int, shares_s: Mapping[int, float]) -> bool:
    """Tell whether a size may take a smaller share each than half of it, by what those took."""
    half, quarter = shares_s.get(size // 2), shares_s.get(size // 4)
    if size // 4 == 0 or size * min(shares_s.values()) <= _CHEAP_S:
        return True
    return half is not None and quarter is not None and half <= (1 - _LEAST_SAVED) * quarter


def _runs(segments: Segments, segment: Segment, batch: list[Arrays]) -> list[Sample] | None:
    """
    Give the runs of one batch; ``None`` if it cannot run.

    Each comes right behind a single one: whatever disturbs the one disturbs the other. The
    first, which takes memory, is among them: what is believed is the quickest.
    """
    samples: list[Sample] = []
    began_s = time.perf_counter()
    try:
        for number in range(_MOST_RUNS):
            if number >= _FEWEST_RUNS and time.perf_counter() - began_s > _RUNS_S:
                break
            samples.append(_timed(segment, 1, lambda: segments.run((segment,), batch[0])))
            samples.append(
                _timed(segment, len(batch), lambda: segments.run_together(segment, batch))
            )
    except Exception:  # out of memory, say: smaller ones were timed
        return None
    return samples


def _timed(segment: Segment, batch: int, run: Callable[[], object]) -> Sample:
    started_s, cpu_started_s = time.perf_counter(), time.thread_time()
    run()
    cpu_s = time.thread_time() - cpu_started_s
    duration_s = time.perf_counter() - started_s
    return Sample("segment", segment.id, duration_s, cpu_s, batch=batch)
