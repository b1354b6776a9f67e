"""Experiment: how fast a cut's two parts are written."""

from collections.abc import Iterator
from dataclasses import replace

from cutpoint.lab.experiments.experiment import Options, Outcome, Stopwatch, details_of
from cutpoint.lab.experiments.form import Figure, ResultRow, summarise
from cutpoint.lab.extraction_bench import ExtractionRow, run_extraction_bench
from cutpoint.lab.extraction_report import extraction_text, plot_extraction
from cutpoint.lab.progress import announcer
from cutpoint.lab.zoo import ZOO

_QUICK_MODELS = ("googlenet", "mobilenet_v2", "resnet50", "squeezenet")
_NUM_CUTS = 20


class ExtractionExperiment:
    """
    Write both parts of a cut as models of their own.

    Parameters
    ----------
    num_cuts
        Cuts per model.
    """

    name = "extraction"
    summary = "How long it takes to write both parts of a cut as models of their own."

    def __init__(self, num_cuts: int = _NUM_CUTS) -> None:
        self._num_cuts = num_cuts

    def run(self, options: Options) -> Outcome:
        """Do it."""
        watch = Stopwatch(self.name, options)
        models = options.models or (_QUICK_MODELS if options.is_quick else None)
        listener = announcer(options.progress, self.name, len(models or ZOO))
        bench = run_extraction_bench(models, self._num_cuts, listener)
        report = watch.report(
            [row for each in bench.rows for row in _rows(each)], [], details=details_of(bench)
        )
        figure = Figure(
            self.name,
            "Milliseconds over the number of nodes",
            "Finding and writing the two parts of a cut; weights are referred to.",
            lambda path: plot_extraction(bench, path),
        )
        return Outcome(report, extraction_text(bench), (figure,))


def _rows(row: ExtractionRow) -> Iterator[ResultRow]:
    further = ResultRow(
        model=row.model,
        link="none",
        load="idle",
        policy="further cuts",
        clock="real",
        n=row.num_cuts,
        latency_s=row.further,
        note="the time of writing, not of an inference",
    )
    first = replace(further, policy="first cut", n=1, latency_s=summarise([row.first_s]))
    return iter((first, further))
