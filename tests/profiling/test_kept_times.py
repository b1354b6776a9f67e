"""Kept times: found again where everything is as it was, taken again wherever it is not."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.mutated_files import mutated

from cutpoint.exceptions import FeedError
from cutpoint.execution import Segments
from cutpoint.execution.file_cache import FileCache
from cutpoint.execution.runtime import quiet_options
from cutpoint.execution.segments import Execution, SegmentRun
from cutpoint.graph import Cut, Graph, sample_feed
from cutpoint.profiling import kept_times, quick, read_environment
from cutpoint.profiling.kept_times import setting_of, time_or_recall
from cutpoint.records import Profile, Sample


class Clockwork:
    """Stands for the machine: says what runs take, and counts how often they were timed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.whole_s: Sequence[float] = (0.010, 0.011, 0.012)
        self.probe_s = 0.011
        self.num_timed = 0
        monkeypatch.setattr(kept_times, "time_segments", self._time)
        monkeypatch.setattr(Segments, "run", self._run)

    def _time(self, segments: Segments, **settings: Any) -> Profile:
        self.num_timed += 1
        ids = [segment.id for segment in segments.segments]
        samples = [Sample("whole", "", each) for each in self.whole_s]
        samples += [Sample("segment", each, 0.001 * self.num_timed) for each in ids]
        graph = segments.graph
        environment = read_environment(
            providers=segments.providers, num_threads=settings["num_threads"]
        )
        return Profile(1, graph.sha256, graph.name, "here", environment, (), tuple(samples), 1.0)

    def _run(self, _: Any, values: Any, **__: Any) -> Execution:
        return Execution(dict(values), [SegmentRun("all", self.probe_s, self.probe_s)])


@pytest.fixture
def clockwork(monkeypatch: pytest.MonkeyPatch) -> Clockwork:
    """Give the machine that is asked for times."""
    return Clockwork(monkeypatch)


@pytest.fixture(scope="module")
def segments(graph: Graph, cuts: tuple[Cut, ...]) -> Segments:
    """Give the chain, cut twice."""
    return Segments(graph, cuts[:2], options=quiet_options(1))


@pytest.fixture
def cache(tmp_path: Path) -> FileCache:
    """Give an empty cache."""
    return FileCache(tmp_path)


def test_times_are_taken_once(clockwork: Clockwork, segments: Segments, cache: FileCache) -> None:
    """The second start, and one in another process, gives what the first one measured."""
    first = time_or_recall(segments, cache, repeats=3)
    assert time_or_recall(segments, cache, repeats=3) == first
    assert time_or_recall(segments, FileCache(cache.folder.parent), repeats=3) == first
    assert clockwork.num_timed == 1


def test_without_a_cache_they_are_taken_each_time(clockwork: Clockwork, segments: Segments) -> None:
    """Nothing is kept that nobody asked to keep."""
    assert time_or_recall(segments, None) != time_or_recall(segments, None)
    assert clockwork.num_timed == 2


@pytest.mark.parametrize(
    "edit",
    [
        {"num_threads": 2},
        {"malloc_kept": True},
        {"repeats": 7},
        {"max_batch": 8},
        {"setting": {"custom operators": ("libother.so",)}},
        {"feed": "other"},
        {"cuts": 1},
        {"slowdown": 3.0},
    ],
    ids=lambda edit: next(iter(edit)),
)
def test_another_setting_is_another_entry(
    clockwork: Clockwork,
    graph: Graph,
    cuts: tuple[Cut, ...],
    segments: Segments,
    cache: FileCache,
    edit: dict[str, Any],
) -> None:
    """Whatever could make times differ has an entry of its own, and leaves the first alone."""
    feed = sample_feed(graph)
    given: dict[str, Any] = {"feed": feed, "repeats": 3, **edit}
    held = segments
    if given["feed"] is not feed:
        given["feed"] = {name: np.zeros_like(array) for name, array in feed.items()}
    if "cuts" in given or "slowdown" in given:
        held = Segments(
            graph, cuts[: given.pop("cuts", 2)], options=quiet_options(1),
            slowdown=given.pop("slowdown", 1.0),
        )  # fmt: skip
    first = time_or_recall(segments, cache, feed=feed, repeats=3)
    other = time_or_recall(held, cache, **given)
    assert clockwork.num_timed == 2
    assert time_or_recall(held, cache, **given) == other
    assert time_or_recall(segments, cache, feed=feed, repeats=3) == first
    assert clockwork.num_timed == 2


