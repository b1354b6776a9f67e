"""Segments that are called off from another thread."""

from pathlib import Path
from threading import Thread

import numpy as np
import pytest

from cutpoint.execution import ModelFile, Segments, load_graph
from cutpoint.execution.runtime import onnxruntime_module
from cutpoint.execution.stop import Stop


def test_what_was_called_off_does_not_begin(six_convs: Path) -> None:
    """No segment of it; without a word everything runs."""
    segments = Segments(load_graph(ModelFile.open(six_convs)), ())
    feed = {"image": np.ones((1, 3, 64, 64), np.float32)}
    stop = Stop()
    assert len(segments.run(segments.segments, feed, stop=stop).runs) == 1
    stop.tell()
    assert segments.run(segments.segments, feed, stop=stop).runs == []
    assert stop.is_told()


def test_what_has_begun_ends_before_its_next_operator(counting: Path) -> None:
    """A model that would compute for hours: the run ends, with nothing made by that segment."""
    segments = Segments(load_graph(ModelFile.open(counting)), ())
    feed = {
        "x": np.zeros((256, 256), np.float32),
        "rounds": np.array([2**40], np.int64),
    }
    stop, made = Stop(), []
    thread = Thread(
        target=lambda: made.append(segments.run(segments.segments, feed, stop=stop).runs)
    )
    thread.start()
    stop.tell()
    thread.join(60)
    assert not thread.is_alive()
    assert made == [[]]


def test_a_failure_that_nobody_asked_for_is_raised(six_convs: Path) -> None:
    """As without a word."""
    segments = Segments(load_graph(ModelFile.open(six_convs)), ())
    with pytest.raises(Exception, match="dimension"):
        segments.run(segments.segments, {"image": np.ones((1, 3, 8, 8), np.float32)}, stop=Stop())


def test_options_of_the_caller_are_not_ended(six_convs: Path) -> None:
    """They may serve other runs; what is between segments is called off all the same."""
    options = onnxruntime_module().RunOptions()
    stop = Stop(options)
    stop.tell()
    assert not options.terminate
    assert stop.run_options is options


def test_an_emulated_device_sleeps_no_longer(six_convs: Path) -> None:
    """It would sleep for an hour; its next sleep is not shortened by that."""
    segments = Segments(load_graph(ModelFile.open(six_convs)), (), slowdown=1e7)
    feed = {"image": np.ones((1, 3, 64, 64), np.float32)}
    stop, runs = Stop(), []
    thread = Thread(
        target=lambda: runs.append(segments.run(segments.segments, feed, stop=stop).runs)
    )
    thread.start()
    stop.tell()
    thread.join(60)
    assert not thread.is_alive()
    assert len(runs) == 1
