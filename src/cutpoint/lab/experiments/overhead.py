"""Experiment: what cutpoint costs beside what it stands on."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from cutpoint.lab.experiments.experiment import Options, Outcome, Stopwatch, details_of
from cutpoint.lab.experiments.form import Claim, Figure, ResultRow, at_most
from cutpoint.lab.overhead_bench import MODELS, OverheadBench, OverheadRow, run_overhead_bench
from cutpoint.lab.overhead_report import GOALS, overhead_text, plot_overhead
from cutpoint.lab.progress import announcer

_QUICK_MODELS, _QUICK_PAIRS = MODELS[:2], 150
_PAIRS, _MOST_TIMES = 400, 1
_WAYS = 3


class OverheadExperiment:
    """
    Run models by cutpoint and by what it stands on, in turns.

    Parameters
    ----------
    num_pairs, most_times
        Pairs per way, and so many times as many where the ratio is unsure; ``None`` as it fits.
    """

    name = "overhead"
    summary = "What a session costs beside ONNX Runtime's, and beside a bare client of a server."

    def __init__(self, num_pairs: int | None = None, most_times: int | None = None) -> None:
        self._num_pairs = num_pairs
        self._most_times = most_times

    def run(self, options: Options) -> Outcome:
        """Do it."""
        watch = Stopwatch(self.name, options)
        models = options.models or (_QUICK_MODELS if options.is_quick else MODELS)
        with TemporaryDirectory(prefix="cutpoint-") as folder:
            bench = run_overhead_bench(
                Path(folder),
                models,
                self._num_pairs or (_QUICK_PAIRS if options.is_quick else _PAIRS),
                self._most_times or (1 if options.is_quick else _MOST_TIMES),
                announcer(options.progress, self.name, _WAYS * len(models)),
            )
        report = watch.report(
            [row for each in bench.rows for row in _rows(each)],
            list(_claims(bench)),
            details=details_of(bench),
        )
        figure = Figure(
            self.name,
            "Ratio of each way",
            "What cutpoint takes over what it stands on, with the goal of each way.",
            lambda path: plot_overhead(bench, path),
        )
        return Outcome(report, overhead_text(bench), (figure,))


def _rows(row: OverheadRow) -> Iterator[ResultRow]:
    """Give both sides of a ratio, at a place of their own: pairs are compared, not ways."""
    is_there = row.way == "server"
    ours = ResultRow(
        model=row.model,
        link="loopback" if is_there else "none",
        load="all of it on the server" if is_there else f"held as {row.way}",
        policy="cutpoint",
        clock="real",
        n=row.ratio.num_pairs,
        latency_s=row.taken,
        note="" if is_there else "CPU time of the calling thread",
    )
    other = "bare client" if is_there else "ONNX Runtime"
    note = row.reference if is_there else ours.note
    return iter((ours, replace(ours, policy=other, latency_s=row.reference_taken, note=note)))


def _claims(bench: OverheadBench) -> Iterator[Claim]:
    for row in bench.rows:
        name = f"{row.model}, {row.way}: times what it stands on takes, at most"
        yield at_most(name, row.ratio.ratio, GOALS[row.way])
    yield at_most("wrong answers, at most", sum(row.num_wrong for row in bench.rows), 0)
