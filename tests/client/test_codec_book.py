from collections.abc import Callable
from dataclasses import replace

import pytest

from cutpoint.client.codec_book import CodecBook
from cutpoint.client.codec_choice import CodecChoice
from cutpoint.client.codec_survey import CodecSurvey
from cutpoint.cost import CodecSpeed
from cutpoint.cost.calibration import CalibratedRow, CalibratedValue, Calibration
from cutpoint.cost.tolerance import tolerance_named
from cutpoint.graph import Graph
from cutpoint.records import RAW
from cutpoint.wire.codecs import codec_named

NAMES = ("float16", "uint8", "zstd", "uint8+zstd", "uint4+zstd")
LOSSES = {"float16": 1e-4, "uint8": 0.004, "uint8+zstd": 0.004, "uint4+zstd": 0.08}


def row(cut: str, codec: str, error: float) -> CalibratedRow:
    """Give a row of ten feeds that are all as far off."""
    errors = {"l2": (error,) * 10, "top1": (0.0,) * 10}
    return CalibratedRow(cut, (cut,), codec, is_lossless=codec == "zstd", errors=errors)


CALIBRATION = Calibration(
    format_version=1,
    model_sha256="ab" * 32,
    model_name="model",
    num_feeds=10,
    values=(CalibratedValue("v", "uint8", 48, 20), CalibratedValue("v", "zstd", 48, 30)),
    rows=tuple(
        row(cut, codec, LOSSES.get(codec, 0.0)) for cut in ("here", "there") for codec in NAMES
    ),
)

SURVEY = CodecSurvey(
    speeds={name: CodecSpeed(1e-6) for name in NAMES},
    ratios={"zstd": {"v": 0.9, "x": 0.5}},
    calibration=CALIBRATION,
)


def book_of(tolerance: str | None = "l2:0.01", survey: CodecSurvey = SURVEY) -> CodecBook:
    """Give a book of all codecs."""
    choice = CodecChoice(
        tuple(map(codec_named, NAMES)), None if tolerance is None else tolerance_named(tolerance)
    )
    return CodecBook(choice, survey)


@pytest.fixture
def graph(graph_of: Callable[..., Graph]) -> Graph:
    """Give a model of two values of 48 bytes."""
    return graph_of("(float[4,3] x) => (float[4,3] y) { v = Relu (x) y = Tanh (v) }")


def test_codings_are_of_codecs_that_both_hosts_have(graph: Graph) -> None:
    """With bytes as calibrated, or else as seen of one feed; none without a server."""
    book = book_of()
    codings = {each.name: each for each in book.codings(graph, {}, {"uint8", "zstd", "other"})}
    assert list(codings) == ["uint8", "zstd"]
    assert codings["uint8"].sent_bytes == {"v": 20.0}
    assert codings["zstd"].sent_bytes == {"v": 30.0, "x": 24.0}
    assert codings["zstd"].encode_s == {"v": 1e-6, "x": 1e-6}
    assert book.codings(graph, {}, ()) == ()


def test_the_servers_speed_is_taken_where_it_tells_it(graph: Graph) -> None:
    """Else what encoding takes here stands for it; never less than nothing."""
    speeds = {"uint8": CodecSpeed(5e-6), "zstd": CodecSpeed(-1.0)}
    found = {each.name: each for each in book_of().codings(graph, speeds, NAMES)}
    assert found["uint8"].decode_s == {"v": 5e-6}
    assert found["zstd"].decode_s == {"v": 0.0, "x": 0.0}
    (alone,) = book_of().codings(graph, {}, {"uint8"})
    assert alone.decode_s == alone.encode_s


def test_one_quality_stands_for_another(graph: Graph) -> None:
    """A server that decodes JPEG decodes it at any quality, and tells the speed of one."""
    survey = CodecSurvey(
        speeds={"jpeg:75": CodecSpeed(1e-6)},
        calibration=replace(CALIBRATION, values=(CalibratedValue("v", "jpeg:75", 48, 20),)),
    )
    book = CodecBook(CodecChoice((codec_named("jpeg:75"),), tolerance_named("l2:1")), survey)
    (found,) = book.codings(graph, {"jpeg:90": CodecSpeed(3e-6)}, {"jpeg", "png"})
    assert (found.name, found.decode_s) == ("jpeg:75", {"v": 3e-6})


def test_what_breaks_the_tolerance_is_struck() -> None:
    """Half bytes here; everything where nothing was calibrated, but what loses nothing."""
    book = book_of()
    assert [name for name in NAMES if book.is_struck("here", name)] == ["uint4+zstd"]
    assert [name for name in NAMES if not book.is_struck("elsewhere", name)] == ["zstd"]
    assert not book.is_struck("elsewhere", RAW)
    assert book.is_struck("here", "uint16")  # not this session's


def test_without_a_tolerance_only_exact_codecs_are_left() -> None:
    """Whatever was calibrated."""
    assert [name for name in NAMES if not book_of(None).is_struck("here", name)] == ["zstd"]


def test_a_file_cannot_make_a_codec_lossless() -> None:
    """What a codec does is known from the codec."""
    rows = (replace(row("here", "uint8", 1.0), is_lossless=True),)
    survey = replace(SURVEY, calibration=replace(CALIBRATION, rows=rows))
    for tolerance in (None, "l2:0.01"):
        assert book_of(tolerance, survey).is_struck("here", "uint8")
    assert book_of(None, survey).is_lossy("uint8")


def test_a_withdrawn_codec_takes_coarser_ones_with_it() -> None:
    """At the same cut, those that lost as much when calibrated; elsewhere and finer ones stay."""
    book = book_of("l2:1")
    assert book.withdraw("here", "uint8") == ("uint8", "uint8+zstd", "uint4+zstd")
    assert [name for name in NAMES if book.is_struck("here", name)] == [
        "uint8", "uint8+zstd", "uint4+zstd",
    ]  # fmt: skip
    assert not [name for name in NAMES if book.is_struck("there", name)]
    assert book.withdraw("here", "uint8") == ()
    assert book.withdraw("here", "float16") == ("float16",)


def test_what_was_struck_before_is_not_withdrawn() -> None:
    """It was never used: nobody needs to be told."""
    assert book_of("l2:0.01").withdraw("here", "uint8+zstd") == ("uint8+zstd", "uint8")


def test_the_error_of_a_record() -> None:
    """Nothing sent has none, what loses nothing 0, the rest as calibrated, if it was."""
    book = book_of()
    assert book.calibrated_error("here", ()) is None
    assert book.calibrated_error("here", (RAW, "zstd")) == 0.0
    assert book.calibrated_error("here", (RAW, "uint8")) == 0.004
    assert book.calibrated_error("elsewhere", ("uint8",)) is None
    assert book_of(None, CodecSurvey()).calibrated_error("here", ("uint8",)) is None
