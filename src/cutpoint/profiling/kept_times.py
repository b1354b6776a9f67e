"""Times of segments kept between starts: taken again where anything speaks against them."""

import hashlib
import logging
import platform
from collections.abc import Mapping, Sequence
from functools import partial
from statistics import median
from typing import Any

from cutpoint.execution import Segments
from cutpoint.execution.file_cache import FileCache
from cutpoint.graph import Arrays, sample_feed
from cutpoint.profiling.environment import read_environment
from cutpoint.profiling.profile_file import check_numbers
from cutpoint.profiling.quick import time_segments
from cutpoint.records import FORMAT_VERSION, Environment, Profile

_log = logging.getLogger(__name__)

_OPTIONS = (
    "execution_mode", "graph_optimization_level", "inter_op_num_threads", "intra_op_num_threads",
    "use_deterministic_compute",
)  # fmt: skip

_ALIKE = 2.0
"""Kept times are believed if a run made now is within this factor of them: another load or
frequency shows, and so does a file that was made up."""

_STEADY = 1.5
"""Median / least of the runs above which something disturbed them: that is not kept."""


def time_or_recall(
    segments: Segments,
    cache: FileCache | None,
    *,
    feed: Arrays | None = None,
    num_threads: int = 0,
    malloc_kept: bool = False,
    setting: Mapping[str, Any] | None = None,
    **timing: int,
) -> Profile:
    """
    Give the times of segments that were kept from an earlier start, or take and keep them.

    What is kept is of one model file, cuts, sizes, inputs, machine and settings. Before it is
    believed the segments are warmed up and run once; where that takes another time than what
    was kept, they are timed.

    Parameters
    ----------
    cache
        Where; ``None`` always times.
    feed, num_threads, malloc_kept, **timing
        As for `time_segments`.
    setting
        What else makes times differ: options of the runtime, libraries.

    Raises
    ------
    FeedError
        If the model does not run on the inputs.
    """
    feed = sample_feed(segments.graph) if feed is None else feed
    measure = partial(
        time_segments,
        segments,
        feed=feed,
        num_threads=num_threads,
        malloc_kept=malloc_kept,
        **timing,
    )
    if cache is None:
        return measure()
    environment = read_environment(
        providers=segments.providers,
        num_threads=num_threads,
        malloc_kept=malloc_kept,
        emulated_slowdown=segments.slowdown,
    )
    key = _key(segments, feed, environment, {**timing, **(setting or {})})
    kept: Profile | None = cache.read(key, Profile)
    max_batch = timing.get("max_batch", 1)
    if kept and _is_of(kept, segments, max_batch) and _is_alike(kept, segments, feed):
        return kept
    profile = measure()
    if _is_steady(profile):
        cache.write(key, profile)
    return profile


def setting_of(
    options: Any, provider_options: Sequence[Mapping[str, Any]] | None = None
) -> dict[str, Any]:
    """Give what can be read of a caller's options; what cannot shows in how long a run takes."""
    read = {name: getattr(options, name, None) for name in _OPTIONS} if options else {}
    return {**read, "provider options": [dict(each) for each in provider_options or ()]}


def _key(
    segments: Segments, feed: Arrays, environment: Environment, setting: Mapping[str, Any]
) -> dict[str, Any]:
    graph = segments.graph
    return {
        "what": "times of segments",
        "format_version": FORMAT_VERSION,
        "sha256": graph.sha256,
        "model": graph.name,
        "cuts": [cut.crossing for cut in segments.cuts],
        "sizes": dict(graph.sizes),
        "feed": {name: _digest(array) for name, array in feed.items()},
        "host": platform.node(),
        "environment": environment,
        "setting": {name: str(value) for name, value in setting.items()},
    }


def _digest(array: Any) -> str:
    """Tell inputs apart: what runs may depend on the numbers."""
    # Of texts an array holds but pointers.
    content = repr(array.tolist()).encode() if array.dtype == object else array.tobytes()
    return f"{array.dtype} {array.shape} {hashlib.sha256(content).hexdigest()}"


def _is_of(profile: Profile, segments: Segments, max_batch: int) -> bool:
    """Tell whether kept times are of these very segments, whatever key they lay under."""
    try:
        check_numbers(profile)
    except Exception as error:  # whatever is wrong with it, measuring is right
        _log.warning("times kept of %s are passed over: %s", segments.graph.name, error)
        return False
    samples = [sample for sample in profile.samples if sample.kind == "segment"]
    timed = {sample.subject for sample in samples}
    batched = {sample.subject for sample in samples if sample.batch > 1}
    return (
        profile.format_version == FORMAT_VERSION
        and profile.model_sha256 == segments.graph.sha256
        and timed == {segment.id for segment in segments.segments}
        and any(sample.kind == "whole" for sample in profile.samples)
        and (max_batch == 1 or segments.batches.keys() <= batched)
    )


def _is_alike(profile: Profile, segments: Segments, feed: Arrays) -> bool:
    """Warm up, run once, and compare; what varies by chance alone may be measured again."""
    segments.warm_up(feed)
    now_s = segments.run(segments.segments, feed).duration_s
    kept_s = median(sample.duration_s for sample in profile.samples if sample.kind == "whole")
    is_alike = now_s <= _ALIKE * kept_s and kept_s <= _ALIKE * now_s
    if not is_alike:
        _log.info("%s: %.6f s were kept, now %.6f s", segments.graph.name, kept_s, now_s)
    return is_alike


def _is_steady(profile: Profile) -> bool:
    whole_s = [sample.duration_s for sample in profile.samples if sample.kind == "whole"]
    return median(whole_s) <= _STEADY * min(whole_s)
