"""Experiment: what predicting an unmeasured model is worth."""

from collections.abc import Iterator
from dataclasses import replace

from cutpoint.cost import PredictionError
from cutpoint.lab.experiments.experiment import Options, Outcome, Stopwatch, details_of
from cutpoint.lab.experiments.form import Figure, ResultRow, summarise
from cutpoint.lab.predictors_bench import MODELS, PredictorsBench, run_predictors_bench
from cutpoint.lab.predictors_report import plot_predictors, predictors_text
from cutpoint.lab.progress import announcer

_QUICK_MODELS = ("ghostnet", "googlenet", "mobilenet_v2", "resnet18", "shufflenet", "squeezenet")
_QUICK_REPEATS, _REPEATS = 4, 10


class PredictorsExperiment:
    """
    Profile models here and predict each from the others.

    Parameters
    ----------
    num_repeats
        Timed runs per model; ``None`` as it fits.
    """

    name = "predictors"
    summary = "How far off a model's times are that nobody measured, predicted by other models."

    def __init__(self, num_repeats: int | None = None) -> None:
        self._num_repeats = num_repeats

    def run(self, options: Options) -> Outcome:
        """Do it."""
        watch = Stopwatch(self.name, options)
        models = options.models or (_QUICK_MODELS if options.is_quick else MODELS)
        bench = run_predictors_bench(
            models,
            self._num_repeats or (_QUICK_REPEATS if options.is_quick else _REPEATS),
            announcer(options.progress, self.name, len(models)),
        )
        return predictors_outcome(bench, watch)


def predictors_outcome(bench: PredictorsBench, watch: Stopwatch) -> Outcome:
    """Give what was measured as an outcome."""
    report = watch.report(
        [row for error in bench.errors for row in _rows(error)], [], details=details_of(bench)
    )
    figure = Figure(
        "predictors",
        "Predicted over measured",
        "Whole models, each left out of the fit that predicts it.",
        lambda path: plot_predictors(bench, path),
    )
    return Outcome(report, predictors_text(bench), (figure,))


def _rows(error: PredictionError) -> Iterator[ResultRow]:
    measured = ResultRow(
        model=error.model,
        link="none",
        load="idle",
        policy="device-only",
        clock="real",
        n=1,
        latency_s=summarise([error.measured_s]),
        note="median of the timed runs",
    )
    predicted = summarise([error.predicted_s])
    return iter(
        (measured, replace(measured, clock="planned", latency_s=predicted, note="by other models"))
    )
