from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cutpoint.cost.calibration import Calibration
from cutpoint.cost.tolerance import tolerance_named, tolerance_of
from cutpoint.exceptions import FeedError, ToleranceError
from cutpoint.execution import ModelFile, Segments, load_graph
from cutpoint.execution.file_cache import FileCache
from cutpoint.graph import Arrays, sample_feed
from cutpoint.profiling import kept_calibration
from cutpoint.profiling.kept_calibration import calibrate_or_recall
from cutpoint.wire.codecs import codec_named

CODECS = (codec_named("float16"), codec_named("uint8"))


@pytest.fixture
def segments(model_of: Callable[..., Any], tmp_path: Path) -> Segments:
    """Give a model of a few numbers."""
    path = tmp_path / "tiny.onnx"
    path.write_bytes(
        model_of("(float[1,8] x) => (float[1,8] y) { y = Tanh (x) }").SerializeToString()
    )
    return Segments(load_graph(ModelFile.open(path)), ())


@pytest.fixture
def feeds() -> list[Arrays]:
    """Give two inputs."""
    return [{"x": np.random.default_rng(i).random((1, 8), np.float32)} for i in range(2)]


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Calibration]:
    """Collect what is calibrated, rather than recalled."""
    found: list[Calibration] = []
    calibrate = kept_calibration.calibrate

    def counted(*arguments: Any, **settings: Any) -> Calibration:
        found.append(calibrate(*arguments, **settings))
        return found[-1]

    monkeypatch.setattr(kept_calibration, "calibrate", counted)
    return found


def test_the_second_start_recalls(
    segments: Segments, feeds: list[Arrays], made: list[Calibration], tmp_path: Path
) -> None:
    """The same calibration, made once; it serves any tolerance in the common measures."""
    cache = FileCache(tmp_path)
    first = calibrate_or_recall(segments, CODECS, feeds, cache)
    again = calibrate_or_recall(
        segments, CODECS, feeds, cache, tolerance=tolerance_named("top1:0.9")
    )
    assert first == again
    assert len(made) == 1


def test_what_cannot_be_judged_is_refused_at_the_second_start_too(
    model_of: Callable[..., Any], feeds: list[Arrays], tmp_path: Path
) -> None:
    """A model of one score has no classes: what was kept of it does not tell of any."""
    path, cache = tmp_path / "one.onnx", FileCache(tmp_path)
    text = "(float[1,8] x) => (float[1,1] y) { y = ReduceMean <axes = [1]> (x) }"
    path.write_bytes(model_of(text).SerializeToString())
    held = Segments(load_graph(ModelFile.open(path)), ())
    calibrate_or_recall(held, CODECS, feeds, cache, tolerance=tolerance_named("l2:0.1"))
    with pytest.raises(ToleranceError, match="no classes"):
        calibrate_or_recall(held, CODECS, feeds, cache, tolerance=tolerance_named("top1:0.9"))


def test_other_feeds_or_codecs_are_calibrated_anew(
    segments: Segments, feeds: list[Arrays], made: list[Calibration], tmp_path: Path
) -> None:
    """One number that differs is enough; so is no place to keep it."""
    cache = FileCache(tmp_path)
    calibrate_or_recall(segments, CODECS, feeds, cache)
    calibrate_or_recall(segments, CODECS[:1], feeds, cache)
    feeds[1]["x"][0, 7] += 1
    calibrate_or_recall(segments, CODECS, feeds, cache)
    calibrate_or_recall(segments, CODECS, feeds[:1], cache)
    calibrate_or_recall(segments, CODECS, feeds, None)
    assert len(made) == 5


def test_a_function_is_asked_each_time(
    segments: Segments, feeds: list[Arrays], made: list[Calibration], tmp_path: Path
) -> None:
    """What it does cannot be seen from its name."""
    cache, tolerance = FileCache(tmp_path), tolerance_of(lambda exact, got: 0.0)
    for _ in range(2):
        calibrate_or_recall(segments, CODECS, feeds, cache, tolerance=tolerance)
    assert len(made) == 2


@pytest.mark.parametrize("feed", [np.zeros((1, 8), np.float32), 3, {"x": 0, 1: 0}])
def test_what_is_no_feed_is_refused_before_it_is_looked_up(
    segments: Segments, tmp_path: Path, feed: Any
) -> None:
    """With a place to keep calibrations as without one."""
    for cache in (None, FileCache(tmp_path)):
        with pytest.raises(FeedError, match="feed 1 to calibrate with"):
            calibrate_or_recall(segments, CODECS, [feed], cache)


def test_numbers_that_python_has_no_word_for_are_kept(
    model_of: Callable[..., Any], made: list[Calibration], tmp_path: Path
) -> None:
    """Inputs of bfloat16 are told apart by their bytes, like others."""
    path = tmp_path / "half.onnx"
    nodes = "{ f = Cast <to = 1> (x) h = Tanh (f) y = Cast <to = 16> (h) }"
    path.write_bytes(
        model_of(f"(bfloat16[1,8] x) => (bfloat16[1,8] y) {nodes}").SerializeToString()
    )
    held, cache = Segments(load_graph(ModelFile.open(path)), ()), FileCache(tmp_path)
    for feed in (sample_feed(held.graph),) * 2:
        calibrate_or_recall(held, CODECS, [feed], cache)
    assert len(made) == 1


def test_a_foreign_entry_is_passed_over(
    segments: Segments, feeds: list[Arrays], made: list[Calibration], tmp_path: Path
) -> None:
    """With a good digest, under the right key, but of another model or of too few feeds."""
    cache = FileCache(tmp_path)
    first = calibrate_or_recall(segments, CODECS, feeds, cache)
    key = kept_calibration._key(segments, CODECS, feeds)
    for wrong in ({"model_sha256": "cd" * 32}, {"num_feeds": 7}, {"num_feeds": 0}):
        content = {name: getattr(first, name) for name in first.__dataclass_fields__}
        cache.write(key, {**content, **wrong})
        assert calibrate_or_recall(segments, CODECS, feeds, cache) == first
    assert len(made) == 4
