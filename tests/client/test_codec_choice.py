import sys

import numpy as np
import pytest

from cutpoint.client.codec_choice import codec_choice, installed_codecs
from cutpoint.cost.tolerance import tolerance_named
from cutpoint.exceptions import CodecError, ConfigurationError, ToleranceError

FEEDS = ({"x": np.zeros(3)},)


def names(**given: object) -> tuple[str, ...]:
    """Give the codecs that are chosen."""
    return tuple(codec.name for codec in codec_choice(**given).codecs)  # type: ignore[arg-type]


def test_by_default_nothing_is_lost() -> None:
    """Every codec that gives all bits back, and none that does not."""
    choice = codec_choice()
    assert choice.codecs
    assert all(codec.is_lossless for codec in choice.codecs)
    assert choice.lossy == ()
    assert choice.tolerance is None


def test_with_a_tolerance_every_codec_may_be_used() -> None:
    """Those that lose something among them, and never raw, which always may be."""
    found = names(tolerance="l2:0.01", calibrate=FEEDS)
    assert {"float16", "uint8", "uint8+zstd", "zstd"} <= set(found)
    assert "raw" not in found
    assert len(set(found)) == len(found)


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("raw", ()),
        ("zstd", ("zstd",)),
        (" zstd , raw,zstd", ("zstd",)),
        (("float16", "zstd"), ("float16", "zstd")),
    ],
)
def test_named_codecs_are_those_and_no_others(given: object, found: tuple[str, ...]) -> None:
    """In a sequence or joined by commas; raw alone is no codec at all."""
    assert names(codecs=given, tolerance="l2:1", calibrate=FEEDS) == found


def test_codecs_that_lose_nothing_need_no_calibration() -> None:
    """A tolerance with nothing that could break it."""
    assert names(codecs="zstd", tolerance="l2:0.1") == ("zstd",)


@pytest.mark.parametrize(
    ("given", "error", "named"),
    [
        ({"codecs": "uint7"}, CodecError, "'uint7'"),
        ({"codecs": ""}, CodecError, "names no codec"),
        ({"codecs": 5}, CodecError, "5 names no codec"),
        ({"codecs": ["zstd", 5]}, CodecError, "names no codec"),
        ({"codecs": ["zstd", ""]}, CodecError, "names no codec"),
        ({"codecs": "uint8"}, CodecError, "'uint8' changes values.*tolerance"),
        ({"tolerance": "uint8"}, ToleranceError, "is no tolerance"),
        ({"tolerance": 0.1}, ToleranceError, "0.1 is none"),
        ({"tolerance": "l2:0.1"}, ToleranceError, "l2:0.1 needs inputs.*calibrate="),
        ({"check_rate": -0.1}, ConfigurationError, "check_rate"),
        ({"check_rate": 1.1}, ConfigurationError, "check_rate"),
        ({"check_rate": float("nan")}, ConfigurationError, "check_rate"),
        (
            {"tolerance": "l2:1", "calibrate": FEEDS, "calibration": "c.json"},
            ConfigurationError,
            "both",
        ),
    ],
)
def test_what_does_not_go_together_is_refused(
    given: dict, error: type[Exception], named: str
) -> None:
    """With an error that says what is missing."""
    with pytest.raises(error, match=named):
        codec_choice(**given)


def test_a_tolerance_is_a_text_a_function_or_itself() -> None:
    """All of them end as the same type."""
    tolerance = tolerance_named("l2:0.5")
    assert codec_choice(tolerance=tolerance, calibrate=FEEDS).tolerance is tolerance
    made = codec_choice(tolerance=lambda exact, got: 0.0, calibrate=FEEDS).tolerance
    assert made is not None
    assert made.most_error == 1.0


def test_what_is_not_installed_is_not_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    """By default it is left out."""
    monkeypatch.setitem(sys.modules, "zstandard", None)
    assert not [codec for codec in installed_codecs(are_lossy=True) if "zstd" in codec.name]
