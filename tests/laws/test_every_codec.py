"""Laws of every codec, on arrays of all types, shapes and kinds, and on bytes of all kinds."""

import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from cutpoint.exceptions import CodecError, RemoteProtocolError
from cutpoint.execution.quantiser import RuntimeQuantiser
from cutpoint.wire.codecs import (
    LOSSLESS,
    LOSSY,
    Codec,
    Ranged,
    available_codecs,
    codec_named,
    codecs_for,
    family_of,
)
from cutpoint.wire.tensors import TensorSpec

Array = NDArray[Any]

NAMES = (*LOSSLESS, *LOSSY, "jpeg:1", "jpeg:100", "webp:1", "webp:100")
PICTURES = ("png", "jpeg", "webp")
FLOATS = ("float32", "float64", "float16", "bfloat16")
WHOLE = ("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
OTHERS = ("int4", "uint2", "float8_e4m3fn", "complex64")

MAKERS: dict[str, Callable[[np.random.Generator, tuple[int, ...]], Array]] = {
    "normal": lambda rng, shape: rng.standard_normal(shape),
    "after a ReLU": lambda rng, shape: np.maximum(rng.standard_normal(shape), 0),
    "below zero": lambda rng, shape: -np.abs(rng.standard_normal(shape)) - 3,
    "far from zero": lambda rng, shape: 60000 + rng.random(shape),
    "all equal": lambda rng, shape: np.full(shape, 7.0),
    "all zero": lambda _, shape: np.zeros(shape),
    "tiny": lambda rng, shape: rng.standard_normal(shape) * 1e-41,
    "of all magnitudes": lambda rng, shape: rng.choice([-1, 1], shape) * 10 ** rng.uniform(-45, 4),
    "two values": lambda rng, shape: rng.integers(0, 2, shape) * 1.0,
    "small whole": lambda rng, shape: rng.integers(0, 120, shape) * 1.0,
}
"""Values as they come, and as they should not."""


def _eager() -> RuntimeQuantiser:
    """Give a quantiser that does everything, however small."""
    quantiser = RuntimeQuantiser()
    quantiser.least_sizes = dict.fromkeys(quantiser.least_sizes, 0)
    return quantiser


CODECS = {name: codec_named(name) for name in NAMES}
_QUANTISER = _eager()
BY_RUNTIME = {
    f"{name} by ONNX Runtime": codec_named(name, _QUANTISER)
    for name in ("float16", "uint8", "uint8+zstd")
}

CODECS |= BY_RUNTIME

every_codec = pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)


_SIDES = st.integers(1, 20)
_CHANNELS = st.sampled_from((1, 3))
SHAPES = st.one_of(
    hnp.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=9),
    st.tuples(_SIDES, _SIDES, _CHANNELS),
    st.tuples(_CHANNELS, _SIDES, _SIDES),
    st.tuples(st.just(1), _SIDES, _SIDES, _CHANNELS),
    st.tuples(st.just(1), _CHANNELS, _SIDES, _SIDES),
)
"""Any, and those of pictures."""


def _array(dtype: str, shape: tuple[int, ...], maker: str, seed: int) -> Array:
    made = np.asarray(MAKERS[maker](np.random.default_rng(seed), shape))
    return (made * 120 / 60001 if dtype in WHOLE else made).astype(dtype)


def _types(codec: Codec) -> tuple[str, ...]:
    shape = (1, 5, 4, 3)
    return tuple(t for t in (*FLOATS, *WHOLE) if codec.takes(TensorSpec("x", t, shape)))


@st.composite
def arrays(draw: st.DrawFn) -> Array:
    """Draw an array, not always in one piece of memory."""
    dtype = draw(st.sampled_from((*FLOATS, *WHOLE)))
    maker = draw(st.sampled_from(sorted(MAKERS)))
    array = _array(dtype, draw(SHAPES), maker, draw(st.integers(0, 99)))
    return np.repeat(array, 2, axis=-1)[..., ::2] if array.ndim and draw(st.booleans()) else array


