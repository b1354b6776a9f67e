"""Experiment: what every codec makes of what really crosses."""

from collections.abc import Iterator
from itertools import groupby

from cutpoint.lab.codecs_bench import (
    DIRECTIONS,
    QUICK_MODELS,
    CodecsBench,
    Direction,
    run_codecs_bench,
)
from cutpoint.lab.codecs_report import LEAST_SHARE, MOST_ERROR, codecs_text, plot_codecs
from cutpoint.lab.codecs_summary import (
    CodecsSummary,
    CodecSummary,
    LibraryShare,
    Spread,
    summary_of,
)
from cutpoint.lab.coded_rows import CodedRow
from cutpoint.lab.experiments.experiment import Options, Outcome, Stopwatch, details_of
from cutpoint.lab.experiments.form import Claim, Figure, ResultRow, at_least, at_most, summarise
from cutpoint.lab.progress import announcer
from cutpoint.lab.zoo import ZOO

_QUICK_ROUNDS, _QUICK_PLACED_S = 2, 2.0
_ROUNDS, _PLACED_S = 2, 2.0

_SIBLINGS = (
    "efficientnet_b5", "efficientnet_b6", "inception_v1", "mobilenet_v3_large", "resnet101",
    "resnet152", "vgg19", "zfnet512",
)  # fmt: skip
"""Nets of which another of their family is there: what crosses them is alike, and they are slow."""


class CodecsExperiment:
    """
    Run models on photographs and every codec on what crosses.

    Parameters
    ----------
    num_rounds, placed_s
        Interleaved rounds, and seconds for codecs as in an inference, per model; ``None`` as it
        fits.
    """

    name = "codecs"
    summary = "Every codec on what really crosses: bytes, speed, times foretold, and its library."

    def __init__(self, num_rounds: int | None = None, placed_s: float | None = None) -> None:
        self._num_rounds = num_rounds
        self._placed_s = placed_s

    def run(self, options: Options) -> Outcome:
        """Do it."""
        watch = Stopwatch(self.name, options)
        models = options.models or (QUICK_MODELS if options.is_quick else _families())
        placed_s = _QUICK_PLACED_S if options.is_quick else _PLACED_S
        bench = run_codecs_bench(
            models,
            rounds=self._num_rounds or (_QUICK_ROUNDS if options.is_quick else _ROUNDS),
            placed_s=placed_s if self._placed_s is None else self._placed_s,
            listener=announcer(options.progress, self.name, 2 * len(models) + 1),
        )
        return codecs_outcome(bench, watch)


def _families() -> tuple[str, ...]:
    return tuple(name for name in sorted(ZOO) if name not in _SIBLINGS)


def codecs_outcome(bench: CodecsBench, watch: Stopwatch) -> Outcome:
    """Give what was measured as an outcome."""
    summary = summary_of(bench)
    report = watch.report(list(_rows(bench)), list(_claims(summary)), details=details_of(summary))
    figure = Figure(
        "codecs",
        "Size and speed, times foretold, speed beside the library",
        "Every codec on what crosses the cuts that hosts hold.",
        lambda path: plot_codecs(bench, path),
    )
    return Outcome(report, codecs_text(summary), (figure,))


def _rows(bench: CodecsBench) -> Iterator[ResultRow]:
    """Give what encoding and decoding took in an inference, by net and codec, over the cuts."""
    rows = sorted(bench.rows, key=_net_and_codec)
    for (model, codec), of_codec in groupby(rows, _net_and_codec):
        found = list(of_codec)
        for direction in DIRECTIONS:
            yield ResultRow(
                model=model,
                link="loopback",
                load="idle",
                policy=f"{codec}, {direction}",
                clock="real",
                n=len(found),
                latency_s=summarise([_taken_s(row, direction) for row in found]),
                note="over cuts",
            )


def _claims(summary: CodecsSummary) -> Iterator[Claim]:
    """Hold times foretold, and speeds beside the libraries, against their goals."""
    for direction, error in (("encode", summary.encode_error), ("decode", summary.decode_error)):
        if error is not None:
            name = f"{direction} times foretold: median error, at most"
            yield at_most(name, error.median, MOST_ERROR)
    for codec in summary.codecs:
        for direction in DIRECTIONS:
            for beside in _named_for(codec, direction):
                share = beside.large_share or beside.share or Spread(0.0, 0.0, 0.0)
                name = f"{codec.codec}, {direction}: speed over {beside.library}'s, at least"
                yield at_least(name, share.median, LEAST_SHARE)


def _net_and_codec(row: CodedRow) -> tuple[str, str]:
    return row.model, row.codec


def _taken_s(row: CodedRow, direction: Direction) -> float:
    return row.encode_s if direction == "encode" else row.decode_s


def _named_for(codec: CodecSummary, direction: Direction) -> Iterator[LibraryShare]:
    """Yield the library that a codec is named for: ONNX Runtime's operators are not."""
    speed = codec.encode if direction == "encode" else codec.decode
    return (each for each in speed.beside if "ONNX Runtime" not in each.library)
