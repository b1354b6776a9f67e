"""A served model: every tail of it equals the rest of the whole."""

from collections.abc import Callable

import numpy as np
import pytest

from cutpoint.exceptions import ModelError, RemoteExecutionError
from cutpoint.execution import Segments
from cutpoint.graph import SERVER_ONLY, Arrays, Graph, candidate_cuts
from cutpoint.server.served_model import ServedModel
from cutpoint.wire.protocol import PROTOCOL_VERSION


def _never() -> bool:
    return False


def test_every_tail_completes_the_devices_head(
    model: ServedModel,
    graph: Graph,
    image_of: Callable[[int], Arrays],
    truth: Callable[[Arrays], Arrays],
    assert_same,
) -> None:
    """Heads that a device runs and tails that a server runs make the whole, at every cut held."""
    cuts = candidate_cuts(graph)
    device = Segments(graph, cuts)
    extra = [cut for cut in cuts if cut not in model.cuts][:3]
    for cut in extra:
        assert model.add_tail(cut.id) == cut
    held = {cut.id for cut in model.cuts}
    checked = 0
    for cut in cuts:
        if cut.id not in held:
            continue
        feed = image_of(checked)
        head = device.run(device.head_of(cut), feed)
        sent = {name: head.values[name] for name in cut.crossing}
        assert [spec.name for spec in model.inputs_of(cut)] == list(sent)
        made, tail_s = model.run(cut, sent, _never)
        assert [spec.name for spec in model.outputs_of(cut)] == list(cut.returned)
        assert tail_s > 0
        outputs = device.outputs_of({**head.values, **{n: made[n] for n in cut.returned}})
        assert_same(outputs, truth(feed))
        checked += 1
    assert checked == len(held) - 1 >= 7


def test_the_whole_takes_the_inputs_and_makes_the_outputs(
    model: ServedModel, image_of, truth, assert_same
) -> None:
    """The end without a head is the model itself."""
    whole = next(cut for cut in model.cuts if cut.id == SERVER_ONLY)
    assert model.served_name(whole) == model.name == "six_convs"
    assert [(s.name, s.shape) for s in model.inputs_of(whole)] == [("image", (1, 3, 64, 64))]
    assert [s.name for s in model.outputs_of(whole)] == ["brightest", "classes"]
    outputs, tail_s = model.run(whole, image_of(0), _never)
    assert tail_s > 0
    assert_same(outputs, truth(image_of(0)))


def test_each_tail_was_timed(model: ServedModel) -> None:
    """The profile tells the whole and every tail; less work takes no longer, by its sums."""
    profile = model.profile()
    times_s = {sample.subject: sample.duration_s for sample in profile.samples}
    assert list(times_s) == ["", *(cut.id for cut in model.cuts)]
    assert times_s[""] == times_s[SERVER_ONLY] == model.idle_s(model.cuts[0]) > 0
    tails_s = [model.idle_s(cut) for cut in model.cuts]
    assert tails_s == sorted(tails_s, reverse=True)
    assert profile.environment.num_threads == 1


def test_what_is_held_is_told(model: ServedModel, graph: Graph) -> None:
    """Digest and tails by their crossing values, a tail that was added included."""
    held = model.holdings()
    assert (held.protocol_version, held.sha256) == (PROTOCOL_VERSION, graph.sha256)
    assert held.tails == {cut.id: cut.crossing for cut in model.cuts}
    added = next(cut for cut in candidate_cuts(graph) if cut.id not in held.tails)
    model.add_tail(added.id)
    assert model.holdings().tails == {**held.tails, added.id: added.crossing}
    assert added.id in {sample.subject for sample in model.profile().samples}


def test_adding_a_tail_again_changes_nothing(model: ServedModel, graph: Graph) -> None:
    """A tail that is held already is just given; a cut that is none is refused."""
    before = model.cuts
    assert [model.add_tail(cut.id) for cut in before] == list(before)
    assert model.cuts == before
    with pytest.raises(ModelError, match="no candidate cut 'abc'"):
        model.add_tail("abc")


def test_a_stopped_run_gives_no_answer(model: ServedModel, image_of) -> None:
    """A request that was cancelled between segments ends in an error, never in half an answer."""
    asked: list[bool] = []

    def is_stopped() -> bool:
        asked.append(len(asked) >= 2)
        return asked[-1]

    whole = model.cuts[0]
    with pytest.raises(RemoteExecutionError, match="six_convs: stopped on request"):
        model.run(whole, image_of(0), is_stopped)
    assert asked[:3] == [False, False, True]


def test_what_the_runtime_refuses_is_an_execution_error(model: ServedModel) -> None:
    """An error of ONNX Runtime is one of ours, names the model, and does no lasting harm."""
    whole = model.cuts[0]
    with pytest.raises(RemoteExecutionError, match=r"^six_convs: "):
        model.run(whole, {"image": np.zeros((1, 3, 5, 5), np.float32)}, _never)
    outputs, _ = model.run(whole, {"image": np.zeros((1, 3, 64, 64), np.float32)}, _never)
    assert list(outputs) == ["brightest", "classes"]


def test_an_output_made_of_weights_alone_is_served(model_of, tmp_path) -> None:
    """It is among the whole model's outputs, though no segment makes it."""
    written = model_of(
        """(float[2] x) => (float[2] y, float[2] z) {
            one = Constant <value = float[2] {1.0, 2.0}> ()
            z = Add (one, one)
            y = Relu (x)
        }"""
    )
    path = tmp_path / "constant.onnx"
    path.write_bytes(written.SerializeToString())
    model = ServedModel.load(str(path))
    (whole,) = model.cuts
    assert [(s.name, s.dtype, s.shape) for s in model.outputs_of(whole)] == [
        ("y", "float32", (2,)),
        ("z", "float32", (2,)),
    ]
    outputs, _ = model.run(whole, {"x": np.array([-1, 1], np.float32)}, _never)
    np.testing.assert_array_equal(outputs["z"], [2, 4])
