"""Experiment: what batches across cuts gain."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from cutpoint.lab.batching_bench import MODELS, BatchingBench, ModelRow, run_batching_bench
from cutpoint.lab.batching_report import batching_text, plot_batching
from cutpoint.lab.experiments.experiment import Options, Outcome, Stopwatch, details_of
from cutpoint.lab.experiments.form import Claim, Figure, ResultRow, at_least, at_most, summarise
from cutpoint.lab.progress import announcer

_QUICK_MODELS, _QUICK_ROUNDS, _QUICK_S = MODELS[:2], 3, 2.0
_ROUNDS, _ROUND_S = 4, 2.5
_LEAST_OVER_NONE = 0.98
"""Batches are formed of what waits anyway: where they gain nothing they cost next to nothing."""


class BatchingExperiment:
    """
    Let eight clients enter models at three cuts.

    Parameters
    ----------
    num_rounds, duration_s
        Rounds, and how long each server is asked in one; ``None`` as it fits.
    """

    name = "batching"
    summary = "Eight clients enter models at three cuts: batches across cuts, per tail, and none."

    def __init__(self, num_rounds: int | None = None, duration_s: float | None = None) -> None:
        self._num_rounds = num_rounds
        self._duration_s = duration_s

    def run(self, options: Options) -> Outcome:
        """Do it."""
        watch = Stopwatch(self.name, options)
        models = options.models or (_QUICK_MODELS if options.is_quick else MODELS)
        num_rounds = self._num_rounds or (_QUICK_ROUNDS if options.is_quick else _ROUNDS)
        with TemporaryDirectory(prefix="cutpoint-") as folder:
            bench = run_batching_bench(
                Path(folder),
                models,
                num_rounds=num_rounds,
                duration_s=self._duration_s or (_QUICK_S if options.is_quick else _ROUND_S),
                listener=announcer(options.progress, self.name, num_rounds * len(models)),
            )
        report = watch.report(
            [row for each in bench.models for row in _rows(each, bench)],
            [claim for each in bench.models for claim in _claims(each)],
            details=details_of(bench),
        )
        figure = Figure(
            self.name,
            "Throughput by model",
            "Answers per second of eight clients at three cuts; without batches it is 1.",
            lambda path: plot_batching(bench, path),
        )
        return Outcome(report, batching_text(bench), (figure,))


def _rows(model: ModelRow, bench: BatchingBench) -> Iterator[ResultRow]:
    for mode in model.modes:
        yield ResultRow(
            model=model.model,
            link="loopback",
            load=f"{bench.num_clients} clients",
            policy=f"batching {mode.mode}",
            clock="real",
            n=sum(told.num_answered for told in mode.rounds),
            latency_s=summarise([told.latency_s for told in mode.rounds]),
            throughput_per_s=mode.throughput_per_s,
            note="latencies are the medians of the rounds",
        )


def _claims(model: ModelRow) -> Iterator[Claim]:
    end = "upper end of the interval, at least"
    for mode, words, bound in (
        ("tails", "per-tail queues", 1.0),
        ("off", "no batches", _LEAST_OVER_NONE),
    ):
        name = f"{model.model}: throughput across cuts over {words}, {end}"
        yield at_least(name, model.ratio_to(mode).upper, bound)
    num_wrong = sum(mode.num_wrong for mode in model.modes)
    yield at_most(f"{model.model}: wrong answers, at most", num_wrong, 0)
