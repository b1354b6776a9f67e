"""Encoded bytes as typed tensors: what DequantizeLinear and Cast make of them is the codec's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from cutpoint.exceptions import CodecError, LocalProtocolError
from cutpoint.graph.typed_value import TYPED_CODECS, is_encoded, typed_tensors
from cutpoint.wire.chunks import Chunk, Chunker
from cutpoint.wire.codecs import available_codecs, codec_named
from cutpoint.wire.encoded import Encoded
from cutpoint.wire.tensors import TensorSpec
from cutpoint.wire.typed_tensors import typed_of

FLOATS = ("float16", "bfloat16", "float32", "float64")

numbers = st.sampled_from((np.float32, np.float64, np.float16)).flatmap(
    lambda dtype: arrays.arrays(
        dtype,
        arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
        elements=st.floats(-20000, 20000, width=16),
    )
)


def whole(array: np.ndarray, codec: str) -> Chunk:
    """Give the one chunk of an encoded array."""
    (chunk,) = Chunker((Encoded.by(codec_named(codec), "v", array).make_all(),)).all(1 << 62)
    return chunk


@given(array=numbers)
def test_a_standard_tail_decodes_what_the_codec_decodes(array: np.ndarray) -> None:
    """(codes - zero point) * scale, and halves, are the codec's own numbers but for rounding."""
    for codec in TYPED_CODECS:
        if not is_encoded(str(array.dtype), codec):
            continue
        chunk = whole(array, codec)
        wanted = codec_named(codec).decode(chunk.spec, chunk.payload)
        tensors = [
            np.frombuffer(raw, spec.dtype).reshape(spec.shape) for spec, raw in typed_of(chunk)
        ]
        found = tensors[0].astype(np.float32)
        if codec == "uint8":
            codes, scale, zero_point = tensors
            assert (scale.shape, zero_point.shape) == ((1,), (1,))
            found = (codes.astype(np.float32) - np.float32(zero_point[0])) * scale[0]
        assert found.shape == array.shape
        reach = np.abs(array.astype(np.float64)).max(initial=0.0)
        rounding = np.finfo(array.dtype).eps if array.dtype == np.float16 else 1e-6
        found, wanted = (each.astype(np.float64) for each in (found, wanted))
        np.testing.assert_allclose(found, wanted, rtol=rounding, atol=2 * rounding * reach)


def test_a_fixed_range_keeps_its_zero() -> None:
    """What is calibrated travels as what is not: zero has a code of its own."""
    array = np.array([-9.0, -1.0, 0.0, 2.5], np.float32)
    codec = codec_named("uint8").with_range(-1.0, 3.0)
    (chunk,) = Chunker((Encoded.by(codec, "v", array).make_all(),)).all(1 << 62)
    codes, scale, zero_point = (np.frombuffer(raw, s.dtype) for s, raw in typed_of(chunk))
    assert codes[2] == zero_point
    step = float(scale[0])
    found = (codes.astype(float) - zero_point) * step
    np.testing.assert_allclose(found, [-1.0, -1.0, 0.0, 2.5], atol=step / 2 * (1 + 1e-5))


def test_what_travels_raw_stays_one_tensor() -> None:
    """Whole numbers beside encoded ones."""
    array = np.arange(6).reshape(2, 3)
    (chunk,) = Chunker((("rows", array),)).all(1 << 62)
    ((spec, raw),) = typed_of(chunk)
    assert spec == TensorSpec("rows", "int64", (2, 3))
    assert bytes(raw) == array.tobytes()


def test_another_codec_has_no_standard_tensors() -> None:
    """It is our bug to ask for them."""
    chunk = Chunk(TensorSpec("v", "float32", (4,)), 0, 1, 0, b"", 0, "zstd")
    with pytest.raises(LocalProtocolError, match="zstd of 'v' is no standard tensor"):
        list(typed_of(chunk))


@pytest.mark.parametrize("most", [1e300, 1e40])
def test_a_step_beyond_float32_is_refused(most: float) -> None:
    """Doubles may need one, or many that lead there: DequantizeLinear would make infinities."""
    array = np.array([0.0, most])
    with pytest.raises(CodecError, match="beyond float32"):
        list(typed_of(whole(array, "uint8")))


@pytest.mark.parametrize("dtype", [*FLOATS, "int64", "uint8", "bool"])
def test_a_split_and_the_codecs_encode_the_same_types(dtype: str) -> None:
    """Else a head would encode what a device sends as it is, or the reverse."""
    spec = TensorSpec("v", dtype, (2, 3))
    assert set(TYPED_CODECS) <= set(available_codecs())
    for codec in TYPED_CODECS:
        assert is_encoded(dtype, codec) == codec_named(codec).takes(spec)


def test_names_begin_with_the_value() -> None:
    """They are what `cutpoint split` writes into the files."""
    assert [each.name for each in typed_tensors("a/b", "float16")] == ["a/b.float16"]
    names = [each.name for each in typed_tensors("a/b", "uint8")]
    assert names == ["a/b.uint8", "a/b.uint8.scale", "a/b.uint8.zero_point"]
