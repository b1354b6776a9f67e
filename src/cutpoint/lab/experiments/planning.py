"""Experiment: how fast planning is."""

from collections.abc import Iterator
from dataclasses import replace

from cutpoint.lab.experiments.experiment import Options, Outcome, Stopwatch, details_of
from cutpoint.lab.experiments.form import Figure, ResultRow, at_most
from cutpoint.lab.planning_bench import SIZES, DecisionRow, run_planning_bench
from cutpoint.lab.planning_report import planning_text, plot_growth
from cutpoint.lab.progress import announcer
from cutpoint.lab.zoo import ZOO

MOST_DECISION_S = 10e-6
"""A decision's goal: median, every model."""

_QUICK_MODELS = ("googlenet", "hrnet_w18_small", "mobilenet_v2", "resnet18", "squeezenet", "vgg16")
_QUICK_SIZE, _QUICK_ROUNDS, _ROUNDS = 3_000, 10, 20


class PlanningExperiment:
    """
    Measure a decision, compiling a table, and one minimum cut beside them.

    Parameters
    ----------
    largest, num_rounds
        Blocks of the largest made-up network, and rounds per model; ``None`` as it fits.
    """

    name = "planning"
    summary = "How fast a decision is, compiling a table, and a minimum cut beside them."

    def __init__(self, largest: int | None = None, num_rounds: int | None = None) -> None:
        self._largest = largest
        self._num_rounds = num_rounds

    def run(self, options: Options) -> Outcome:
        """Do it; nothing but the networks' shapes is needed: no model file, no server."""
        watch = Stopwatch(self.name, options)
        models = options.models or (_QUICK_MODELS if options.is_quick else tuple(ZOO))
        largest = self._largest or (_QUICK_SIZE if options.is_quick else SIZES[-1])
        sizes = [size for size in SIZES if size <= largest]
        bench = run_planning_bench(
            models,
            sizes,
            self._num_rounds or (_QUICK_ROUNDS if options.is_quick else _ROUNDS),
            announcer(options.progress, self.name, len(models) + len(sizes)),
        )
        slowest = max(bench.decisions, key=lambda row: row.decide_s)
        claim = at_most(
            f"slowest decision of any model (median, {slowest.model}): µs, at most",
            slowest.decide_s * 1e6,
            MOST_DECISION_S * 1e6,
        )
        report = watch.report(
            [row for each in bench.decisions for row in _rows(each)],
            [claim],
            details=details_of(bench),
        )
        figure = Figure(
            self.name,
            "Seconds over the size of the network",
            "What planning takes on made-up networks of growing size.",
            lambda path: plot_growth(bench, path),
        )
        return Outcome(report, planning_text(bench), (figure,))


def _rows(row: DecisionRow) -> Iterator[ResultRow]:
    decided = ResultRow(
        model=row.model,
        link="drawn",
        load="drawn",
        policy="decision on the table",
        clock="real",
        n=row.num_decisions,
        latency_s=row.decided,
        note="the time of planning, not of an inference",
    )
    cut = replace(decided, policy="minimum cut (DADS)", n=row.num_dads, latency_s=row.dads)
    return iter((decided, cut))
