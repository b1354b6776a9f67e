"""What the codecs bench says: by codec, and by net."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from cutpoint.lab.codecs_bench import CodecsBench, CodedValue, Direction
from cutpoint.lab.coded_rows import CodedRow
from cutpoint.lab.copies_bench import Copies
from cutpoint.lab.held_values import Kind
from cutpoint.records import Environment

KINDS: tuple[Kind, ...] = ("rectified", "linear", "input", "pixels")

LARGE_BYTES = 64 << 10
"""Values below are cheap whatever is done; what Python costs per call is seen on them."""

_LOW, _HIGH = 0.1, 0.9


@dataclass(frozen=True)
class Spread:
    """Median and both tenths of something over the values."""

    median: float
    low: float
    high: float


@dataclass(frozen=True)
class LibraryShare:
    """
    Speed of a codec over that of a library underneath, in turns.

    Parameters
    ----------
    library
        Which one.
    share, large_share
        Over all values, and over those of 64 KiB and more; ``None`` if there are none.
    total_share
        Time of all values in the library over that in the codec.
    """

    library: str
    share: Spread | None
    large_share: Spread | None
    total_share: float


@dataclass(frozen=True)
class SpeedSummary:
    """
    One codec in one direction, over all values.

    Parameters
    ----------
    bytes_per_s
        Raw bytes of all values over their time.
    num_rows
        Cuts that were measured as in an inference.
    error
        Of the time as planning has it, relative to what it took there.
    mean_s
        What it took, on average.
    bias
        Median of the error with its sign: above 0 where more was foretold.
    beside
        Speed beside each library that does the same.
    """

    bytes_per_s: float
    num_rows: int
    error: Spread | None
    bias: float | None
    mean_s: float | None
    beside: tuple[LibraryShare, ...]


@dataclass(frozen=True)
class CodecSummary:
    """
    One codec.

    Parameters
    ----------
    codec
        Its name.
    num_values
        Of all nets.
    ratios
        Encoded over raw bytes by kind of value.
    encode, decode
        How fast.
    """

    codec: str
    num_values: int
    ratios: dict[Kind, float]
    encode: SpeedSummary
    decode: SpeedSummary


@dataclass(frozen=True)
class ModelCodec:
    """
    One codec on the values within one net (its input is not among them, nor pixels).

    Parameters
    ----------
    model, codec
        Which.
    num_values, raw_bytes
        That cross its cuts.
    ratio
        Encoded over raw bytes.
    encode_bytes_per_s, decode_bytes_per_s
        Raw bytes over time.
    """

    model: str
    codec: str
    num_values: int
    raw_bytes: int
    ratio: float
    encode_bytes_per_s: float
    decode_bytes_per_s: float


@dataclass(frozen=True)
class CodecsSummary:
    """
    The bench in short.

    Parameters
    ----------
    environment
        Of the machine.
    contention
        Wall over CPU time of encoding, over all rows together.
    encode_error, decode_error
        Of the times planned with, over all rows.
    single_encode_error, single_decode_error
        Over rows with one crossing value.
    codecs, models
        Rows.
    copies
        Of bytes that travel as they are.
    """

    environment: Environment
    contention: float | None
    encode_error: Spread | None
    decode_error: Spread | None
    single_encode_error: Spread | None
    single_decode_error: Spread | None
    codecs: tuple[CodecSummary, ...]
    models: tuple[ModelCodec, ...]
    copies: Copies | None


def summary_of(bench: CodecsBench) -> CodecsSummary:
    """Sum up what was measured."""
    single = [row for row in bench.rows if row.num_values == 1]
    return CodecsSummary(
        environment=bench.environment,
        contention=_contention(bench.rows),
        encode_error=spread(errors(bench.rows, "encode")),
        decode_error=spread(errors(bench.rows, "decode")),
        single_encode_error=spread(errors(single, "encode")),
        single_decode_error=spread(errors(single, "decode")),
        codecs=tuple(_codec(bench, codec) for codec in bench.codecs),
        models=tuple(
            row
            for model in bench.models
            for codec in bench.codecs
            if (row := _model_codec(bench, model, codec)) is not None
        ),
        copies=bench.copies,
    )


def told_and_taken(rows: Sequence[CodedRow], direction: Direction) -> Iterator[tuple[float, float]]:
    """Yield what was foretold of each row and what it took, where it took anything."""
    for row in rows:
        pair = (
            (row.told_encode_s, row.encode_s)
            if direction == "encode"
            else (row.told_decode_s, row.decode_s)
        )
        if pair[1] > 0:
            yield pair


def errors(rows: Sequence[CodedRow], direction: Direction) -> list[float]:
    """Give how far times foretold are off, relative to what it took."""
    return [abs(told / taken - 1.0) for told, taken in told_and_taken(rows, direction)]


def spread(numbers: Sequence[float]) -> Spread | None:
    """Give median and tenths; ``None`` of nothing."""
    if not numbers:
        return None
    low, middle, high = np.quantile(numbers, [_LOW, 0.5, _HIGH])
    return Spread(float(middle), float(low), float(high))


def _contention(rows: Sequence[CodedRow]) -> float | None:
    busy_s = sum(row.encode_s for row in rows)
    return sum(row.encode_wall_s for row in rows) / busy_s if busy_s else None


def _codec(bench: CodecsBench, codec: str) -> CodecSummary:
    values = [each for each in bench.values if each.codec == codec]
    by_kind = {kind: [each for each in values if each.kind == kind] for kind in KINDS}
    return CodecSummary(
        codec,
        len(values),
        {kind: _ratio(found) for kind, found in by_kind.items() if found},
        _speed(bench, codec, "encode"),
        _speed(bench, codec, "decode"),
    )


def _ratio(values: Sequence[CodedValue]) -> float:
    return sum(each.encoded_bytes for each in values) / sum(each.raw_bytes for each in values)


def _rate(values: Sequence[CodedValue], direction: Direction) -> float:
    taken_s = sum(each.timing(direction).warm_s for each in values)
    return sum(each.raw_bytes for each in values) / taken_s


def _speed(bench: CodecsBench, codec: str, direction: Direction) -> SpeedSummary:
    values = [each for each in bench.values if each.codec == codec]
    rows = [row for row in bench.rows if row.codec == codec]
    pairs = list(told_and_taken(rows, direction))
    return SpeedSummary(
        bytes_per_s=_rate(values, direction),
        num_rows=len(pairs),
        error=spread(errors(rows, direction)),
        bias=float(np.median([told / taken - 1.0 for told, taken in pairs])) if pairs else None,
        mean_s=float(np.mean([taken for _, taken in pairs])) if pairs else None,
        beside=tuple(_beside(values, direction)),
    )


def _beside(values: Sequence[CodedValue], direction: Direction) -> Iterator[LibraryShare]:
    timings = [(each.raw_bytes, each.timing(direction)) for each in values]
    for library in dict.fromkeys(name for _, each in timings for name in each.libraries_s):
        shares = [(size, each.libraries_s[library] / each.turn_s) for size, each in timings]
        yield LibraryShare(
            library,
            spread([share for _, share in shares]),
            spread([share for size, share in shares if size >= LARGE_BYTES]),
            sum(each.libraries_s[library] for _, each in timings)
            / sum(each.turn_s for _, each in timings),
        )


def _model_codec(bench: CodecsBench, model: str, codec: str) -> ModelCodec | None:
    values = [
        each
        for each in bench.values
        if (each.model, each.codec) == (model, codec) and each.kind in ("rectified", "linear")
    ]
    if not values:
        return None
    return ModelCodec(
        model,
        codec,
        len(values),
        sum(each.raw_bytes for each in values),
        _ratio(values),
        _rate(values, "encode"),
        _rate(values, "decode"),
    )
