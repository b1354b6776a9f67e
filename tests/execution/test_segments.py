"""Segments: every cut computes what the whole model computes."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

from cutpoint.exceptions import InvalidCutError, ModelError
from cutpoint.execution import ModelFile, Segments, load_graph
from cutpoint.graph import (
    Arrays,
    Graph,
    candidate_cuts,
    device_only,
    server_only,
)

SMALL_CUTS = 12


@pytest.fixture(scope="module")
def whole(six_convs: Path, feed: Arrays) -> Arrays:
    """Give what ONNX Runtime's own session of the model file computes."""
    session = onnxruntime.InferenceSession(six_convs, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, feed), strict=True))


@pytest.fixture(scope="module")
def segments(graph: Graph) -> Segments:
    """Hold the model in segments at every candidate cut."""
    return Segments(graph, candidate_cuts(graph))


def assert_same(computed: Arrays, expected: Arrays) -> None:
    """Compare outputs by name, to the last digits of a float32."""
    assert list(computed) == list(expected)
    for name, array in expected.items():
        np.testing.assert_allclose(computed[name], array, rtol=1e-5, atol=1e-6)


def test_the_chain_of_segments_is_the_whole(
    segments: Segments, feed: Arrays, whole: Arrays
) -> None:
    """All segments in order compute the model's outputs; each reports its time."""
    execution = segments.run(segments.segments, feed)
    assert_same(segments.outputs_of(execution.values), whole)
    assert [run.segment for run in execution.runs] == [s.id for s in segments.segments]
    assert all(run.duration_s > 0 for run in execution.runs)
    assert execution.duration_s == sum(run.duration_s for run in execution.runs)


def test_every_cut_computes_the_whole(segments: Segments, feed: Arrays, whole: Arrays) -> None:
    """The head, and the tail given nothing but the crossing values, make all outputs."""
    assert len(segments.cuts) == SMALL_CUTS
    for cut in segments.cuts:
        head = segments.run(segments.head_of(cut), feed)
        sent = {name: head.values[name] for name in cut.crossing}
        tail = segments.run(segments.tail_of(cut), sent)
        returned = {name: tail.values[name] for name in cut.returned}
        assert_same(segments.outputs_of({**head.values, **returned}), whole)
        assert set(segments.outputs_of(head.values)) == set(whole) - set(cut.returned)


def test_the_ends_are_all_and_nothing(segments: Segments) -> None:
    """Device-only and server-only need no boundary of their own."""
    whole, nothing = device_only(segments.graph), server_only(segments.graph)
    assert segments.head_of(whole) == segments.tail_of(nothing) == segments.segments
    assert segments.tail_of(whole) == segments.head_of(nothing) == ()


def test_a_cut_that_was_not_held_is_refused(graph: Graph) -> None:
    """A cut through a segment is an error that says what to do."""
    first, second, *_ = candidate_cuts(graph)
    with pytest.raises(InvalidCutError, match=f"cut {second.id}.*runs through segment"):
        Segments(graph, [first]).head_of(second)


def test_a_run_stops_between_segments(segments: Segments, feed: Arrays) -> None:
    """Asked before each segment; once it says yes, the rest is not run."""
    asked: list[bool] = []

    def is_stopped() -> bool:
        asked.append(len(asked) >= 3)
        return asked[-1]

    execution = segments.run(segments.segments, feed, is_stopped=is_stopped)
    assert [run.segment for run in execution.runs] == [s.id for s in segments.segments[:3]]
    assert asked == [False, False, False, True]
    assert "classes" not in segments.outputs_of(execution.values)


def test_warming_up_reports_nothing_and_changes_nothing(
    segments: Segments, feed: Arrays, whole: Arrays
) -> None:
    """The first runs of every segment leave the feed as it was."""
    given = {name: array.copy() for name, array in feed.items()}
    segments.warm_up(given)
    assert list(given) == list(feed)
    np.testing.assert_array_equal(given["image"], feed["image"])
    assert_same(segments.outputs_of(segments.run(segments.segments, given).values), whole)


