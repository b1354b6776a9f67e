import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import pytest

from cutpoint.cost.calibration import Calibration
from cutpoint.cost.tolerance import tolerance_named, tolerance_of
from cutpoint.exceptions import CodecError, FeedError, ToleranceError
from cutpoint.execution import ModelFile, Segments, load_graph
from cutpoint.graph import SERVER_ONLY, Arrays, Cut, Graph, cut_at
from cutpoint.profiling.calibrate import calibrate
from cutpoint.wire.codecs import codec_named
from cutpoint.wire.tensors import TensorSpec

CODECS = tuple(map(codec_named, ("float16", "uint8", "zstd", "uint8+zstd", "uint4+zstd")))


@pytest.fixture(scope="module")
def segments(graph: Graph, cuts: tuple[Cut, ...]) -> Segments:
    """Give the chain, cut at two places."""
    return Segments(graph, (cuts[0], cuts[-1]))


@pytest.fixture(scope="module")
def feeds() -> list[Arrays]:
    """Give three images."""
    rng = np.random.default_rng(3)
    return [{"image": rng.standard_normal((1, 3, 128, 128), np.float32)} for _ in range(3)]


@pytest.fixture(scope="module")
def calibration(segments: Segments, feeds: list[Arrays]) -> Calibration:
    """Calibrate once for the tests that look at it."""
    return calibrate(segments, CODECS, feeds)


def errors_of(calibration: Calibration, cut: str, codec: str, measure: str) -> tuple[float, ...]:
    """Give the errors of one row."""
    row = calibration.row(cut, codec)
    assert row is not None
    return row.errors[measure]


def test_every_cut_and_codec_is_tried(calibration: Calibration, segments: Segments) -> None:
    """The inputs are a cut too; codecs that lose nothing have no errors, the others one a feed."""
    ids = [SERVER_ONLY, *(cut.id for cut in segments.cuts)]
    wanted = [(cut, codec.name) for cut in ids for codec in CODECS]
    assert [(row.cut, row.codec) for row in calibration.rows] == wanted
    for row in calibration.rows:
        assert row.is_lossless == (row.codec == "zstd")
        assert set(row.errors) == (set() if row.is_lossless else {"top1", "l2"})
        assert all(len(each) == 3 for each in row.errors.values())


def test_what_arrived_is_held_for_one_cut_at_a_time(
    model_of: Callable[..., onnx.ModelProto], tmp_path: Path
) -> None:
    """However many cuts there are: a device has no memory for all of them under every codec."""
    names = ["x", *(f"v{number}" for number in range(15)), "z"]
    operators = ["Tanh", "Exp", "Sin", "Atan"] * 4
    pairs = zip(names[1:], operators, names, strict=False)
    nodes = " ".join(f"{made} = {operator} ({given})" for made, operator, given in pairs)
    text = f"(float[1,128,512] x) => (float[1,512] y) {{ {nodes} y = ReduceMean <axes=[1]> (z) }}"
    path = tmp_path / "chain.onnx"
    path.write_bytes(model_of(text).SerializeToString())
    graph = load_graph(ModelFile.open(path))
    held = Segments(graph, [cut_at(graph, [name]) for name in names[1:-1]])
    feed = {"x": np.random.default_rng(0).random((1, 128, 512), np.float32)}
    tracemalloc.start()
    try:
        found = calibrate(held, CODECS, [feed])
        _, most_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(found.rows) == 16 * len(CODECS)
    assert most_bytes < 16 * feed["x"].nbytes


def test_errors_are_those_of_the_model_run_on_what_arrives(
    calibration: Calibration, segments: Segments, feeds: list[Arrays]
) -> None:
    """Encoding one value by hand and running the tail on it gives the very error."""
    cut, codec = segments.cuts[-1], codec_named("uint8")
    (name,) = cut.crossing
    for i, feed in enumerate(feeds):
        exact = segments.run(segments.segments, feed).values
        raw = b"".join(codec.blocks(exact[name]))
        arrived = {name: codec.decode(TensorSpec.of(name, exact[name]), raw)}
        got = segments.run(segments.tail_of(cut), arrived).values["classes"]
        error = np.linalg.norm(got - exact["classes"]) / np.linalg.norm(exact["classes"])
        assert error > 0
        found = errors_of(calibration, cut.id, "uint8", "l2")[i]
        assert found == pytest.approx(error, rel=1e-3)