def taking(array: Array) -> dict[str, Codec]:
    """Give the codecs that take an array, by name."""
    spec = spec_of(array)
    return {name: codec for name, codec in CODECS.items() if codec.takes(spec)}


def encoded(codec: Codec, array: Array) -> bytes:
    """Give all that a codec yields."""
    return b"".join(codec.blocks(array))


def spec_of(array: Array) -> TensorSpec:
    """Describe an array."""
    return TensorSpec.of("x", array)


def error_of(array: Array, decoded: Array) -> float:
    """Give the largest absolute error of an element."""
    exact = np.float64 if array.dtype != np.float64 else np.longdouble
    apart = np.abs(decoded.astype(exact) - array.astype(exact))
    return float(apart.max(initial=0))


def decoded_or_refused(codec: Codec, spec: TensorSpec, raw: bytes) -> Array | None:
    """Decode whatever bytes these are: the one error is the protocol's."""
    try:
        decoded = codec.decode(spec, raw)
    except RemoteProtocolError:
        return None
    assert (decoded.shape, str(decoded.dtype)) == (spec.shape, spec.dtype)
    return decoded


def test_all_are_installed_here_and_known_by_their_names() -> None:
    """Where the extra is installed every codec is available, and each knows its name."""
    assert sorted(available_codecs()) == sorted((*LOSSLESS, *LOSSY))
    assert all(codec_named(name).name == name for name in NAMES)
    assert all(codec_named(name).is_lossless for name in LOSSLESS)
    assert not any(codec_named(name).is_lossless for name in LOSSY)


@settings(max_examples=200)
@given(arrays())
def test_what_comes_back_is_within_the_stated_error(array: Array) -> None:
    """Decoding gives type and shape, each element within the bound; no loss where none is said."""
    before = array.tobytes()
    for name, codec in taking(array).items():
        bound = codec.most_error(array)
        decoded = codec.decode(spec_of(array), encoded(codec, array))
        assert (decoded.shape, decoded.dtype) == (array.shape, array.dtype), name
        assert error_of(array, decoded) <= bound, name
        if codec.is_lossless:
            assert bound == 0, name
            assert decoded.tobytes() == before, name
        assert array.tobytes() == before, name


@settings(max_examples=100)
@given(arrays())
def test_what_is_encoded_is_under_the_stated_size(array: Array) -> None:
    """However odd the array: the receiver refuses more before it takes memory for it."""
    for name, codec in taking(array).items():
        raw = encoded(codec, array)
        assert len(raw) <= codec.most_bytes(spec_of(array)), name
        same = np.ascontiguousarray(array).reshape(array.shape)
        assert raw == encoded(codec, same), name


@settings(max_examples=200)
@given(
    hnp.arrays(
        dtype=st.sampled_from((np.float32, np.float64, np.float16)),
        shape=hnp.array_shapes(min_dims=1, max_dims=4, min_side=1, max_side=4),
    )
)
def test_odd_floats_come_back_or_are_refused_before_the_first_piece(array: Array) -> None:
    """Whatever floats there are, NaN, infinities and the largest: all within the bound, or none."""
    is_finite = np.isfinite(array)
    for name, codec in taking(array).items():
        pieces = codec.blocks(array)
        try:
            first = next(pieces)
        except CodecError:
            continue
        decoded = codec.decode(spec_of(array), b"".join((first, *pieces)))
        np.testing.assert_array_equal(decoded[~is_finite], array[~is_finite], name)
        if is_finite.any():
            bound = codec.most_error(array)
            assert error_of(array[is_finite], decoded[is_finite]) <= bound, name


