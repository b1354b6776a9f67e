"""Every codec on what really crosses: bytes, speed, times foretold, and what it stands on."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cutpoint.execution.quantiser import runtime_quantiser
from cutpoint.execution.runtime import keep_freed_memory
from cutpoint.lab.codec_libraries import library_calls
from cutpoint.lab.coded_rows import CodedRow, encoded_bytes, is_encodable, measure_rows
from cutpoint.lab.copied_bytes import compiler
from cutpoint.lab.copies_bench import Copies, count_copies
from cutpoint.lab.held_values import HeldNet, HeldValue, Kind
from cutpoint.lab.paired_ratio import measure_in_turn
from cutpoint.lab.zoo import ZOO
from cutpoint.profiling import read_environment
from cutpoint.profiling.codec_times import time_codecs
from cutpoint.records import RAW, Environment, Sample
from cutpoint.wire.codecs import Codec, available_codecs, codec_named
from cutpoint.wire.tensors import TensorSpec

QUICK_MODELS = ("mobilenet_v2", "resnet18", "squeezenet")
"""Of three families, and small."""

_PICTURES = 4
_MEASURED_ON = 0
"""Number of the picture whose values are timed."""

_SETTINGS = {"jpeg": "jpeg:90", "webp": "webp:90"}
"""Codecs with a setting, and the one that is measured."""

Direction = Literal["encode", "decode"]
DIRECTIONS: tuple[Direction, Direction] = ("encode", "decode")
Listener = Callable[[str], None]
Array = NDArray[np.generic]


@dataclass(frozen=True)
class Timing:
    """
    What encoding or decoding one value took, one run among many.

    Parameters
    ----------
    warm_s
        CPU time, among all codecs and values.
    turn_s
        In turns with the libraries underneath; 0 if it stands on none.
    libraries_s
        What each of them took then.
    """

    warm_s: float
    turn_s: float
    libraries_s: Mapping[str, float]


@dataclass(frozen=True)
class CodedValue:
    """
    One value of one net by one codec.

    Parameters
    ----------
    model, value, kind, codec
        Which.
    zero_share
        Of the elements.
    raw_bytes, encoded_bytes
        The latter on average over the pictures.
    encode, decode
        Times.
    """

    model: str
    value: str
    kind: Kind
    codec: str
    zero_share: float
    raw_bytes: int
    encoded_bytes: float
    encode: Timing
    decode: Timing

    def timing(self, direction: Direction) -> Timing:
        """Give the times of one direction."""
        return self.encode if direction == "encode" else self.decode


@dataclass(frozen=True)
class CodecsBench:
    """
    Everything that was measured.

    Parameters
    ----------
    environment
        Of the machine.
    values
        One per net, value and codec that takes it.
    rows
        One per net, cut and codec that takes what crosses.
    copies
        Of bytes that travel as they are; ``None`` where there is no C compiler to count them.
    """

    environment: Environment
    values: tuple[CodedValue, ...] = field(repr=False)
    rows: tuple[CodedRow, ...] = field(default=(), repr=False)
    copies: Copies | None = None

    @property
    def models(self) -> tuple[str, ...]:
        """Nets, in the order of their names."""
        return tuple(sorted({each.model for each in self.values}))

    @property
    def codecs(self) -> tuple[str, ...]:
        """Codecs, as they were given."""
        return tuple(dict.fromkeys(each.codec for each in self.values))


def run_codecs_bench(
    models: Sequence[str] | None = None,
    *,
    codecs: Sequence[str] | None = None,
    rounds: int = 5,
    placed_s: float = 10.0,
    listener: Listener = lambda text: None,
) -> CodecsBench:
    """
    Run nets on pictures and every codec on what crosses their cuts.

    Per net, first every cut by every codec as in an inference, with a real server; then, in
    rounds, every codec on every value, and beside the library it stands on.

    Parameters
    ----------
    models
        Nets of the zoo; ``None`` for all.
    codecs
        Names; ``None`` for all whose libraries are installed.
    rounds
        Of all codecs and values of a net, of two runs each, and with the libraries.
    placed_s
        Seconds per net for cuts and codecs as in an inference.
    listener
        Told what is measured now.

    Raises
    ------
    CodecError
        If a codec is unknown or not installed.
    """
    malloc_kept = keep_freed_memory()
    names = codecs or [_SETTINGS.get(name, name) for name in available_codecs()]
    quantiser = runtime_quantiser()
    made = [codec_named(name, quantiser) for name in dict.fromkeys((RAW, *names))]
    values: list[CodedValue] = []
    rows: list[CodedRow] = []
    for model in models or sorted(ZOO):
        listener(f"{model}: running on {_PICTURES} pictures")
        with TemporaryDirectory(prefix="cutpoint-") as folder:
            net = HeldNet(model, Path(folder), _PICTURES)
            listener(f"{model}: {len(net.values)} values at {len(net.cuts)} cuts")
            rows += measure_rows(net, model, made, Path(folder), placed_s)
        values += _model_values(model, net, made, rounds)
    environment = read_environment(
        providers=("CPUExecutionProvider",),
        num_threads=1,
        malloc_kept=malloc_kept,
        emulated_slowdown=1.0,
    )
    return CodecsBench(environment, tuple(values), tuple(rows), _copies(listener))


def _copies(listener: Listener) -> Copies | None:
    if compiler() is None:
        return None
    listener("copies of a byte that travels as it is")
    with TemporaryDirectory(prefix="cutpoint-") as folder:
        return count_copies(Path(folder))


@dataclass(frozen=True)
class _Pair:
    """A value and a codec that takes it."""

    held: HeldValue
    codec: Codec

    @property
    def array(self) -> Array:
        return self.held.arrays[_MEASURED_ON]

    @property
    def spec(self) -> TensorSpec:
        return TensorSpec.of(self.held.name, self.array)


def _model_values(
    model: str, net: HeldNet, codecs: Sequence[Codec], rounds: int
) -> list[CodedValue]:
    pairs = [
        _Pair(each, codec) for codec in codecs for each in net.values if is_encodable(codec, each)
    ]
    arrays = [each.arrays[_MEASURED_ON] for each in net.values]
    warm: list[Sample] = []
    for _ in range(rounds):
        warm += time_codecs(codecs, arrays, budget_s=0, with_pauses=False)
    return [
        _coded(model, pair, samples, _beside_library(pair, rounds))
        for pair, samples in zip(pairs, _by_pair(warm, len(pairs), rounds), strict=True)
    ]


def _by_pair(
    samples: Sequence[Sample], num_pairs: int, rounds: int
) -> Iterable[tuple[list[Sample], list[Sample]]]:
    """Sort the samples of all rounds: each round has two per pair, in the pairs' order."""
    for position in range(num_pairs):
        of_pair = [samples[2 * (number * num_pairs + position) :][:2] for number in range(rounds)]
        yield [each[0] for each in of_pair], [each[1] for each in of_pair]