def test_coarser_codecs_lose_more(calibration: Calibration, segments: Segments) -> None:
    """Half precision less than bytes, bytes less than half bytes; entropy coding nothing more."""
    for cut in (SERVER_ONLY, *(cut.id for cut in segments.cuts)):
        means = [
            np.mean(errors_of(calibration, cut, codec, "l2"))
            for codec in ("float16", "uint8", "uint4+zstd")
        ]
        assert 0 < means[0] < means[1] < means[2]
        zipped = errors_of(calibration, cut, "uint8+zstd", "l2")
        assert zipped == errors_of(calibration, cut, "uint8", "l2")


def test_sizes_are_means_of_what_was_encoded(
    calibration: Calibration, segments: Segments, feeds: list[Arrays]
) -> None:
    """Of every crossing value under every codec."""
    found = {(each.value, each.codec): each for each in calibration.values}
    assert len(found) == 3 * len(CODECS)
    image = found["image", "zstd"]
    assert image.raw_bytes == feeds[0]["image"].nbytes
    sent = [sum(map(len, codec_named("zstd").blocks(feed["image"]))) for feed in feeds]
    assert image.sent_bytes == pytest.approx(np.mean(sent))
    assert found["image", "float16"].sent_bytes == image.raw_bytes / 2


def test_a_measure_of_the_callers_is_taken_too(segments: Segments, feeds: list[Arrays]) -> None:
    """Beside the two; it is asked to be 0 for equal outputs first."""

    def largest(exact: Arrays, got: Arrays) -> float:
        return float(np.max(np.abs(exact["classes"] - got["classes"])))

    tolerance = tolerance_of(largest)
    found = calibrate(segments, CODECS[:2], feeds, tolerance=tolerance)
    for row in found.rows:
        assert set(row.errors) == {"top1", "l2", tolerance.name}
        assert min(row.errors[tolerance.name]) > 0


def test_a_function_that_fails_now_and_then_strikes_codecs(
    segments: Segments, feeds: list[Arrays]
) -> None:
    """What it cannot judge has an error as good as infinite, and calibrating goes on."""

    def fussy(exact: Arrays, got: Arrays) -> float:
        if not np.array_equal(exact["classes"], got["classes"]):
            raise RuntimeError("what is this")
        return 0.0

    tolerance = tolerance_of(fussy)
    found = calibrate(segments, CODECS[:1], feeds, tolerance=tolerance)
    assert all(found.is_struck(row.cut, row.codec, tolerance) for row in found.rows)


def test_a_tolerance_that_cannot_judge_the_outputs_is_refused(
    segments: Segments, feeds: list[Arrays]
) -> None:
    """Before anything else is computed."""
    with pytest.raises(ToleranceError, match="fails on outputs that are equal"):
        calibrate(segments, CODECS, feeds, tolerance=tolerance_of(lambda exact, got: 1 / 0))


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ([], "nothing to calibrate with"),
        ([{"picture": np.zeros(3)}], "feed 1 to calibrate with.*not inputs"),
        ([{"image": np.zeros((1, 3, 4, 4), np.float32)}], "feed 1 to calibrate with.*shape"),
        ([np.zeros(3)], "feed 1 to calibrate with is ndarray, no dict"),
    ],
)
def test_feeds_that_are_none_are_refused(
    segments: Segments, given: list[Arrays], named: str
) -> None:
    """The error says which."""
    with pytest.raises(FeedError, match=named):
        calibrate(segments, CODECS, given)


def test_fixed_ranges_are_those_of_all_feeds(segments: Segments, feeds: list[Arrays]) -> None:
    """A feed of small numbers is quantised by the range of the others, and loses more."""
    faint = {"image": feeds[0]["image"] * np.float32(0.02)}
    given = [*feeds, faint]
    fixed = calibrate(segments, CODECS[1:2], given, fixes_ranges=True)
    own = calibrate(segments, CODECS[1:2], given)
    assert own.ranges == {}
    low = min(float(feed["image"].min()) for feed in given)
    high = max(float(feed["image"].max()) for feed in given)
    assert fixed.ranges["image"] == (low, high)
    assert set(fixed.ranges) == {name for row in fixed.rows for name in row.crossing}
    of_faint = [errors_of(each, SERVER_ONLY, "uint8", "l2")[-1] for each in (fixed, own)]
    assert of_faint[0] > 10 * of_faint[1]