@every_codec
def test_zero_stays_zero(codec: Codec) -> None:
    """What a ReLU made 0 is 0 again where a codec divides a range; of uint16 it is said not to."""
    array = np.maximum(np.random.default_rng(5).standard_normal((1, 4, 16, 16)), 0) - 0.0
    array = array.astype("float32")
    array[0, 1] -= 0.25 * (array[0, 1] > 0)
    if not codec.takes(spec_of(array)) or codec.name == "uint16":
        return
    decoded = codec.decode(spec_of(array), encoded(codec, array))
    assert not decoded[array == 0].any()


@every_codec
def test_small_arrays_leave_in_one_piece_and_large_ones_in_several(codec: Codec) -> None:
    """One piece up to 128 KB of encoded bytes; pictures, raw ones and the runtime's are larger."""
    is_picture = family_of(codec.name) in PICTURES
    dtype = "uint8" if codec.name == "narrow" or is_picture else "float32"
    small = _array(dtype, (1, 3, 40, 50), "small whole", 0)
    assert len(list(codec.blocks(small))) == 1
    empty = np.zeros((2, 0, 3), _types(codec)[0])
    if not is_picture:
        assert len(list(codec.blocks(empty))) == 1
    if is_picture or codec.name == "raw" or codec in BY_RUNTIME.values():
        return
    large = np.random.default_rng(0).standard_normal(1 << 20)
    large = (large * 1e6).astype(np.int64) if dtype == "uint8" else large.astype(dtype)
    pieces = list(codec.blocks(large.reshape(1, 16, 256, 256)))
    assert len(pieces) > 1
    codec.decode(spec_of(large.reshape(1, 16, 256, 256)), b"".join(pieces))


@pytest.mark.parametrize(
    "name", [name for name in NAMES if family_of(name) not in (*PICTURES, "raw")]
)
def test_pieces_leave_before_the_rest_is_encoded(name: str) -> None:
    """What an element is turned into is decided when its piece is made, not at the first one."""
    codec = CODECS[name]
    array = np.random.default_rng(0).integers(-(1 << 40), 1 << 40, (1, 16, 256, 256))
    if codec.name != "narrow":
        array = (array / 2.0**40).astype("float32")
    pieces = codec.blocks(array)
    raw = [bytes(next(pieces))]
    array[0, -1, -1, -1] = changed = array[0, -1, 0, 0]
    raw += map(bytes, pieces)
    decoded = codec.decode(spec_of(array), b"".join(raw))
    assert abs(float(decoded[0, -1, -1, -1]) - float(changed)) <= codec.most_error(array)


@every_codec
def test_no_shortened_or_lengthened_bytes_are_taken(codec: Codec) -> None:
    """One byte more or fewer, wherever it is missing, is a protocol error."""
    dtype, shape = _types(codec)[0], (1, 4, 5, 3)
    for maker in ("small whole", "all equal"):
        array = _array(dtype, shape, maker, 1)
        raw, spec = encoded(codec, array), spec_of(array)
        cuts = range(len(raw)) if len(raw) < 300 else range(0, len(raw), 7)
        wrongs = [*(raw[:end] for end in cuts), raw[1:], raw + b"\0"]
        if family_of(codec.name) != "jpeg":  # what a camera adds may hold a whole picture, too
            wrongs.append(raw + raw)
        for wrong in wrongs:
            with pytest.raises(RemoteProtocolError, match="'x'"):
                codec.decode(spec, wrong)


@settings(max_examples=200)
@given(arrays(), st.integers(0, 1 << 30))
def test_corrupt_bytes_are_a_protocol_error_or_an_array(array: Array, seed: int) -> None:
    """Flipped, replaced, inserted or invented bytes raise nothing else, and warn of nothing."""
    rng = np.random.default_rng(seed)
    for codec in taking(array).values():
        raw = bytearray(encoded(codec, array))
        for _ in range(rng.integers(1, 4)):
            at, count = rng.integers(len(raw) + 1), rng.integers(3)
            raw[at : at + count] = rng.bytes(rng.choice([count, rng.integers(4)]))
        decoded_or_refused(codec, spec_of(array), bytes(raw))
        decoded_or_refused(codec, spec_of(array), rng.bytes(rng.integers(64)))


