"""Half precision: NumPy's rounding, and a limit that is refused rather than crossed."""

import numpy as np
import pytest
from numpy.typing import NDArray

from cutpoint.exceptions import CodecError
from cutpoint.wire.codecs.float16 import Float16
from cutpoint.wire.tensors import TensorSpec


class _Halver:
    """A quantiser that is always faster, and counts how often it was asked."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def codes(self, numbers: NDArray[np.float32]) -> None:
        """Give nothing."""

    def numbers(self, codes: NDArray[np.uint8], step: float, zero: int) -> None:
        """Give nothing."""

    def halves(self, numbers: NDArray[np.float32]) -> NDArray[np.float16]:
        """Give NumPy's halves."""
        self.asked.append(numbers.size)
        with np.errstate(all="ignore"):
            return numbers.astype(np.float16)

    def wholes(self, halves: NDArray[np.float16]) -> NDArray[np.float32]:
        """Give NumPy's numbers."""
        self.asked.append(-halves.size)
        return halves.astype(np.float32)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_numbers_are_rounded_as_numpy_rounds(dtype: str) -> None:
    """Two bytes each, in row order, the nearest there are."""
    array = np.random.default_rng(0).standard_normal((7, 9)).astype(dtype)
    raw = b"".join(Float16().blocks(array))
    assert raw == array.astype(np.float16).tobytes()
    decoded = Float16().decode(TensorSpec.of("x", array), raw)
    np.testing.assert_array_equal(decoded, array.astype(np.float16).astype(dtype))


@pytest.mark.parametrize("codec", [Float16(), Float16(_Halver())], ids=["alone", "helped"])
@pytest.mark.parametrize("beyond", [65536.0, -70000.0, 3e38])
def test_a_number_beyond_the_range_is_refused_and_an_infinity_is_not(
    codec: Float16, beyond: float
) -> None:
    """What would become infinite is no half; what is infinite or none already is one."""
    array = np.array([1.0, beyond, np.inf, -np.inf, np.nan], "float32")
    with pytest.raises(CodecError, match="65504"):
        next(codec.blocks(array))
    array[1] = 65504
    decoded = codec.decode(TensorSpec.of("x", array), b"".join(codec.blocks(array)))
    np.testing.assert_array_equal(decoded, array)


def test_a_quantiser_is_asked_once_and_for_float32_alone() -> None:
    """One call for all elements, there and back; other types NumPy converts."""
    halver = _Halver()
    codec = Float16(halver)
    array = np.ones((400, 400), "float32")
    codec.decode(TensorSpec.of("x", array), b"".join(codec.blocks(array)))
    assert halver.asked == [160000, -160000]
    wide = array.astype("float64")
    codec.decode(TensorSpec.of("x", wide), b"".join(codec.blocks(wide)))
    assert halver.asked == [160000, -160000]


def test_bytes_at_an_odd_address_are_decoded() -> None:
    """A payload may begin anywhere in a message."""
    halver = _Halver()
    raw = b"x" + np.arange(5, dtype=np.float16).tobytes()
    decoded = Float16(halver).decode(TensorSpec("x", "float32", (5,)), memoryview(raw)[1:])
    np.testing.assert_array_equal(decoded, np.arange(5))


def test_the_bound_holds_near_zero() -> None:
    """Where numbers are smaller than the smallest half, the bound is half of that."""
    array = np.array([2.9e-8, -1e-30], "float32")
    decoded = Float16().decode(TensorSpec.of("x", array), b"".join(Float16().blocks(array)))
    assert np.abs(decoded - array).max() <= Float16().most_error(array) <= 2.0**-25
