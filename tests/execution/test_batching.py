"""Which segments run several requests as one, and that each gets what it would get alone."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from cutpoint.execution import ModelFile, Segments, batching, load_graph
from cutpoint.execution.batch_axis import batch_axis
from cutpoint.execution.batch_trial import trial_feeds
from cutpoint.execution.batched_segment import joined, parted
from cutpoint.execution.runtime import quiet_options
from cutpoint.graph import Arrays, Graph, cut_at, sample_feed

_OPSET = 17
_IS_SLOWER = batching._is_slower
Weights = Mapping[str, Any]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no noise of this machine decide which session is quicker."""
    monkeypatch.setattr(batching, "_is_slower", lambda *_: False)


def _graph(
    nodes: Sequence[onnx.NodeProto],
    weights: Weights,
    shape: Sequence[int | str],
    more: Mapping[str, Sequence[int | str]] | None = None,
    sizes: Mapping[str, int] | None = None,
) -> Graph:
    """Load a model from input ``x`` to output ``y``."""
    inputs = {"x": shape, **(more or {})}
    graph = helper.make_graph(
        list(nodes),
        "net",
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, list(dims))
            for name, dims in inputs.items()
        ],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=8)
    return load_graph(ModelFile.open(model.SerializeToString(), "net"), sizes=sizes)


def _found(graph: Graph, cuts: Sequence[str] = ()) -> Segments:
    segments = Segments(graph, [cut_at(graph, [name]) for name in cuts], options=quiet_options(1))
    segments.find_batches()
    return segments


def _batches_of_integers(
    nodes: Sequence[onnx.NodeProto], kind: str, weights: Weights, example: Any = None
) -> Mapping[str, Any]:
    """Give what batches are found of a model that takes sixteen integers."""
    element = helper.np_dtype_to_tensor_dtype(np.dtype(kind))
    net = helper.make_graph(
        list(nodes),
        "net",
        [helper.make_tensor_value_info("x", element, [1, 16])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in weights.items()],
    )
    model = helper.make_model(net, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=8)
    graph = load_graph(ModelFile.open(model.SerializeToString(), "net"))
    segments = Segments(graph, (), options=quiet_options(1))
    segments.find_batches(example)
    return segments.batches


def _normal(*shape: int) -> Any:
    return np.random.default_rng(sum(shape)).standard_normal(shape).astype(np.float32)