@pytest.mark.parametrize(("probe_s", "num_timed"), [(0.021, 1), (0.0056, 1), (0.03, 2), (0.004, 2)])
def test_times_that_are_not_todays_are_taken_again(
    clockwork: Clockwork, segments: Segments, cache: FileCache, probe_s: float, num_timed: int
) -> None:
    """One run now decides: within a factor of two what was kept is believed."""
    time_or_recall(segments, cache)
    clockwork.probe_s = probe_s
    time_or_recall(segments, cache)
    assert clockwork.num_timed == num_timed


def test_disturbed_times_are_not_kept(
    clockwork: Clockwork, segments: Segments, cache: FileCache
) -> None:
    """Where runs differ much something else had the machine: the next start times again."""
    clockwork.whole_s = (0.010, 0.030, 0.031)
    time_or_recall(segments, cache)
    assert not list(cache.folder.iterdir())
    clockwork.whole_s = (0.010, 0.011, 0.012)
    time_or_recall(segments, cache)
    assert len(list(cache.folder.iterdir())) == 1


@pytest.mark.parametrize(
    "edit",
    [
        {"samples": ()},
        {"samples": (Sample("whole", "", 0.011),)},
        {"samples": (Sample("whole", "", 1e7), Sample("segment", "none", 1.0))},
        {"model_sha256": "ab" * 32},
        {"format_version": 99},
        {"contention": float("1e300")},
    ],
)
def test_an_entry_of_something_else_is_not_believed(
    clockwork: Clockwork, segments: Segments, cache: FileCache, edit: dict[str, Any]
) -> None:
    """A whole entry under the right key, with a good digest, that is not of these segments."""
    first = time_or_recall(segments, cache)
    (path,) = cache.folder.iterdir()
    key = kept_times._key(
        segments,
        sample_feed(segments.graph),
        read_environment(providers=segments.providers, num_threads=0),
        {},
    )
    assert cache.read(key, Profile) == first
    cache.write(key, replace(first, **edit))
    assert [each.name for each in cache.folder.iterdir()] == [path.name]
    time_or_recall(segments, cache)
    assert clockwork.num_timed == 2


def test_what_may_run_as_a_batch_now_has_times_of_batches(
    clockwork: Clockwork, segments: Segments, cache: FileCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether a segment may batch is found out at each start: times kept without are not enough."""
    time_or_recall(segments, cache, max_batch=8)
    time_or_recall(segments, cache, max_batch=8)
    assert clockwork.num_timed == 1
    monkeypatch.setattr(segments, "batches", {segments.segments[0].id: None})
    time_or_recall(segments, cache, max_batch=8)
    assert clockwork.num_timed == 2


def test_damaged_entries_are_taken_again(
    clockwork: Clockwork, segments: Segments, cache: FileCache
) -> None:
    """Whatever bytes an entry has, times are those kept or new ones, never others."""
    first = time_or_recall(segments, cache)
    (path,) = cache.folder.iterdir()
    good = path.read_bytes()
    for turn, (name, bad) in enumerate(mutated(good, good[::-1], 20, seed=3), start=2):
        path.write_bytes(bad)
        again = time_or_recall(segments, cache)
        assert clockwork.num_timed == turn, name
        assert again != first, name  # the machine gives others each time


def test_a_real_recall_gives_what_was_measured(
    graph: Graph, cuts: tuple[Cut, ...], cache: FileCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without stand-ins, times come back to the last bit."""
    monkeypatch.setattr(kept_times, "_ALIKE", 1e9)  # however busy this machine is now
    monkeypatch.setattr(kept_times, "_STEADY", 1e9)
    held = Segments(graph, cuts[:2], options=quiet_options(1))
    first = time_or_recall(held, cache, num_threads=1)

    def never(*_: Any, **__: Any) -> Any:
        raise AssertionError("timed again")

    monkeypatch.setattr(kept_times, "time_segments", never)
    assert time_or_recall(held, cache, num_threads=1) == first
    assert {sample.kind for sample in first.samples} == {"whole", "segment"}


def test_inputs_that_do_not_suit_are_refused(segments: Segments, cache: FileCache) -> None:
    """With times kept or without, the error is the model's."""
    for held_cache in (None, cache):
        with pytest.raises(FeedError, match="conv_chain"):
            time_or_recall(segments, held_cache, feed={"image": np.zeros((1, 3, 2, 2), np.float32)})


def test_options_are_read_as_far_as_they_can_be() -> None:
    """Threads and levels are told; options cutpoint makes itself say nothing."""
    options = quiet_options(3)
    assert setting_of(options, [{"device_id": 1}])["intra_op_num_threads"] == 3
    assert setting_of(options, [{"device_id": 1}]) != setting_of(quiet_options(3))
    assert setting_of(None) == {"provider options": []}
    assert quick.time_segments is kept_times.time_segments