def test_segments_may_run_on_several_threads(
    segments: Segments, graph: Graph, six_convs: Path
) -> None:
    """Eight threads on one set of sessions each get the answer to their own question."""
    session = onnxruntime.InferenceSession(six_convs, providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(1)
    images = [rng.standard_normal((1, 3, 64, 64), dtype=np.float32) for _ in range(40)]

    def answer(image: np.ndarray) -> np.ndarray:
        execution = segments.run(segments.segments, {"image": image})
        return segments.outputs_of(execution.values)["classes"]

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(answer, images))
    for image, classes in zip(images, answers, strict=True):
        (expected,) = session.run(["classes"], {"image": image})
        np.testing.assert_allclose(classes, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("slowdown", [3.0, 8.0])
def test_a_slowdown_stretches_the_cpu_time(counting: Path, slowdown: float) -> None:
    """An emulated device takes its factor times the CPU time of the work, within a wide band."""
    graph = load_graph(ModelFile.open(counting))
    feed = {"x": np.ones((256, 256), np.float32), "rounds": np.array([50])}
    slow = Segments(graph, (), slowdown=slowdown)
    plain = Segments(graph, ())
    slow.warm_up(feed)
    runs = [slow.run(slow.segments, feed).runs[0] for _ in range(8)]
    cpu_s = sum(run.cpu_s for run in runs)
    wall_s = sum(run.duration_s for run in runs)
    assert cpu_s > 0.01
    # A sleep never ends early and what it oversleeps is taken off the next: only other
    # work on the cores can add to it, and then it adds a lot.
    assert wall_s > 0.97 * slowdown * cpu_s
    assert min(run.duration_s / run.cpu_s for run in runs) < 2.5 * slowdown
    (unstretched,) = plain.run(plain.segments, feed).runs
    assert unstretched.duration_s < wall_s


@pytest.mark.parametrize("measures_cpu", [True, False])
@pytest.mark.parametrize("slowdown", [1.0, 3.0])
def test_cpu_time_is_told_of_the_whole_run(
    graph: Graph, feed: Arrays, slowdown: float, measures_cpu: bool
) -> None:
    """However it is read, and apart from what an emulated device slept."""
    segments = Segments(graph, candidate_cuts(graph)[:2], slowdown=slowdown)
    segments.warm_up(feed)
    execution = segments.run(segments.segments, feed, measures_cpu=measures_cpu)
    assert execution.cpu_s > 0
    assert execution.stretched_s == pytest.approx((slowdown - 1) * execution.cpu_s)
    assert execution.duration_s > execution.stretched_s


def test_a_users_options_are_used_and_given_back(
    graph: Graph, feed: Arrays, tmp_path: Path, whole: Arrays
) -> None:
    """Every segment is created with the object given; profiling and writing are off meanwhile."""
    options = onnxruntime.SessionOptions()
    options.logid = "mine"
    options.enable_profiling = True
    options.profile_file_prefix = str(tmp_path / "trace")
    options.optimized_model_filepath = str(tmp_path / "written.onnx")
    segments = Segments(graph, candidate_cuts(graph), options=options)
    assert_same(segments.outputs_of(segments.run(segments.segments, feed).values), whole)
    held = [each.session for each in segments._sessions.values()]
    used = [session.get_session_options().logid for session in held]
    assert used == ["mine"] * len(segments.segments)
    assert options.enable_profiling is True
    assert options.optimized_model_filepath == str(tmp_path / "written.onnx")
    assert list(tmp_path.iterdir()) == []


def test_options_are_given_back_after_a_failure(graph: Graph, tmp_path: Path) -> None:
    """A segment that cannot be loaded is named, and leaves the user's options as they were."""
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "written.onnx")
    with pytest.raises(ModelError, match=r"cannot load segment .* of 'six_convs'"):
        Segments(graph, (), options=options, providers=["NoSuchExecutionProvider"])
    assert options.optimized_model_filepath == str(tmp_path / "written.onnx")


def chain(model_of: Callable[..., onnx.ModelProto], scale: float) -> onnx.ModelProto:
    """Write a model whose 2 KiB of weights do not stay inline."""
    model = model_of(
        "(float[512] x) => (float[512] y) { scaled = Mul (x, w)  y = Sigmoid (scaled) }"
    )
    weight = np.full(512, scale, np.float32)
    model.graph.initializer.append(onnx.numpy_helper.from_array(weight, "w"))
    return model


def test_one_options_object_serves_several_graphs(
    model_of: Callable[..., onnx.ModelProto], tmp_path: Path
) -> None:
    """Each graph finds its own weights, and the user's next session those of its file."""
    options = onnxruntime.SessionOptions()
    x = np.linspace(-1, 1, 512, dtype=np.float32)
    held = []
    for scale in (1.0, 2.0, 3.0):
        graph = load_graph(ModelFile.open(chain(model_of, scale).SerializeToString()))
        held.append((scale, Segments(graph, (), options=options)))
    for scale, segments in held:
        y = segments.run(segments.segments, {"x": x}).values["y"]
        np.testing.assert_allclose(y, 1 / (1 + np.exp(-scale * x)), rtol=1e-5)
    path = tmp_path / "own.onnx"
    onnx.save(chain(model_of, 5.0), path, save_as_external_data=True, size_threshold=0)
    assert len(list(tmp_path.iterdir())) == 2
    own = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    np.testing.assert_allclose(own.run(None, {"x": x})[0], 1 / (1 + np.exp(-5 * x)), rtol=1e-5)


def test_the_models_ends_are_described_as_the_whole_model_does(
    segments: Segments, six_convs: Path
) -> None:
    """Inputs and outputs have the names, shapes and types of ONNX Runtime's own session."""
    session = onnxruntime.InferenceSession(six_convs, providers=["CPUExecutionProvider"])
    inputs, outputs = segments.node_args()
    for ours, theirs in ((inputs, session.get_inputs()), (outputs, session.get_outputs())):
        assert [(a.name, a.shape, a.type) for a in ours] == [
            (a.name, a.shape, a.type) for a in theirs
        ]


def test_segments_say_what_they_run_on(graph: Graph) -> None:
    """Providers are those the sessions report."""
    segments = Segments(graph, (), providers=["CPUExecutionProvider"])
    assert segments.providers == ("CPUExecutionProvider",)
    assert repr(segments) == "<Segments of six_convs: 1 [CPUExecutionProvider]>"


def test_an_output_that_needs_no_input_is_among_the_outputs(model_of) -> None:
    """What weights alone make is given too, though no segment runs for it."""
    model = model_of(
        """(float[2] x) => (float[2] y, float[2] z) {
            one = Constant <value = float[2] {1.0, 2.0}> ()
            z = Add (one, one)
            y = Relu (x)
        }"""
    )
    segments = Segments(load_graph(ModelFile.open(model.SerializeToString())), ())
    made = segments.run(segments.segments, {"x": np.array([-1, 1], np.float32)})
    outputs = segments.outputs_of(made.values)
    assert list(outputs) == ["y", "z"]
    np.testing.assert_array_equal(outputs["y"], [0, 1])
    np.testing.assert_array_equal(outputs["z"], [2, 4])
