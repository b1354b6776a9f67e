"""The models of the campaigns: long where wished, and telling."""

import numpy as np

from cutpoint.execution import ModelFile, load_graph
from cutpoint.execution.runtime import onnxruntime_module, quiet_options
from cutpoint.lab.equivalence import is_equal
from cutpoint.lab.faults.models import MIDDLE, feeds, write_blocker, write_two_loops
from cutpoint.planning import cuts_to_hold


def outputs_of(path, feed):
    """Give the first output of a model."""
    session = onnxruntime_module().InferenceSession(str(path), quiet_options(1))
    return session.run(None, feed)[0]


def test_every_difference_shows_in_the_answer(tmp_path):
    """Another input, another round and other weights each give another answer."""
    feed, other = feeds(2)
    path = write_two_loops(tmp_path / "model.onnx", 1, 30)
    answer = outputs_of(path, feed)
    assert not is_equal(outputs_of(path, other), answer)
    for changed in ({"tail_rounds": 31}, {"head_rounds": 2}, {"seed": 1}):
        given = {"head_rounds": 1, "tail_rounds": 30, **changed}
        assert not is_equal(outputs_of(write_two_loops(path, **given), feed), answer)


def test_its_middle_is_a_cut_worth_having(tmp_path):
    """A server holds it of its own accord, so nothing is built on request after a restart."""
    path = write_two_loops(tmp_path / "model.onnx", 1, 2)
    cuts = cuts_to_hold(load_graph(ModelFile.open(path)))
    assert [cut.crossing for cut in cuts] == [(MIDDLE,)]


def test_input_and_output_are_as_large_as_wished(tmp_path):
    """Many rows to upload, many copies to reply, or a small answer."""
    (feed,) = feeds(1, 512)
    long = write_two_loops(tmp_path / "long.onnx", 1, 1, rows=512, kept_rows=512, copies=3)
    assert outputs_of(long, feed).shape == (3 * 512, 256)
    short = write_two_loops(tmp_path / "short.onnx", 1, 1, rows=512, kept_rows=512, copies=0)
    assert outputs_of(short, feed).size == 256


def test_the_blocker_works_as_often_as_its_input_says(tmp_path):
    """No rounds give the input back."""
    (feed,) = feeds(1)
    path = write_blocker(tmp_path / "blocker.onnx")
    none = outputs_of(path, {**feed, "rounds": np.array([0])})
    np.testing.assert_array_equal(none, feed["x"])
    assert not is_equal(outputs_of(path, {**feed, "rounds": np.array([2])}), feed["x"])
