"""The profile of a much slower device, without waiting for it."""

from dataclasses import replace

from cutpoint.execution import Segments
from cutpoint.execution.runtime import keep_freed_memory, quiet_options
from cutpoint.lab.arena import InputKind, Subject
from cutpoint.planning import cuts_to_hold
from cutpoint.profiling.quick import time_segments
from cutpoint.records import Profile, Sample

_REPEATS = 5


def device_profile(subject: Subject, kind: InputKind, factor: float) -> Profile:
    """
    Time a model's segments as this host runs them, and take every time so often.

    An emulated device takes its CPU time and sleeps the rest, so nothing else would come of
    running it slowed; at factors of 50 and more that takes minutes. Pauses leave its caches cold,
    which a session learns as it runs.
    """
    graph = subject.graph(kind)
    segments = Segments(graph, cuts_to_hold(graph), options=quiet_options(1))
    profile = time_segments(
        segments,
        feed=subject.feed(kind, 0),
        repeats=_REPEATS,
        num_threads=1,
        malloc_kept=keep_freed_memory(),
    )
    return replace(
        profile,
        environment=replace(profile.environment, emulated_slowdown=factor),
        samples=tuple(_slower(each, factor) for each in profile.samples),
    )


def _slower(sample: Sample, factor: float) -> Sample:
    busy_s = sample.duration_s if sample.cpu_s is None else min(sample.cpu_s, sample.duration_s)
    return replace(sample, duration_s=factor * busy_s)
