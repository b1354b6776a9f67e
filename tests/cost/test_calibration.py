from dataclasses import replace

import pytest

from cutpoint.cost.calibration import CalibratedRow, CalibratedValue, Calibration
from cutpoint.cost.tolerance import tolerance_named
from cutpoint.records import RAW

ERRORS = {"top1": (0.0, 0.0, 0.0, 1.0), "l2": (0.01, 0.02, 0.03, 0.04)}

CALIBRATION = Calibration(
    format_version=1,
    model_sha256="ab" * 32,
    model_name="model",
    num_feeds=4,
    values=(CalibratedValue("v", "uint8", 48.0, 13.0), CalibratedValue("v", "zstd", 48.0, 40.0)),
    rows=(
        CalibratedRow("at_v", ("v",), "uint8", errors=ERRORS),
        CalibratedRow("at_v", ("v",), "zstd", is_lossless=True),
    ),
)


@pytest.mark.parametrize(
    ("tolerance", "is_struck"),
    [("l2:0.04", False), ("l2:0.03", True), ("top1:0.75", False), ("top1:0.76", True)],
)
def test_what_breaks_the_tolerance_is_struck(tolerance: str, is_struck: bool) -> None:
    """Each tolerance looks at the errors in its own measure."""
    judge = tolerance_named(tolerance)
    assert CALIBRATION.is_struck("at_v", "uint8", judge) is is_struck


def test_what_is_not_known_is_struck() -> None:
    """Another cut, another codec, a measure nobody took, or no tolerance at all."""
    judge = tolerance_named("l2:1")
    assert CALIBRATION.is_struck("elsewhere", "uint8", judge)
    assert CALIBRATION.is_struck("at_v", "float16", judge)
    assert CALIBRATION.is_struck("at_v", "uint8", None)
    assert CALIBRATION.is_struck("at_v", "uint8", tolerance_named("operator:eq"))
    assert CALIBRATION.error("at_v", "uint8", tolerance_named("operator:eq")) is None
    assert CALIBRATION.error("elsewhere", "uint8", judge) is None


def test_what_loses_nothing_is_never_struck() -> None:
    """Raw, and codecs that give every bit back: whatever is tolerated."""
    for codec in ("zstd", RAW):
        assert not CALIBRATION.is_struck("at_v", codec, None)
        assert CALIBRATION.error("at_v", codec, None) == 0.0
    assert not CALIBRATION.is_struck("elsewhere", RAW, None)


def test_an_error_is_in_the_measure_of_the_tolerance() -> None:
    """Mean disagreement for classes, what nearly all keep for distances."""
    assert CALIBRATION.error("at_v", "uint8", tolerance_named("top1:0.9")) == 0.25
    assert CALIBRATION.error("at_v", "uint8", tolerance_named("l2:0.9")) == 0.04
    assert CALIBRATION.codecs == ("uint8", "zstd")


def test_bytes_are_scaled_to_the_sizes_of_a_graph(graph_of) -> None:
    """The ratio is what is kept at other sizes; values the graph has not are left out."""
    text = "(float[n,3] x) => (float[n,3] y) { v = Relu (x) y = Tanh (v) }"
    at_four, at_eight = graph_of(text, n=4), graph_of(text, n=8)
    assert CALIBRATION.sent_bytes("uint8", at_four) == {"v": 13.0}
    assert CALIBRATION.sent_bytes("uint8", at_eight) == {"v": 26.0}
    assert CALIBRATION.sent_bytes("float16", at_four) == {}
    other = replace(CALIBRATION, values=(CalibratedValue("w", "uint8", 48.0, 13.0),))
    assert other.sent_bytes("uint8", at_four) == {}
