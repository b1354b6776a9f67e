"""Time the segments a process holds already: at the start of a server, or of a session."""

import platform
from collections.abc import Iterable
from statistics import median

from cutpoint.execution import Segments
from cutpoint.graph import Arrays, sample_feed
from cutpoint.profiling.batch_runs import time_batches
from cutpoint.profiling.environment import read_environment
from cutpoint.records import FORMAT_VERSION, Profile, Sample

_LONG_ENOUGH_S, _MOST_REPEATS = 0.15, 10
"""Segments of a few milliseconds differ by a fifth from run to run, each in its own way: quick
models are run more often than asked for, until they have computed for so long."""


def time_segments(
    segments: Segments,
    *,
    feed: Arrays | None = None,
    repeats: int = 3,
    warm_up: int = 1,
    num_threads: int = 0,
    malloc_kept: bool = False,
    max_batch: int = 1,
) -> Profile:
    """
    Warm the segments and time each as it runs.

    Quicker than `measure` and without its checks (whole model beside the chain,
    nodes, contention): enough to begin with, corrected by what runs afterwards.

    Parameters
    ----------
    feed
        The model's inputs; made up by default.
    repeats, warm_up
        Timed and discarded runs of the whole chain; of a quick model up to ten are timed.
    num_threads, malloc_kept
        Reported in the environment.

    max_batch
        Requests that may run as one: segments that may batch are timed so, too.

    Returns
    -------
    Profile
        Samples ``segment`` per run, and ``whole`` as their sum; of batches segments alone.

    Raises
    ------
    FeedError
        If the model does not run on the inputs.
    """
    feed = sample_feed(segments.graph) if feed is None else feed
    if warm_up:
        segments.warm_up(feed)  # refuses inputs that do not suit the model
        warm_up -= 1
    samples: list[Sample] = []
    for _ in range(warm_up):
        segments.run(segments.segments, feed)
    computed_s, num = 0.0, 0
    while num < repeats or (num < _MOST_REPEATS and computed_s < _LONG_ENOUGH_S):
        execution = segments.run(segments.segments, feed)
        computed_s += execution.duration_s - execution.stretched_s
        num += 1
        samples.append(Sample("whole", "", execution.duration_s))
        samples += [
            Sample("segment", run.segment, run.duration_s, run.cpu_s) for run in execution.runs
        ]
    timed = tuple(samples)
    if max_batch > 1 and segments.batches:
        samples += time_batches(segments, feed, _medians_s(timed), max_batch)
    cpu_s = sum(sample.cpu_s or 0.0 for sample in timed)
    wall_s = sum(sample.duration_s for sample in timed if sample.kind == "segment")
    graph = segments.graph
    return Profile(
        format_version=FORMAT_VERSION,
        model_sha256=graph.sha256,
        model_name=graph.name,
        host=platform.node(),
        environment=read_environment(
            providers=segments.providers,
            num_threads=num_threads,
            malloc_kept=malloc_kept,
            emulated_slowdown=segments.slowdown,
        ),
        cuts=tuple(cut.crossing for cut in segments.cuts),
        samples=tuple(samples),
        sizes=dict(graph.sizes),
        contention=max(wall_s / cpu_s / segments.slowdown, 1.0) if cpu_s else 1.0,
    )


def _medians_s(samples: Iterable[Sample]) -> dict[str, float]:
    runs: dict[str, list[float]] = {}
    for sample in samples:
        if sample.kind == "segment":
            runs.setdefault(sample.subject, []).append(sample.duration_s)
    return {segment: median(times) for segment, times in runs.items()}