@dataclass(frozen=True)
class Refusing:
    """A codec that cannot encode what is negative."""

    name = "refusing"
    is_lossless = False

    def takes(self, spec: object) -> bool:
        """Take anything."""
        return True

    def blocks(self, array: np.ndarray):
        """Encode to nothing at all, or refuse."""
        if array.min() < 0:
            raise CodecError("negative")
        yield b""

    def decode(self, spec: object, raw: bytes) -> np.ndarray:
        """Give zeros."""
        return np.zeros(spec.shape, spec.dtype)  # type: ignore[attr-defined]


def test_what_a_codec_cannot_encode_travels_as_it_is(
    segments: Segments, feeds: list[Arrays]
) -> None:
    """As in a session: exact, at its raw size."""
    found = calibrate(segments, (Refusing(),), feeds)  # type: ignore[arg-type]
    assert errors_of(found, SERVER_ONLY, "refusing", "l2") == (0.0, 0.0, 0.0)
    sizes = {each.value: each for each in found.values}
    assert sizes["image"].sent_bytes == sizes["image"].raw_bytes


def test_integers_travel_as_they_are_under_codecs_for_floats(
    model_of: Callable[..., object], tmp_path
) -> None:
    """A cut of both: the float is encoded, the integer crosses; indices of classes can be told."""
    model = model_of("""(float[1,8] x) => (int64[1] y, float[1,8] s) {
        r = Relu (x) k = ArgMax <axis = 1, keepdims = 0> (x)
        s = Sqrt (r) one = Constant <value = int64[1] {1}> () y = Add (k, one)
    }""")
    path = tmp_path / "both.onnx"
    path.write_bytes(model.SerializeToString())  # type: ignore[attr-defined]
    graph = load_graph(ModelFile.open(path))
    segments = Segments(graph, [cut_at(graph, ["r", "k"])])
    feeds = [{"x": np.arange(8, dtype=np.float32)[None]}]
    found = calibrate(segments, [codec_named("uint8")], feeds)
    assert {each.value for each in found.values} == {"x", "r"}
    (row,) = (row for row in found.rows if row.crossing == ("k", "r"))
    assert row.errors["l2"][0] > 0


def test_the_outputs_that_the_head_made_are_judged_too(six_convs, tmp_path) -> None:
    """Behind a cut that an output leaves before, a function is given every output."""
    graph = load_graph(ModelFile.open(six_convs))
    segments = Segments(graph, [cut_at(graph, ["pool3"])])
    seen: list[set[str]] = []

    def all_there(exact: Arrays, got: Arrays) -> float:
        seen.append({*exact} & {*got})
        return 0.0

    feeds = [{"image": np.random.default_rng(0).random((1, 3, 64, 64), np.float32)}]
    calibrate(segments, CODECS[:1], feeds, tolerance=tolerance_of(all_there))
    assert seen
    assert all(names == {"brightest", "classes"} for names in seen)


def test_progress_is_told_feed_by_feed(segments: Segments, feeds: list[Arrays]) -> None:
    """To the end, and twice as many where ranges are looked for."""
    told: list[tuple[int, int]] = []
    calibrate(
        segments, CODECS[:1], feeds, fixes_ranges=True, progress=lambda d, t, _: told.append((d, t))
    )
    assert told == [(i, 6) for i in range(1, 7)]


def test_a_model_without_classes_has_no_agreement(model_of, tmp_path) -> None:
    """Of a model of one score nothing is written that would always agree."""
    model = model_of("(float[1,4] x) => (float[1,1] y) { r = Relu (x) y = ReduceSum (r) }")
    path = tmp_path / "one.onnx"
    path.write_bytes(model.SerializeToString())
    segments = Segments(load_graph(ModelFile.open(path)), ())
    feeds = [{"x": np.ones((1, 4), np.float32)}]
    found = calibrate(segments, CODECS[:1], feeds)
    assert all(set(row.errors) == {"l2"} for row in found.rows)
    with pytest.raises(ToleranceError, match="no classes"):
        calibrate(segments, CODECS[:1], feeds, tolerance=tolerance_named("top1:0.9"))
