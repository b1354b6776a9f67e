"""Image files among inputs, and the tables they are planned by."""

import io
from functools import partial

import numpy as np
import pytest
from PIL import Image

from cutpoint.client.decoding import NO_DECODING, Decoding
from cutpoint.client.encoded_inputs import EncodedInputs, FileEncoders, decoded_feed, opened_feed
from cutpoint.client.encoders import Encoders
from cutpoint.client.file_bucket import FileBucket, FileBuckets
from cutpoint.client.file_times import FileTimes
from cutpoint.client.shape_bucket import ShapeBucket
from cutpoint.client.table_rules import TableRules
from cutpoint.cost import CodecSpeed, Coding, CutTable, HostCosts
from cutpoint.exceptions import FeedError
from cutpoint.graph import DEVICE_ONLY, SERVER_ONLY, Cut, Graph, bind, checked_feed, cut_at
from cutpoint.wire.encoded_image import EncodedImage

PICTURE = """(uint8[1,h,w,3] x, float[4] y) => (float[1,h,w,3] z)
{ a = Cast <to = 1> (x)  b = Relu (a)  z = Exp (b) }"""


def image(height: int = 6, width: int = 8, form: str = "png") -> EncodedImage:
    """Give a file of noise."""
    pixels = np.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, form)
    return EncodedImage(file.getvalue())


@pytest.fixture
def graph(graph_of) -> Graph:
    """Give a model that takes a picture and something beside."""
    return graph_of(PICTURE, h=6, w=8)


Y = np.zeros(4, np.float32)


def test_files_are_taken_out_of_a_feed(graph: Graph) -> None:
    """What stands for them has their type and shape, and is checked as any array."""
    feed, inputs = opened_feed(graph, {"x": image(), "y": Y})
    assert inputs is not None
    assert inputs.codecs == {"x": "png"}
    assert (inputs.raw_bytes, inputs.file_bytes) == (6 * 8 * 3, len(image().data))
    assert checked_feed(graph, feed)["x"].shape == (1, 6, 8, 3)
    assert opened_feed(graph, {"y": Y}) == ({"y": Y}, None)
    pixels = decoded_feed(lambda name: graph.values[name].open_shape, {"x": image(), "y": Y})
    np.testing.assert_array_equal(pixels["x"], inputs.decoded()["x"])


def test_a_file_that_is_mostly_no_picture_is_not_passed_on() -> None:
    """A server would refuse it: a camera may note more in it than the picture has bytes."""
    file = io.BytesIO()
    Image.new("RGB", (8, 6)).save(file, "JPEG", icc_profile=bytes(100_000))
    for given, is_taken in ((EncodedImage(file.getvalue()), False), (image(form="jpeg"), True)):
        inputs = EncodedInputs({"x": given}, {"x": (1, 6, 8, 3)})
        assert inputs.are_taken({"jpeg"}.__contains__) == is_taken
        assert not inputs.are_taken({"png"}.__contains__)
        assert inputs.decoded()["x"].shape == (1, 6, 8, 3)


def test_what_takes_no_pictures_says_so(graph: Graph, graph_of) -> None:
    """Floats, blue first, other sizes; a name that is none is the check's to refuse."""
    with pytest.raises(FeedError, match=r"input 'y' takes float32.*cutpoint embed"):
        opened_feed(graph, {"x": image(), "y": image()})
    with pytest.raises(FeedError, match="'q'"):
        checked_feed(graph, opened_feed(graph, {"x": image(), "y": Y, "q": image()})[0])
    graph.source.metadata_props["Image.BitmapPixelFormat"] = "Bgr8"
    with pytest.raises(FeedError, match="takes pictures blue first"):
        opened_feed(graph, {"x": image(), "y": Y})


def test_a_file_is_passed_on_and_all_else_encoded(graph: Graph) -> None:
    """Its bytes are there at once; another codec is made of pixels as ever."""
    _, inputs = opened_feed(graph, {"x": image(), "y": Y})
    assert inputs is not None
    encoders = FileEncoders(inputs, Encoders(slowdown=3.0))
    assert encoders.slowdown == 3.0
    passed = encoders.encoded("x", np.zeros((1, 6, 8, 3), np.uint8), "png")
    assert (passed.codec, passed.is_done) == ("png", True)
    assert bytes(passed.read((0, 0), passed.made_bytes)[0]) == image().data
    made = encoders.encoded("y", np.ones(4, np.float32), "float16").make_all()
    assert made.made_bytes == 8


@pytest.fixture
def cut(graph: Graph) -> Cut:
    """Give the cut in its middle."""
    return cut_at(graph, ["a"])