def _coded(
    model: str,
    pair: _Pair,
    samples: tuple[list[Sample], list[Sample]],
    turns: "tuple[_Turns, _Turns]",
) -> CodedValue:
    encode, decode = (
        Timing(median(each.duration_s for each in taken), turn.codec_s, turn.libraries_s)
        for taken, turn in zip(samples, turns, strict=True)
    )
    sizes = [encoded_bytes(pair.codec, array) for array in pair.held.arrays]
    return CodedValue(
        model=model,
        value=pair.held.name,
        kind=pair.held.kind,
        codec=pair.codec.name,
        zero_share=pair.held.zero_share,
        raw_bytes=pair.held.raw_bytes,
        encoded_bytes=float(np.mean(sizes)),
        encode=encode,
        decode=decode,
    )


@dataclass(frozen=True)
class _Turns:
    """A codec in turns with the libraries underneath: medians."""

    codec_s: float = 0.0
    libraries_s: Mapping[str, float] = field(default_factory=dict)


def _beside_library(pair: _Pair, rounds: int) -> tuple[_Turns, _Turns]:
    codec, array, spec = pair.codec, pair.array, pair.spec
    ways = () if codec.name == RAW else tuple(library_calls(codec.name, array))
    if not ways:
        return _Turns(), _Turns()
    whole = bytearray().join(codec.blocks(array))
    encoded = [way.encode() for way in ways]
    names = [way.library for way in ways]
    encoders = [lambda: list(codec.blocks(array)), *(way.encode for way in ways)]
    decoders = [
        lambda: codec.decode(spec, whole),
        *(_bound(way.decode, made) for way, made in zip(ways, encoded, strict=True)),
    ]
    return _turns(encoders, names, rounds), _turns(decoders, names, rounds)


def _bound(decode: Callable[[Any], Any], made: Any) -> Callable[[], Any]:
    return lambda: decode(made)


def _turns(calls: Sequence[Callable[[], Any]], names: Sequence[str], rounds: int) -> _Turns:
    taken = measure_in_turn([_timed(call) for call in calls], 2 * rounds + 1)
    codec_s, *ways_s = (median(each) for each in taken)
    return _Turns(codec_s, dict(zip(names, ways_s, strict=True)))


def _timed(call: Callable[[], Any]) -> Callable[[], float]:
    def run() -> float:
        began_s = time.perf_counter()
        call()
        return time.perf_counter() - began_s

    return run