_CONV = (
    [
        helper.make_node("Conv", ["x", "w"], ["a"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["a"], ["b"]),
        helper.make_node("GlobalAveragePool", ["b"], ["c"]),
        helper.make_node("Flatten", ["c"], ["d"]),
        helper.make_node("Gemm", ["d", "f"], ["y"]),
    ],
    {"w": _normal(8, 3, 3, 3), "f": _normal(8, 5)},
)


@pytest.mark.parametrize("shape", [(1, 3, 8, 8), ("batch", 3, 8, 8), (2, 3, 8, 8)])
def test_a_plain_net_runs_several_as_one(shape: Sequence[int | str]) -> None:
    """Whatever batch the file fixes, or none: each segment takes more, and answers are the same."""
    sizes = {"batch": 1} if "batch" in shape else None
    graph = _graph(*_CONV, shape, sizes=sizes)
    segments = _found(graph, ["b"])
    assert set(segments.batches) == {segment.id for segment in segments.segments}
    feeds = [sample_feed(graph, seed) for seed in range(5)]
    values: list[Arrays] = [dict(feed) for feed in feeds]
    for segment in segments.segments:
        for own, made in zip(values, segments.run_together(segment, values), strict=True):
            own.update(made)
    plain = Segments(graph, (), options=quiet_options(1))
    for feed, own in zip(feeds, values, strict=True):
        alone = plain.run(plain.segments, feed).values["y"]
        assert own["y"].shape == alone.shape
        np.testing.assert_allclose(own["y"], alone, rtol=1e-5, atol=1e-6)


def test_requests_of_several_rows_run_as_one() -> None:
    """Where the batch is open each request brings as many rows as it likes."""
    segments = _found(_graph(*_CONV, ("batch", 3, 8, 8), sizes={"batch": 1}))
    (segment,) = segments.segments
    feeds = [{"x": _normal(rows, 3, 8, 8)} for rows in (2, 1, 4)]
    held = segments.batches[segment.id]
    assert len({held.kin(feed) for feed in feeds}) == 1
    for feed, made in zip(feeds, segments.run_together(segment, feeds), strict=True):
        alone = segments.run((segment,), feed).values["y"]
        np.testing.assert_allclose(made["y"], alone, rtol=1e-5, atol=1e-6)


def test_only_what_agrees_but_for_the_batch_is_kin() -> None:
    """Another type or another dimension is another batch; no rows at all are none."""
    graph = _graph(
        _CONV[0], _CONV[1], ("batch", 3, "height", "width"),
        sizes={"batch": 1, "height": 8, "width": 8},
    )  # fmt: skip
    segments = _found(graph)
    held = segments.batches[segments.segments[0].id]
    kin = held.kin({"x": _normal(1, 3, 8, 8)})
    assert kin is not None
    assert held.kin({"x": _normal(2, 3, 8, 8)}) == kin
    assert held.kin({"x": _normal(1, 3, 8, 9)}) != kin
    assert held.kin({"x": _normal(1, 3, 8, 8).astype(np.float64)}) != kin
    assert held.kin({"x": np.zeros((0, 3, 8, 8), np.float32)}) is None


def test_what_does_not_carry_the_batch_must_be_equal() -> None:
    """Requests with another value of it wait for their own turn."""
    nodes = [
        helper.make_node("Mul", ["x", "scale"], ["a"]),
        helper.make_node("Relu", ["a"], ["y"]),
    ]
    graph = _graph(nodes, {}, ("batch", 4), {"scale": (4,)}, {"batch": 1})
    segments = Segments(graph, (), options=quiet_options(1))
    axis = batch_axis(graph)
    assert axis is not None
    assert (axis.fixed, set(axis.rows)) == ({"scale"}, {"x", "a", "y"})
    scale = np.arange(4, dtype=np.float32)
    segments.find_batches({"x": _normal(1, 4), "scale": scale})
    assert segments.batches == {}  # made-up requests have scales of their own
    segments.take_batches({segments.segments[0].id})
    held = segments.batches[segments.segments[0].id]
    assert held.kin({"x": _normal(1, 4), "scale": scale}) == held.kin(
        {"x": _normal(3, 4), "scale": scale.copy()}
    )
    assert held.kin({"x": _normal(1, 4), "scale": scale + 1}) != held.kin(
        {"x": _normal(1, 4), "scale": scale}
    )


_ONES = np.ones(4, np.float32)
_NOT_BATCHABLE: dict[str, tuple[list[onnx.NodeProto], Weights]] = {
    "normalised over the batch": (
        [
            helper.make_node("ReduceMean", ["x"], ["mean"], axes=[0, 2, 3]),
            helper.make_node("Sub", ["x", "mean"], ["centred"]),
            helper.make_node("Mul", ["centred", "centred"], ["square"]),
            helper.make_node("ReduceMean", ["square"], ["variance"], axes=[0, 2, 3]),
            helper.make_node("Sqrt", ["variance"], ["deviation"]),
            helper.make_node("Div", ["centred", "deviation"], ["y"]),
        ],
        {},
    ),
    "softmax over the batch": ([helper.make_node("Softmax", ["x"], ["y"], axis=0)], {}),
    "quantised per tensor": (
        [
            helper.make_node("DynamicQuantizeLinear", ["x"], ["q", "s", "z"]),
            helper.make_node("DequantizeLinear", ["q", "s", "z"], ["y"]),
        ],
        {},
    ),
    "reshaped to one row": (
        [helper.make_node("Reshape", ["x", "shape"], ["y"])],
        {"shape": np.array([1, -1])},
    ),
    "batch moved to another axis": (
        [helper.make_node("Transpose", ["x"], ["y"], perm=[1, 0, 2, 3])],
        {},
    ),
    "a mean that hides at finite numbers": (
        [
            helper.make_node("ReduceMean", ["x"], ["mean"], axes=[0]),
            helper.make_node("Mul", ["mean", "zero"], ["nothing"]),
            helper.make_node("Add", ["x", "nothing"], ["y"]),
        ],
        {"zero": np.float32(0)},
    ),
    "sum of everybody": ([helper.make_node("ReduceSum", ["x"], ["y"], keepdims=1)], {}),
    "rows that depend on the data": (
        [
            helper.make_node("NonZero", ["x"], ["indices"]),
            helper.make_node("Transpose", ["indices"], ["rows"]),
            helper.make_node("Cast", ["rows"], ["y"], to=TensorProto.FLOAT),
        ],
        {},
    ),
    "a weight for each row": (
        [helper.make_node("Add", ["x", "weight"], ["y"])],
        {"weight": _normal(2, 4, 3, 3)},
    ),
}


@pytest.mark.parametrize("what", _NOT_BATCHABLE)
def test_what_mixes_requests_runs_alone(what: str) -> None:
    """A segment in which requests would reach each other is not run as a batch."""
    nodes, weights = _NOT_BATCHABLE[what]
    shape = (2, 4, 3, 3) if "row" in what else (1, 4, 3, 3)
    segments = _found(_graph(nodes, weights, shape))
    assert dict(segments.batches) == {}


@pytest.mark.parametrize("kind", ["uint8", "int64"])
@pytest.mark.parametrize("example", [None, 7])
def test_integers_of_every_size_are_tried(kind: str, example: int | None) -> None:
    """Pixels divided by the brightest of a batch run alone, whatever the example's are."""
    nodes = [
        helper.make_node("Cast", ["x"], ["a"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMax", ["a"], ["brightest"], axes=[0, 1], keepdims=1),
        helper.make_node("Div", ["a", "brightest"], ["y"]),
    ]
    feed = None if example is None else {"x": np.full((1, 16), example, kind)}
    assert dict(_batches_of_integers(nodes, kind, {}, feed)) == {}


def test_indices_are_tried_as_far_as_they_reach() -> None:
    """A small vocabulary keeps no model from running requests as one."""
    nodes = [helper.make_node("Gather", ["words", "x"], ["y"])]
    assert _batches_of_integers(nodes, "int64", {"words": _normal(2, 8)})


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(
    st.sampled_from(["int8", "uint8", "int64", "uint64"]),
    st.lists(st.integers(0, 127), min_size=1, max_size=5),
)
def test_integers_of_a_trial_are_no_larger_than_those_that_suit(kind: str, own: list[int]) -> None:
    """An index stays one, and a size asks for no more memory than the example's did."""
    example = {"x": np.array([own], kind), "y": np.array([own], kind)}
    graph = _graph(*_CONV, (1, 3, 8, 8))  # not looked at, there being an example
    feeds = trial_feeds(graph, example, (1, 101, 0), ["x"])
    assert all(feed["x"].dtype == np.dtype(kind) for feed in feeds)
    assert int(feeds[1]["x"].max()) <= max(*own, 101)
    assert not feeds[2]["x"].any()
    assert [sorted(feed["y"][0].tolist()) for feed in feeds] == [sorted(own)] * 3


def test_batch_norm_in_training_mode_runs_alone() -> None:
    """Statistics of the batch are everybody's, if this runtime computes them at all."""
    node = helper.make_node(
        "BatchNormalization", ["x", "s", "b", "m", "v"], ["y", "rm", "rv"], training_mode=1
    )
    try:
        graph = _graph([node], dict.fromkeys("sbmv", _ONES), (1, 4, 3, 3))
        segments = _found(graph)
    except Exception as error:
        pytest.skip(f"this ONNX Runtime has no training mode: {error}")
    assert dict(segments.batches) == {}


def test_segments_are_judged_one_by_one() -> None:
    """One that mixes its requests leaves those before and behind it as they are."""
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"], pads=[1, 1, 1, 1]),
        helper.make_node("Softmax", ["a"], ["b"], axis=0),
        helper.make_node("Relu", ["b"], ["y"]),
    ]
    segments = _found(_graph(nodes, {"w": _normal(3, 3, 3, 3)}, (1, 3, 4, 4)), ["a", "b"])
    assert [segment.id in segments.batches for segment in segments.segments] == [True, False, True]


def test_a_request_that_is_no_number_reaches_nobody() -> None:
    """Beside one full of NaN and infinities the others get what they get alone."""
    segments = _found(_graph(*_CONV, (1, 3, 8, 8)))
    (segment,) = segments.segments
    feeds = [{"x": _normal(1, 3, 8, 8) * (seed + 1)} for seed in range(4)]
    alone = [segments.run((segment,), feed).values["y"] for feed in feeds]
    feeds[1] = {"x": np.full((1, 3, 8, 8), np.nan, np.float32)}
    feeds[2] = {"x": np.full((1, 3, 8, 8), -np.inf, np.float32)}
    made = segments.run_together(segment, feeds)
    for number in (0, 3):
        np.testing.assert_allclose(made[number]["y"], alone[number], rtol=1e-5)
    assert np.isnan(made[1]["y"]).all()


def test_a_session_that_is_slower_for_one_request_is_not_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The session that takes only what the file says is kept where the other one costs more."""
    graph = _graph(*_CONV, (1, 3, 8, 8))
    segments = Segments(graph, (), options=quiet_options(1))
    before = segments.session_of(segments.segments[0])
    monkeypatch.setattr(batching, "_is_slower", lambda *_: True)
    segments.find_batches()
    assert dict(segments.batches) == {}
    assert segments.session_of(segments.segments[0]) is before


class Session:
    """
    Stands for a session that takes known times.

    Parameters
    ----------
    clock
        Is moved by each run.
    durations_s
        What runs take; the last one goes on.
    """

    def __init__(self, clock: list[float], *durations_s: float) -> None:
        self.num_runs = 0
        self._clock = clock
        self._durations_s = durations_s

    def run(self, values: Any) -> None:
        """Take time."""
        self._clock[0] += self._durations_s[min(self.num_runs, len(self._durations_s) - 1)]
        self.num_runs += 1


@pytest.mark.parametrize(
    ("opened_s", "is_slower", "num_runs"),
    [
        ((0.001,), False, 2),
        ((0.0009,), False, 2),
        ((0.5, 0.001), False, 3),
        ((0.5, 0.5, 0.5, 0.001), False, 5),
        ((0.0011,), True, 11),
        ((0.0010, 0.0011), False, 11),
        ((0.2,), True, 5),
    ],
)
def test_the_comparison_ends_once_it_is_settled(
    opened_s: tuple[float, ...], is_slower: bool, num_runs: int
) -> None:
    """Two rounds without excess are enough, disturbed ones aside; excess is looked at longer."""
    clock = [0.0]
    one, other = Session(clock, *opened_s), Session(clock, 0.001)
    sessions: Any = (one, other)
    assert _IS_SLOWER(*sessions, {}, lambda: clock[0]) is is_slower
    assert one.num_runs == other.num_runs == num_runs


def test_a_segment_is_held_once() -> None:
    """What takes any batch takes the place of what was there, for single requests too."""
    segments = _found(_graph(*_CONV, (1, 3, 8, 8)), ["b"])
    for segment in segments.segments:
        assert segments.session_of(segment) is segments.batches[segment.id].session


@settings(max_examples=100, deadline=None)
@given(
    rows=st.lists(st.integers(1, 4), min_size=1, max_size=6),
    num=st.integers(1, 3),
    rest=st.lists(st.integers(1, 3), max_size=3),
    dtype=st.sampled_from(("float32", "int64", "bool", "float16")),
)
def test_put_together_and_taken_apart(
    rows: list[int], num: int, rest: list[int], dtype: str
) -> None:
    """Each gets its own rows back, bit by bit; pieces that lie in order are not copied."""
    rng = np.random.default_rng(0)
    own = [(rng.standard_normal((each * num, *rest)) * 9).astype(dtype) for each in rows]
    merged = joined(own)
    pieces = parted(merged, rows)
    assert all(np.array_equal(one, other) for one, other in zip(pieces, own, strict=True))
    assert np.shares_memory(joined(pieces), merged)
    np.testing.assert_array_equal(joined(pieces[::-1]), np.concatenate(own[::-1]))
    np.testing.assert_array_equal(joined(pieces[1:] or pieces), np.concatenate(own[1:] or own))


def test_what_cannot_be_shared_out_is_an_error() -> None:
    """An array of other rows than the requests have is nobody's."""
    for wrong in (np.zeros((4, 2)), np.zeros(())):
        with pytest.raises(ValueError, match="came out as"):
            parted(wrong, [1, 2])