def costs(cut: Cut, whole_s: float) -> HostCosts:
    """Give what a host measured."""
    head_s = {DEVICE_ONLY: whole_s, SERVER_ONLY: 0.0, cut.id: whole_s / 2}
    tail_s = {DEVICE_ONLY: 0.0, SERVER_ONLY: whole_s, cut.id: whole_s / 2}
    return HostCosts(whole_s, head_s, tail_s, frozenset(head_s), {"h": 6, "w": 8})


@pytest.fixture
def plain(graph: Graph, cut: Cut) -> ShapeBucket:
    """Give the bucket of its sizes, with one codec that takes the picture and one that does not."""
    takes_x = Coding("zstd", {"x": 100.0}, {"x": 0.2}, {"x": 0.2})
    takes_y = Coding("float16", {"y": 8.0}, {"y": 0.001}, {"y": 0.001})
    rules = TableRules(codings=lambda *_: (takes_x, takes_y), keeps_dominated=True)
    return ShapeBucket(
        (), graph, [cut], costs(cut, 1.0), bound_at=partial(bind, graph), rules=rules
    )


def tables(
    graph: Graph, cut: Cut, plain: ShapeBucket, decoding: Decoding
) -> tuple[CutTable, CutTable, FileBucket]:
    """Give the table of arrays, and of a file of 64 bytes that takes 0.5 s to decode."""
    _, inputs = opened_feed(graph, {"x": image(), "y": Y})
    assert inputs is not None
    bucket = FileBucket(plain, inputs, 0.5, 64.0)
    told = costs(cut, 0.1), frozenset({cut.id, SERVER_ONLY})
    return plain.table(*told, "", decoding), bucket.table(*told, "", decoding), bucket


def test_only_what_passes_the_file_on_is_not_decoded(
    graph: Graph, cut: Cut, plain: ShapeBucket
) -> None:
    """It costs its own bytes, decoding there, and decoding here if the device has to finish."""
    decoding = Decoding(frozenset({"png", "zstd", "float16"}), {"png": CodecSpeed(0.25)})
    arrays, files, bucket = tables(graph, cut, plain, decoding)
    rows = [(each.id, codec) for each, codec in zip(files.cuts, files.codecs, strict=True)]
    passing = [rows.index((SERVER_ONLY, "raw")), rows.index((SERVER_ONLY, "float16"))]
    assert passing[0] == 1
    for row in range(len(rows)):
        passes = row in passing
        decoded_s = files.encode_s[row] - arrays.encode_s[row]
        assert decoded_s == pytest.approx(0 if passes else 0.5), rows[row]
        assert files.rest_s[row] - arrays.rest_s[row] == (0.5 if passes else 0)
        assert files.tail_s[row] - arrays.tail_s[row] == pytest.approx(0.25 if passes else 0)
        saved = arrays.up_bytes[row] - files.up_bytes[row]
        assert saved == (6 * 8 * 3 - 64 if passes else 0)
    assert bucket.key != plain.key
    assert bucket.table(None, (), "", decoding) is files


def test_a_server_that_does_not_decode_files_gets_pixels(
    graph: Graph, cut: Cut, plain: ShapeBucket
) -> None:
    """Every row begins with decoding then."""
    arrays, files, _ = tables(graph, cut, plain, NO_DECODING)
    np.testing.assert_array_equal(files.encode_s, arrays.encode_s + 0.5)
    np.testing.assert_array_equal(files.up_bytes, arrays.up_bytes)


def test_files_of_about_one_size_share_a_bucket(plain: ShapeBucket) -> None:
    """So that what was decided a moment ago holds; much larger ones are planned apart."""
    buckets = FileBuckets(FileTimes())

    def bucket_of(padding: int) -> FileBucket:
        each = image()
        each.data += bytes(padding)
        inputs = EncodedInputs({"x": each}, {"x": (1, 6, 8, 3)})
        buckets.times._told_s.setdefault(("png",), 1e-6)
        return buckets.of(plain, inputs)

    assert bucket_of(0) is bucket_of(3)
    assert bucket_of(0) is not bucket_of(1000)
    assert bucket_of(0).slowdown is bucket_of(1000).slowdown


def test_what_decoding_takes_is_learnt() -> None:
    """From the first file on, in proportion to the pixels; tables are not touched by noise."""
    small = EncodedInputs({"x": image()}, {"x": (1, 6, 8, 3)})
    large = EncodedInputs({"x": image(12, 16)}, {"x": (1, 12, 16, 3)})
    times = FileTimes()
    first_s = times.time_s(small)
    assert first_s > 0
    assert times.time_s(large) == pytest.approx(4 * first_s)
    times.observe(small, 1.2 * first_s)
    assert times.time_s(small) == first_s
    for _ in range(50):
        times.observe(small, 3 * first_s)
    assert times.time_s(small) == pytest.approx(3 * first_s, rel=0.1)
