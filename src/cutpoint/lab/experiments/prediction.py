"""Predicted against measured: every part, every kind of row, five fixed links."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory

from cutpoint.exceptions import CutpointError
from cutpoint.lab.experiments.experiment import Options, Outcome, Stopwatch
from cutpoint.lab.experiments.form import (
    Claim,
    Figure,
    ResultRow,
    at_least,
    at_most,
    summarise,
)
from cutpoint.lab.prediction.bed import DELAY_S, Bed
from cutpoint.lab.prediction.figure import draw_errors
from cutpoint.lab.prediction.net_errors import NetErrors, net_errors
from cutpoint.lab.prediction.sample import PredictedSample
from cutpoint.lab.prediction.text import prediction_text
from cutpoint.units import from_mbit_per_s

MBIT_PER_S = (5, 10, 20, 50, 100)
"""Rates of the links, both ways."""

QUICK_MODELS = ("squeezenet", "mobilenet_v2", "resnet18")
MODELS = (
    *QUICK_MODELS,
    *("alexnet", "googlenet", "shufflenet", "mobilenet_v3_small", "ghostnet", "tiny_yolov2"),
    *("deit_tiny", "resnet50", "inception_v1", "zfnet512", "densenet121", "efficientnet_b4"),
)
"""Half of the zoo, of every kind; the others by name."""

_LEAST_KEPT = 200
_PER_LINK = 41
"""A few more than are needed: some are dropped."""

_LARGE_S, _LARGE_SHARE = 0.25, 0.2
"""Nets that take longer than this here are given that share of the samples, unless they were asked
for by name: four of them would take as long as all others."""

_MOST_PASSES = 3
"""Over the links, while too few samples are kept."""

_MOST_MEDIAN, _MOST_P95 = 0.05, 0.15


class PredictionExperiment:
    """
    Take rows by lot on fixed links, and hold what was predicted against what it took.

    Parameters
    ----------
    per_link
        Samples of each net at each link, to begin with.
    least_kept
        Samples of each net that have to count.
    mbit_per_s
        Rates of the links, both ways.
    """

    name = "prediction"
    summary = "Predicted against measured latency, part by part."

    def __init__(
        self,
        per_link: int = _PER_LINK,
        least_kept: int = _LEAST_KEPT,
        mbit_per_s: Sequence[float] = MBIT_PER_S,
    ) -> None:
        self._per_link = per_link
        self._least_kept = least_kept
        self._mbit_per_s = tuple(mbit_per_s)

    def run(self, options: Options) -> Outcome:
        """Do it; a net that cannot be run is told of, and its claims do not hold."""
        watch = Stopwatch(self.name, options)
        models = options.models or (QUICK_MODELS if options.is_quick else MODELS)
        options.progress.begin("prediction", len(models) * len(self._mbit_per_s))
        rows: list[ResultRow] = []
        taken: dict[str, _Measured] = {}
        notes: list[str] = []
        for model in models:
            try:
                found = self._measured(model, options)
            except CutpointError as error:
                notes.append(f"{model}: {error}")
                options.progress.note(notes[-1])
                found = _Measured(1.0, self._least_kept, [])
            taken[model] = found
            rows += _rows(model, found.samples, options.seed)
        errors = {model: each.errors_of(model) for model, each in taken.items()}
        known = tuple(each for each in errors.values() if each is not None)
        report = watch.report(
            rows,
            [claim for model, each in taken.items() for claim in _claims(model, each)],
            details={"nets": known, "delay_s": DELAY_S},
            notes=notes,
        )
        figure = Figure(
            self.name,
            "Error of the predicted latency",
            "Share of the inferences whose latency was predicted within so much, per net.",
            lambda path: draw_errors({m: each.samples for m, each in taken.items()}, path),
        )
        return Outcome(report, prediction_text(errors), (figure,) if known else ())

    def _measured(self, model: str, options: Options) -> "_Measured":
        rates = [from_mbit_per_s(each) for each in self._mbit_per_s]
        found: list[PredictedSample] = []
        with (
            TemporaryDirectory(prefix="cutpoint-prediction-") as folder,
            Bed(model, Path(folder), options.seed, rates[0]) as bed,
        ):
            share = 1.0 if options.models or bed.whole_s <= _LARGE_S else _LARGE_SHARE
            wanted = ceil(share * self._least_kept)
            for number in range(_MOST_PASSES):
                missing = wanted - sum(sample.is_kept for sample in found)
                if missing <= 0:
                    break
                first = ceil(share * self._per_link)
                per_link = first if not number else ceil(missing / len(rates)) + 1
                for mbit_per_s, rate in zip(self._mbit_per_s, rates, strict=True):
                    if not number:
                        options.progress.advance(f"{model} at {mbit_per_s} Mbit/s")
                    bed.settle(rate)
                    found += [bed.take(each) for each in range(per_link)]
            return _Measured(bed.slowdown, wanted, found)


@dataclass(frozen=True)
class _Measured:
    """The samples of one net, and how many have to count."""

    slowdown: float
    least_kept: int
    samples: list[PredictedSample]

    def errors_of(self, model: str) -> NetErrors | None:
        return net_errors(model, self.slowdown, self.samples) if self.samples else None


def _claims(model: str, taken: _Measured) -> list[Claim]:
    errors = taken.errors_of(model)
    num_kept, median, p95 = (
        (0, float("nan"), float("nan"))
        if errors is None
        else (errors.num_kept, errors.latency.median, errors.latency.p95)
    )
    return [
        at_least(f"{model}: samples kept, at least", num_kept, taken.least_kept),
        at_most(f"{model}: median error of predicted latency, at most", median, _MOST_MEDIAN),
        at_most(f"{model}: p95 of that error, at most", p95, _MOST_P95),
    ]


def _rows(model: str, samples: Sequence[PredictedSample], seed: int) -> list[ResultRow]:
    rows = []
    for link in dict.fromkeys(sample.link for sample in samples):
        here = [sample for sample in samples if sample.link == link]
        kept = [sample for sample in here if sample.is_kept]
        if kept:
            latency = summarise([sample.measured.latency_s for sample in kept], seed)
            dropped = len(here) - len(kept)
            rows.append(
                ResultRow(
                    model, link, "idle", "rows by lot", "real", len(kept), latency,
                    num_dropped=dropped,
                )
            )  # fmt: skip
    return rows
