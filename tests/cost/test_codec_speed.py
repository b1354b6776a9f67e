"""What encoding takes, folded from samples."""

from math import isclose

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutpoint.cost import CodecSpeed, codec_speeds
from cutpoint.records import Sample, SampleKind

_SIZES = (4_000, 16_000, 64_000, 500_000, 1_000_000)
_RATIOS = (0.05, 0.1, 0.15, 0.2)


def _sample(
    raw: float, encoded: float, duration_s: float, kind: SampleKind = "encode", codec: str = "c"
) -> Sample:
    return Sample(kind, codec, duration_s, size_bytes=int(raw), encoded_bytes=int(encoded))


def _grid(time_s: CodecSpeed) -> list[Sample]:
    return [
        _sample(raw, raw * ratio, time_s.time_s(raw, raw * ratio))
        for raw in _SIZES
        for ratio in _RATIOS
    ]


def test_a_line_is_found_again() -> None:
    """Between the samples, and far outside them."""
    line = CodecSpeed(2e-5, 3e-10, 4e-9)
    speed = codec_speeds(_grid(line), "encode")["c"]
    for raw in (1_000, 30_000, 100_000, 10_000_000):
        for ratio in (0.03, 0.12, 0.5):
            wanted_s = line.time_s(raw, raw * ratio)
            assert isclose(speed.time_s(raw, raw * ratio), wanted_s, rel_tol=1e-6)


def test_what_no_line_says_is_read_off_the_nearest_samples() -> None:
    """Half-sparse values take three times as long per byte as dense or empty ones."""
    per_byte = {0.05: 1e-9, 0.12: 3e-9, 0.2: 1e-9}
    samples = [
        _sample(raw, raw * ratio, raw * s_per_byte)
        for raw in _SIZES
        for ratio, s_per_byte in per_byte.items()
    ]
    speed = codec_speeds(samples, "encode")["c"]
    for ratio, s_per_byte in per_byte.items():
        for raw in (32_000, 200_000):
            assert speed.time_s(raw, raw * ratio) == pytest.approx(raw * s_per_byte, rel=0.15)


def test_a_value_timed_itself_takes_what_it_took() -> None:
    """A sample of the same size and ratio outweighs all others."""
    line = CodecSpeed(1e-5, 1e-9, 0.0)
    own = _sample(150_000, 20_000, 6e-4)
    speed = codec_speeds([*_grid(line), own], "encode")["c"]
    assert speed.time_s(150_000, 20_000) == pytest.approx(6e-4, rel=0.05)
    assert speed.time_s(1_000_000, 200_000) == pytest.approx(1.01e-3, rel=0.05)


def test_codecs_and_directions_are_folded_apart() -> None:
    """Each of its own samples only; what was not sampled is not there."""
    samples = [
        _sample(1000, 500, 1e-3, "encode", "a"),
        _sample(1000, 500, 2e-3, "decode", "a"),
        _sample(1000, 500, 4e-3, "decode", "b"),
        Sample("segment", "a", 9.0),
    ]
    encode, decode = (codec_speeds(samples, kind) for kind in ("encode", "decode"))
    assert set(encode) == {"a"}
    assert set(decode) == {"a", "b"}
    assert encode["a"].time_s(1000, 500) == pytest.approx(1e-3)
    assert decode["b"].time_s(1000, 500) == pytest.approx(4e-3)


def test_samples_that_say_nothing_are_passed_over() -> None:
    """Of no time at all: a clock that is too coarse."""
    assert codec_speeds([_sample(0, 0, 0.0)], "encode") == {}


def test_an_empty_value_costs_what_the_line_says() -> None:
    """Without bytes there is no ratio."""
    speed = codec_speeds([_sample(0, 0, 1e-5), *_grid(CodecSpeed(1e-5, 1e-9, 0.0))], "encode")["c"]
    assert speed.time_s(0, 0) == pytest.approx(1e-5, rel=1e-3)


_sizes = st.integers(1, 10**8)
_samples = st.builds(
    _sample, _sizes, _sizes, st.floats(1e-7, 10.0, allow_nan=False), st.just("encode")
)


@given(st.lists(_samples, min_size=1, max_size=12), _sizes, _sizes)
def test_no_samples_make_a_time_that_is_no_cost(
    samples: list[Sample], raw: int, encoded: int
) -> None:
    """Positive, finite, and at most as far from the line as the farthest sample."""
    speed = codec_speeds(samples, "encode")["c"]
    line = CodecSpeed(speed.fixed_s, speed.s_per_raw_byte, speed.s_per_encoded_byte)
    time_s = speed.time_s(raw, encoded)
    assert 0 < time_s < float("inf")
    factors = [
        sample.duration_s / line.time_s(sample.size_bytes, sample.encoded_bytes)
        for sample in samples
    ]
    factor = time_s / line.time_s(raw, encoded)
    assert min(factors) * (1 - 1e-6) <= factor <= max(factors) * (1 + 1e-6)
