"""The libraries that codecs are compared with."""

import numpy as np
import pytest
from numpy.typing import NDArray

from cutpoint.lab.codec_libraries import library_calls
from cutpoint.lab.photos import photos

_MAP = np.random.default_rng(0).standard_normal((1, 16, 12, 12), dtype=np.float32)
_PICTURE = photos(1, 32, 32)
_TOKENS = np.random.default_rng(0).integers(5, 30_000, (1, 50))


@pytest.mark.parametrize(
    ("codec", "array", "most_error"),
    [
        ("float16", _MAP, 2e-3),
        ("zstd", _MAP, 0.0),
        ("uint8", _MAP, 0.04),
        ("uint8-channel", _MAP, 0.04),
        ("uint8+zstd", _MAP, 0.04),
        ("uint8-channel+zstd", _MAP, 0.04),
        ("uint4+zstd", _MAP, 0.6),
        ("uint16", _MAP, 2e-4),
        ("narrow", _TOKENS, 0.0),
        ("png", _PICTURE, 0.0),
        ("jpeg:95", _PICTURE, 80.0),
        ("webp:95", _PICTURE, 80.0),
    ],
)
def test_a_library_does_what_the_codec_does(
    codec: str, array: NDArray[np.generic], most_error: float
) -> None:
    """Each way to call it gives the array back, but for what the codec loses."""
    ways = list(library_calls(codec, array))
    assert ways
    for way in ways:
        again = np.asarray(way.decode(way.encode())).reshape(array.shape)
        lost = again.astype(np.float64) - array.astype(np.float64)
        assert np.abs(lost).max() <= most_error, way.library


def test_raw_bytes_stand_on_no_library() -> None:
    """Nothing is done to them."""
    assert list(library_calls("raw", _MAP)) == []


def test_what_two_libraries_can_do_is_asked_of_both() -> None:
    """The faster of them is the measure."""
    for codec in ("float16", "uint8"):
        assert [way.library for way in library_calls(codec, _MAP)] == ["NumPy", "ONNX Runtime"]