@settings(max_examples=100)
@given(arrays(), st.sampled_from((*FLOATS, *WHOLE, *OTHERS, "object")), SHAPES)
def test_bytes_of_another_tensor_are_a_protocol_error_or_an_array(
    array: Array, dtype: str, shape: tuple[int, ...]
) -> None:
    """A peer that lies about type or shape gets no other error either."""
    for codec in taking(array).values():
        if codec.name != "raw":
            decoded_or_refused(codec, TensorSpec("x", dtype, shape), encoded(codec, array))


@every_codec
def test_what_a_codec_does_not_take_it_neither_encodes_nor_decodes(codec: Codec) -> None:
    """Types it cannot carry are refused by name: here as its own error, from peers as theirs."""
    for dtype in (*FLOATS, *WHOLE, *OTHERS, "object"):
        array = np.zeros((1, 3, 4, 4), dtype)
        spec = spec_of(array)
        if codec.takes(spec):
            continue
        with pytest.raises(CodecError, match="send it raw"):
            next(codec.blocks(array))
        with pytest.raises(RemoteProtocolError, match="cannot have come as"):
            codec.decode(spec, bytes(48))


@every_codec
def test_a_tensor_of_unknown_size_is_not_decoded(codec: Codec) -> None:
    """A shape that leaves a size open, or any rank, is none that encoded bytes can have."""
    if codec.name == "raw":
        return
    for shape in (None, (-1, 4), (1, 3, -1, 4)):
        with pytest.raises(RemoteProtocolError, match="cannot have come as"):
            codec.decode(TensorSpec("x", _types(codec)[0], shape), bytes(16))


@every_codec
def test_decoding_takes_a_few_times_the_array(codec: Codec) -> None:
    """What decoding takes is bounded by what the tensor says, never by what the bytes say."""
    dtype = "uint8" if family_of(codec.name) in PICTURES else _types(codec)[0]
    array = _array(dtype, (1, 3, 200, 300), "two values", 0)
    raw, spec = encoded(codec, array), spec_of(array)
    codec.decode(spec, raw)
    tracemalloc.start()
    codec.decode(spec, raw)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak <= 3 * array.nbytes + len(raw) + (1 << 19)


@every_codec
def test_a_size_beyond_memory_is_refused(codec: Codec) -> None:
    """A shape that no array can have is a protocol error, whatever few bytes come with it."""
    raw = encoded(codec, _array(_types(codec)[0], (1, 4, 5, 3), "all equal", 0))
    for shape in ((1 << 62, 1, 1), (1 << 20, 1 << 20, 1 << 20, 3)):
        with pytest.raises(RemoteProtocolError):
            codec.decode(TensorSpec("x", _types(codec)[0], shape), raw)


@every_codec
def test_codecs_may_be_used_by_many_threads_and_in_turns(codec: Codec) -> None:
    """The same codec in eight threads, and pieces of several arrays in turns, mix nothing up."""
    dtype = _types(codec)[0]
    is_picture = family_of(codec.name) in PICTURES
    shape = (1, 3, 40, 40) if is_picture else (1, 3, 400, 400)
    arrays = [_array(dtype, shape, "small whole", seed) for seed in range(8)]
    wanted = [encoded(codec, array) for array in arrays]
    in_turns: list[list[bytes]] = [[] for _ in arrays]
    going = [(codec.blocks(array), into) for array, into in zip(arrays, in_turns, strict=True)]
    while going:
        for one in list(going):
            piece = next(one[0], None)
            going.remove(one) if piece is None else one[1].append(bytes(piece))
    assert [b"".join(pieces) for pieces in in_turns] == wanted

    def there_and_back(index: int) -> bool:
        array = arrays[index % 8]
        raw = encoded(codec, array)
        back = codec.decode(spec_of(array), raw)
        return raw == wanted[index % 8] and error_of(array, back) <= codec.most_error(array)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(there_and_back, range(24)))


