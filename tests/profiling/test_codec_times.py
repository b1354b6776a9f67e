"""Codecs timed on this host."""

import time
from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from cutpoint.cost import codec_speeds
from cutpoint.profiling import codec_times
from cutpoint.profiling.codec_times import time_codecs
from cutpoint.records import SampleKind
from cutpoint.wire.codecs import Buffer, codec_named
from cutpoint.wire.codecs.raw import Raw
from cutpoint.wire.tensors import TensorSpec


class _Halves(Raw):
    """Sends two pieces, and counts its calls."""

    name = "halves"

    def __init__(self) -> None:
        self.encoded: list[int] = []
        self.decoded: list[Buffer] = []

    def takes(self, spec: TensorSpec) -> bool:
        return spec.dtype == "float32"

    def blocks(self, array: NDArray[np.generic]) -> Iterator[Buffer]:
        self.encoded.append(array.nbytes)
        raw = array.tobytes()
        yield raw[: len(raw) // 2]
        yield raw[len(raw) // 2 :]

    def decode(self, spec: TensorSpec, raw: Buffer) -> NDArray[np.generic]:
        self.decoded.append(raw)
        return super().decode(spec, raw)


def _values() -> list[NDArray[np.generic]]:
    rng = np.random.default_rng(0)
    return [
        rng.standard_normal((1, 8, 8, 8), dtype=np.float32),
        rng.standard_normal((1, 64, 16, 16), dtype=np.float32),
        rng.integers(0, 9, (1, 30)),
    ]


def test_each_codec_and_value_gives_a_sample_in_both_directions() -> None:
    """With raw and encoded bytes; a value that a codec does not take gives none."""
    values = _values()
    samples = time_codecs([codec_named("float16"), codec_named("raw")], values, budget_s=0)
    seen = {
        (each.kind, each.subject, each.size_bytes, each.encoded_bytes): each for each in samples
    }
    floats = [array.nbytes for array in values[:2]]
    assert set(seen) == {
        *((kind, "float16", size, size // 2) for kind in ("encode", "decode") for size in floats),
        *(
            (kind, "raw", array.nbytes, array.nbytes)
            for kind in ("encode", "decode")
            for array in values
        ),
    }
    assert all(each.duration_s > 0 for each in samples)
    assert all(each.cpu_s is not None and each.cpu_s >= 0 for each in samples)


def test_without_time_to_spend_each_value_is_run_twice_all_the_same() -> None:
    """After one run on the smallest that does not count."""
    codec, values = _Halves(), _values()
    time_codecs([codec], values, budget_s=0, with_pauses=False)
    smallest, larger = (array.nbytes for array in values[:2])
    assert codec.encoded[0] == smallest
    assert sorted(codec.encoded[1:]) == [smallest, smallest, larger, larger]


def test_with_time_to_spend_there_are_more_rounds_but_not_for_ever() -> None:
    """Nine are enough for a median."""
    codec, values = _Halves(), _values()
    time_codecs([codec], values, budget_s=60.0, with_pauses=False)
    assert len(codec.encoded) == 1 + 9 * 2


class _Cooling(_Halves):
    """Takes 5 ms of work for what it has not encoded or decoded in the last 2 ms."""

    def __init__(self) -> None:
        super().__init__()
        self.num_cold = 0
        self._ran_at_s = {"encode": 0.0, "decode": 0.0}

    def blocks(self, array: NDArray[np.generic]) -> Iterator[Buffer]:
        self._heat("encode")
        yield from super().blocks(array)

    def decode(self, spec: TensorSpec, raw: Buffer) -> NDArray[np.generic]:
        self._heat("decode")
        return super().decode(spec, raw)

    def _heat(self, what: str) -> None:
        if time.perf_counter() - self._ran_at_s[what] > 2e-3:
            began_s = time.thread_time()
            while time.thread_time() < began_s + 5e-3:
                pass
        self._ran_at_s[what] = time.perf_counter()


def test_what_a_pause_adds_is_added() -> None:
    """In an inference no codec has just run: neither what encodes nor what decodes is warm."""
    values = _values()[:1]
    warm, cold = (
        {each.kind: each.duration_s for each in samples}
        for samples in (
            time_codecs([_Cooling()], values, budget_s=0.2, with_pauses=paused)
            for paused in (False, True)
        )
    )
    for kind in ("encode", "decode"):
        assert cold[kind] > warm[kind] + 3e-3


def test_pieces_are_decoded_as_one_block() -> None:
    """As they come off a wire."""
    codec, values = _Halves(), _values()
    samples = time_codecs([codec], values[:1], budget_s=0)
    assert all(bytes(raw) == values[0].tobytes() for raw in codec.decoded)
    assert {each.encoded_bytes for each in samples} == {values[0].nbytes}


def test_a_value_that_cannot_be_encoded_has_no_times() -> None:
    """Numbers beyond half precision say nothing, and keep nothing else from being timed."""
    large = np.full((1, 64), 1e6, np.float32)
    samples = time_codecs([codec_named("float16")], [large, *_values()[:1]], budget_s=0)
    assert [each.size_bytes for each in samples] == [_values()[0].nbytes] * 2


def test_an_emulated_device_encodes_slower() -> None:
    """By its factor: the medians of many runs are compared, so that noise cannot hide it."""
    codecs, values = [codec_named("float16")], _values()[1:2] * 25
    plain, slowed = (
        np.median([each.duration_s for each in time_codecs(codecs, values, slowdown=factor)])
        for factor in (1.0, 1000.0)
    )
    assert slowed > 20 * plain


@pytest.mark.parametrize("kind", ["encode", "decode"])
def test_made_up_values_are_enough_to_tell_speeds(kind: str) -> None:
    """A value of a million bytes takes longer than one of ten thousand, whatever the codec."""
    samples = time_codecs([codec_named("float16"), codec_named("uint8")], budget_s=0)
    speeds = codec_speeds(samples, "encode" if kind == "encode" else "decode")
    assert set(speeds) == {"float16", "uint8"}
    for speed in speeds.values():
        assert speed.time_s(4_000_000, 1_000_000) > speed.time_s(10_000, 2_500)


@pytest.mark.parametrize("kind", ["encode", "decode"])
def test_a_host_that_does_but_one_of_both_times_no_other(
    kind: SampleKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only what is wanted is told, and only before that is there a pause."""
    paused: list[float] = []
    monkeypatch.setattr(codec_times, "_pause", lambda duration_s, memory: paused.append(duration_s))
    samples = time_codecs([codec_named("uint8")], _values()[:1], budget_s=0, kinds=(kind,))
    assert {sample.kind for sample in samples} == {kind}
    wanted_s = {"encode": codec_times._BEFORE_ENCODING_S, "decode": codec_times._BEFORE_DECODING_S}
    assert set(paused) == {wanted_s[kind]}
