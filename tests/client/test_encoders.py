"""What encodes a value: by name, with the range that calibration has fixed."""

import numpy as np
import pytest

from cutpoint.client.encoders import Encoders
from cutpoint.exceptions import CodecError
from cutpoint.records import RAW
from cutpoint.wire.codecs import codec_named

VALUE = np.linspace(-4, 4, 64, dtype=np.float32)


def _decoded(encoded):
    encoded.make_all()
    raw, _ = encoded.read((0, 0), encoded.made_bytes)
    return codec_named(encoded.codec).decode(encoded.spec, raw)


def test_a_value_is_encoded_by_the_codec_of_that_name() -> None:
    """Raw is as it is, and needs nothing to be made."""
    encoders = Encoders()
    assert encoders.encoded("x", VALUE, RAW).is_done
    encoded = encoders.encoded("x", VALUE, "float16")
    assert (encoded.codec, encoded.spec.name, encoded.is_done) == ("float16", "x", False)
    np.testing.assert_array_equal(_decoded(encoded), VALUE.astype(np.float16))


def test_a_fixed_range_is_of_one_value_and_one_codec() -> None:
    """Another value, or another codec, has each array's own range."""
    encoders = Encoders({("x", "uint8"): (0.0, 1.0)})
    assert _decoded(encoders.encoded("x", VALUE, "uint8")).max() == pytest.approx(1.0, abs=0.01)
    assert _decoded(encoders.encoded("y", VALUE, "uint8")).max() == pytest.approx(4.0, abs=0.05)
    assert _decoded(encoders.encoded("x", VALUE, "uint16")).max() == pytest.approx(4.0, abs=0.05)


@pytest.mark.parametrize(
    ("codec", "array", "words"),
    [
        ("mp3", VALUE, "no codec 'mp3'"),
        ("png", VALUE, r"'png' does not take value 'x' float32\[64\]"),
        ("uint8", np.arange(4), "'uint8' does not take value 'x' int64"),
    ],
)
def test_what_cannot_be_encoded_is_said_by_name(codec: str, array, words: str) -> None:
    """A codec that is none, and one that does not fit."""
    with pytest.raises(CodecError, match=words):
        Encoders().encoded("x", array, codec)


def test_a_range_of_a_codec_that_has_none_is_refused() -> None:
    """It would be passed over in silence."""
    with pytest.raises(CodecError, match="'float16' has no range to fix"):
        Encoders({("x", "float16"): (0.0, 1.0)}).encoded("x", VALUE, "float16")
