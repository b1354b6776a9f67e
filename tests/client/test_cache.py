"""A session that keeps times between starts: sooner, and otherwise the same."""

import errno
import logging
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.mutated_files import mutated

from cutpoint import InferenceSession
from cutpoint.profiling import kept_times

NOWHERE = "127.0.0.1:1"


@pytest.fixture
def num_timed(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Give how often segments were timed."""
    calls = []
    time_segments = kept_times.time_segments
    monkeypatch.setattr(kept_times, "_ALIKE", 1e9)  # however busy this machine is
    monkeypatch.setattr(kept_times, "_STEADY", 1e9)

    def counted(*arguments: Any, **settings: Any) -> Any:
        calls.append(arguments)
        return time_segments(*arguments, **settings)

    monkeypatch.setattr(kept_times, "time_segments", counted)
    return lambda: len(calls)


def answer(model_path: Path, feed: Any, **settings: Any) -> np.ndarray:
    """Give what a new session answers."""
    with InferenceSession(model_path, server=NOWHERE, **settings) as session:
        return np.asarray(session.run(None, feed)[0])


def test_the_second_session_takes_no_times(model_path, feed, tmp_path, num_timed) -> None:
    """The same answers; times are taken by the first session alone."""
    truth = answer(model_path, feed)
    assert num_timed() == 1
    for _ in range(3):
        np.testing.assert_array_equal(answer(model_path, feed, cache=tmp_path / "kept"), truth)
    assert num_timed() == 2
    np.testing.assert_array_equal(answer(model_path, feed, cache=tmp_path / "other"), truth)
    assert num_timed() == 3


def test_without_a_folder_nothing_is_kept(model_path, feed, tmp_path, num_timed) -> None:
    """Off by default: no file appears anywhere."""
    before = set(tmp_path.rglob("*"))
    answer(model_path, feed)
    assert set(tmp_path.rglob("*")) == before


def test_a_damaged_folder_changes_no_answer(
    model_path, feed, tmp_path, num_timed, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever bytes the entries have: times are taken again, answers stay, one word a session."""
    truth = answer(model_path, feed, cache=tmp_path)
    good = {path: path.read_bytes() for path in (tmp_path / "cutpoint").iterdir()}
    assert len(good) == 2  # times of segments, and of codecs
    kept = [mutated(each, each[::-1], 12, seed=8) for each in good.values()]
    for turn, changes in enumerate(zip(*kept, strict=True), start=2):
        for path, (_, bad) in zip(good, changes, strict=True):
            path.write_bytes(bad)
        name = changes[0][0]
        caplog.clear()
        np.testing.assert_array_equal(answer(model_path, feed, cache=tmp_path), truth, name)
        assert num_timed() == turn
        told = [each for each in caplog.records if each.name.endswith("file_cache")]
        assert [each.levelno for each in told] == [logging.WARNING]


def test_a_full_disk_changes_no_answer(
    model_path, feed, tmp_path, num_timed, monkeypatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Where nothing can be kept that is said once, and every session answers."""
    truth = answer(model_path, feed)

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    np.testing.assert_array_equal(answer(model_path, feed, cache=tmp_path), truth)
    (told,) = [each for each in caplog.records if each.name.endswith("file_cache")]
    assert "No space left" in told.getMessage()
    assert not list((tmp_path / "cutpoint").iterdir())
    monkeypatch.undo()
    shutil.rmtree(tmp_path / "cutpoint")
    (tmp_path / "cutpoint").write_bytes(b"in the way")
    np.testing.assert_array_equal(answer(model_path, feed, cache=tmp_path), truth)