RANGED = [codec for codec in CODECS.values() if isinstance(codec, Ranged)]


def test_codecs_that_divide_a_range_are_known() -> None:
    """Those with one range for a whole array take a calibrated one; the others do not."""
    names = {codec.name for codec in RANGED}
    assert names == {"uint8", "uint8+zstd", "uint4+zstd", "uint16"}


@pytest.mark.parametrize("codec", RANGED, ids=repr)
def test_a_calibrated_range_saturates_and_needs_nobody_else_to_know(codec: Ranged) -> None:
    """Within the range the step is its own, beyond it the ends stand; a peer decodes as ever."""
    fixed = codec.with_range(-1.0, 3.0)
    assert fixed.name == codec.name
    array = np.linspace(-5, 9, 999, dtype="float32")
    raw = encoded(fixed, array)
    decoded = codec_named(codec.name).decode(spec_of(array), raw)
    inside = (array >= -1) & (array <= 3)
    step = codec.most_error(np.array([-1.0, 3.0], "float32"))
    assert error_of(array[inside], decoded[inside]) <= step
    assert error_of(np.clip(array, -1, 3), decoded) <= step
    assert 5.9 <= error_of(array, decoded) <= fixed.most_error(array)


@pytest.mark.parametrize("codec", RANGED, ids=repr)
@pytest.mark.parametrize("limits", [(1.0, 0.0), (0.0, float("inf")), (float("nan"), 1.0)])
def test_a_range_that_is_none_is_refused(codec: Ranged, limits: tuple[float, float]) -> None:
    """A calibration gone wrong is found when the codec is made."""
    with pytest.raises(CodecError, match="have no steps"):
        codec.with_range(*limits)


@pytest.mark.parametrize("codec", RANGED, ids=repr)
def test_no_number_is_never_sent_as_a_code(codec: Ranged) -> None:
    """NaN is refused with a range of the array's own and with a fixed one."""
    array = np.array([1.0, float("nan"), 2.0], "float32")
    for each in (codec, codec.with_range(0.0, 3.0)):
        with pytest.raises(CodecError, match="raw"):
            next(each.blocks(array))


def test_infinities_saturate_in_a_calibrated_range_and_have_none_of_their_own() -> None:
    """A fixed range says what they are; without one they are refused."""
    codec = codec_named("uint8")
    assert isinstance(codec, Ranged)
    array = np.array([float("-inf"), 0.5, float("inf")], "float32")
    with pytest.raises(CodecError, match="have no steps"):
        next(codec.blocks(array))
    decoded = codec.decode(spec_of(array), encoded(codec.with_range(0.0, 1.0), array))
    np.testing.assert_allclose(np.asarray(decoded, "float32"), [0, 0.5, 1], atol=0.003)


def test_those_that_take_a_tensor_are_found_in_the_order_given() -> None:
    """Of the codecs named those remain that can carry the type and shape."""
    spec = TensorSpec("x", "int64", (1, 7))
    found = codecs_for(spec, ("uint8", "narrow", "raw", "jpeg:90"))
    assert [codec.name for codec in found] == ["narrow", "raw"]


@settings(max_examples=20)
@given(st.sampled_from(("all", "under", "over")), st.integers(0, 20))
def test_what_the_calling_thread_wants_to_hear_does_not_matter(kind: str, seed: int) -> None:
    """A program that has floating point errors raised gets no other arrays, and no errors."""
    array = _array("float32", (1, 4, 8, 8), "of all magnitudes", seed) * np.float32(1e-3)
    for name in ("float16", "uint8", "uint8-channel", "uint16", "uint4+zstd"):
        codec = codec_named(name)
        quiet = encoded(codec, array)
        with np.errstate(**{kind: "raise"}):
            assert encoded(codec, array) == quiet
            codec.decode(spec_of(array), quiet)
