"""Times of codecs kept between starts."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cutpoint.cost import codec_speeds
from cutpoint.execution.file_cache import FileCache
from cutpoint.profiling import kept_codec_times
from cutpoint.profiling.kept_codec_times import codec_times_or_recall, values_to_time
from cutpoint.records import Sample
from cutpoint.wire.codecs import codec_named

CODECS = [codec_named("uint8"), codec_named("float16")]
VALUES = [np.linspace(-1, 1, 5_000, dtype=np.float32)]


class Timer:
    """Makes up times, and counts how often it is asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.factor = 1.0
        self.asked: list[tuple[str, ...]] = []
        monkeypatch.setattr(kept_codec_times, "time_codecs", self._time)

    def _time(self, codecs: Any, values: Any, **_: Any) -> tuple[Sample, ...]:
        codecs, values = tuple(codecs), tuple(values)
        self.asked.append(tuple(codec.name for codec in codecs))
        return tuple(
            Sample(kind, codec.name, self.factor * 1e-9 * value.nbytes, None, value.nbytes)
            for codec in codecs
            for value in values
            for kind in ("encode", "decode")
        )


@pytest.fixture
def timer(monkeypatch: pytest.MonkeyPatch) -> Timer:
    """Give made-up times."""
    return Timer(monkeypatch)


def test_a_second_start_tries_one_codec_alone(timer: Timer, tmp_path: Path) -> None:
    """What it takes is what was kept: all is believed."""
    first = codec_times_or_recall(CODECS, VALUES, FileCache(tmp_path))
    timer.factor = 1.5
    assert codec_times_or_recall(CODECS, VALUES, FileCache(tmp_path)) == first
    assert timer.asked == [("uint8", "float16"), ("float16",)]


@pytest.mark.parametrize("factor", [0.3, 3.0])
def test_on_another_machine_all_are_timed_again(
    timer: Timer, tmp_path: Path, factor: float
) -> None:
    """Slower or faster: what is kept is replaced."""
    codec_times_or_recall(CODECS, VALUES, FileCache(tmp_path))
    timer.factor = factor
    second = codec_times_or_recall(CODECS, VALUES, FileCache(tmp_path))
    assert timer.asked[1:] == [("float16",), ("uint8", "float16")]
    assert codec_times_or_recall(CODECS, VALUES, FileCache(tmp_path)) == second


def test_other_codecs_values_or_devices_are_other_times(timer: Timer, tmp_path: Path) -> None:
    """None of them is answered with those of another."""
    cache = FileCache(tmp_path)
    codec_times_or_recall(CODECS, VALUES, cache)
    others = ([CODECS[0]], VALUES, 1.0), (CODECS, [VALUES[0] + 1], 1.0), (CODECS, VALUES, 4.0)
    for codecs, values, slowdown in others:
        codec_times_or_recall(codecs, values, cache, slowdown=slowdown)
        assert timer.asked[-1] == tuple(codec.name for codec in codecs)
    assert len(timer.asked) == 4


def test_without_a_cache_all_are_timed(timer: Timer) -> None:
    """And without codecs or values nothing is."""
    codec_times_or_recall(CODECS, VALUES, None)
    assert timer.asked == [("uint8", "float16")]
    assert codec_times_or_recall([], VALUES, None) == ()
    assert codec_times_or_recall(CODECS, [], None) == ()
    assert len(timer.asked) == 1


def test_real_codecs_are_timed_in_both_directions() -> None:
    """One sample of each, for the one value."""
    samples = codec_times_or_recall(CODECS, VALUES, None)
    assert {(s.kind, s.subject) for s in samples} == {
        (kind, codec.name) for kind in ("encode", "decode") for codec in CODECS
    }


def test_of_one_size_alone_a_part_is_timed_too() -> None:
    """Else nothing would tell what larger values take, where sizes are open."""
    values = [np.zeros((1, 8, 64, 3), np.float32), np.ones((1, 64, 8, 3), np.float32)]
    assert [each.shape for each in values_to_time(values)] == [(1, 8, 8, 3), (1, 8, 64, 3)]
    assert len(values_to_time([np.zeros(8, np.float32)])) == 1
    codec = codec_named("zstd")
    noise = np.random.default_rng(0).random((1, 64, 64, 16), np.float32)
    samples = codec_times_or_recall([codec], values_to_time([noise]), None)
    speed = codec_speeds(samples, "encode")["zstd"]
    ratio = 0.9
    assert speed.time_s(16 * noise.nbytes, 16 * ratio * noise.nbytes) > 4 * speed.time_s(
        noise.nbytes, ratio * noise.nbytes
    )


def test_few_values_stand_for_many() -> None:
    """Of each type, the smallest, the largest and some between; none that is empty."""
    floats = [np.zeros(n, np.float32) for n in (0, 7, 1, 5, 3, 9, 2, 8, 1)]
    chosen = values_to_time([*floats, np.zeros(4, np.int64)])
    assert [(str(each.dtype), each.size) for each in chosen] == [
        ("float32", 1), ("float32", 3), ("float32", 7), ("float32", 9), ("int64", 4),
    ]  # fmt: skip
