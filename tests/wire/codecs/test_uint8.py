"""Bytes of equal steps: what stands on the wire, and what no peer can make of it."""

from math import inf, nan
from struct import Struct

import numpy as np
import pytest
from numpy.typing import NDArray

from cutpoint.exceptions import CodecError, RemoteProtocolError
from cutpoint.wire.codecs.uint8 import Uint8
from cutpoint.wire.tensors import TensorSpec

HEAD = Struct("<ff")


class _Coder:
    """A quantiser that is always faster: what ONNX's DynamicQuantizeLinear does, NaN ignored."""

    def codes(self, numbers: NDArray[np.float32]) -> tuple[NDArray[np.uint8], float, int]:
        """Give codes, step and the code of 0."""
        low, high = min(0.0, np.nanmin(numbers)), max(0.0, np.nanmax(numbers))
        step = float(np.float32((high - low) / 255)) or 1.0
        zero = 0 if step == inf else round(-low / step)
        with np.errstate(all="ignore"):
            codes = np.clip(np.rint(numbers / np.float32(step)) + zero, 0, 255)
            return codes.astype(np.uint8), step, zero

    def numbers(self, codes: NDArray[np.uint8], step: float, zero: int) -> NDArray[np.float32]:
        """Give the numbers that codes stand for."""
        return (codes.astype(np.float32) - np.float32(zero)) * np.float32(step)

    def halves(self, numbers: NDArray[np.float32]) -> None:
        """Give nothing."""

    def wholes(self, halves: NDArray[np.float16]) -> None:
        """Give nothing."""


def encoded(array: NDArray[np.generic], codec: Uint8 | None = None) -> bytes:
    """Give all bytes."""
    return b"".join((codec or Uint8()).blocks(array))


def test_low_and_step_stand_before_the_codes() -> None:
    """Eight bytes, then one for each element; 0 has a code of its own."""
    array = np.array([[-1.0, 0.0, 0.5], [1.0, 2.0, 3.0]], "float32")
    raw = encoded(array)
    low, step = HEAD.unpack(raw[:8])
    assert step == pytest.approx(4 / 255, rel=1e-4)
    assert list(raw[8:]) == [0, 64, 96, 128, 191, 255]
    assert low == np.float32(-64 * np.float32(step))


def test_wide_floats_have_a_wide_head() -> None:
    """The range of float64 is not that of float32."""
    array = np.array([0.0, 1e200, -3e200])
    raw = encoded(array)
    assert len(raw) == 16 + 3
    decoded = Uint8().decode(TensorSpec.of("x", array), raw)
    np.testing.assert_allclose(decoded, array, atol=1e198)


@pytest.mark.parametrize(
    ("low", "step"),
    [
        (nan, 1.0), (0.0, nan), (0.0, inf), (-inf, 1.0), (0.0, 0.0), (0.0, -1.0), (-0.0, -0.0),
        (3.4e38, 1e37), (-3.4e38, 3e36), (0.0, 3e38),
    ],
)  # fmt: skip
def test_a_head_that_leads_to_no_numbers_is_refused(low: float, step: float) -> None:
    """NaN, infinite, nought and negative steps, and those whose last number overflows."""
    with pytest.raises(RemoteProtocolError, match=r"steps of .* are none of float32"):
        Uint8().decode(TensorSpec("x", "float32", (4,)), HEAD.pack(low, step) + bytes(4))


def test_a_head_of_half_precision_stays_within_it() -> None:
    """Steps that are fine for float32 lead beyond float16."""
    with pytest.raises(RemoteProtocolError, match="are none of float16"):
        Uint8().decode(TensorSpec("x", "float16", (4,)), HEAD.pack(0.0, 300.0) + bytes(4))


@pytest.mark.parametrize("extent", [(-3.4e38, 3.4e38), (0.0, 3.4028e38)])
def test_a_range_too_wide_for_the_arithmetic_is_refused(extent: tuple[float, float]) -> None:
    """The last code would stand for infinity."""
    with pytest.raises(CodecError, match="too far apart for float32"):
        next(Uint8().blocks(np.array(extent, "float32")))


def test_what_a_quantiser_makes_is_decoded_by_a_peer_without_one() -> None:
    """Its codes mean the same: each within the stated error, both ways round."""
    array = np.random.default_rng(0).standard_normal((50, 60)).astype("float32") - 0.3
    spec, helped = TensorSpec.of("x", array), Uint8(quantiser=_Coder())
    for raw in (encoded(array), encoded(array, helped)):
        for codec in (Uint8(), helped):
            apart = np.abs(codec.decode(spec, raw) - array).max()
            assert apart <= codec.most_error(array) <= 0.51 * np.ptp(array) / 254.9


@pytest.mark.parametrize("odd", [nan, inf, -inf])
def test_what_a_quantiser_overlooks_is_refused_all_the_same(odd: float) -> None:
    """A minimum may lose NaN: the array itself is looked at, too."""
    array = np.ones(1000, "float32")
    array[[3, 500]] = odd
    with pytest.raises(CodecError, match="raw"):
        next(Uint8(quantiser=_Coder()).blocks(array))


def test_a_calibrated_codec_keeps_its_quantiser_for_decoding_alone() -> None:
    """The fixed range stands, not the one that a quantiser would find."""
    codec = Uint8(quantiser=_Coder()).with_range(0.0, 1.0)
    array = np.array([-5.0, 0.25, 7.0], "float32")
    decoded = codec.decode(TensorSpec.of("x", array), encoded(array, codec))
    np.testing.assert_allclose(np.asarray(decoded, "float32"), [0, 0.25, 1], atol=0.003)


def test_large_arrays_that_a_quantiser_made_leave_head_first() -> None:
    """Nothing is copied to put the head before the codes."""
    array = np.random.default_rng(0).standard_normal(200_000).astype("float32")
    head, codes = Uint8(quantiser=_Coder()).blocks(array)
    assert (len(head), len(codes)) == (8, 200_000)
    assert len(list(Uint8(quantiser=_Coder()).blocks(array[:9]))) == 1
