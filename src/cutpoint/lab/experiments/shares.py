"""Experiment: how often a split wins, and by how much."""

from collections.abc import Iterator

from cutpoint.lab.experiments.experiment import Options, Outcome, Stopwatch, details_of
from cutpoint.lab.experiments.form import Figure, ResultRow, summarise
from cutpoint.lab.progress import Progress
from cutpoint.lab.shares_bench import QUICK_MODELS, SharesBench, run_shares_bench
from cutpoint.lab.shares_figure import plot_shares
from cutpoint.lab.shares_report import shares_text
from cutpoint.lab.zoo import ZOO


class SharesExperiment:
    """Compare splits with both ends over links, devices, servers and codecs."""

    name = "shares"
    summary = "In what share of links, devices and loads a split wins, by input and codecs."

    def run(self, options: Options) -> Outcome:
        """Do it: nets and codecs are measured here, the conditions are computed."""
        watch = Stopwatch(self.name, options)
        models = options.models or (QUICK_MODELS if options.is_quick else tuple(ZOO))
        steps = _Steps(options.progress, len(models))
        bench = run_shares_bench(models, quick=options.is_quick, listener=steps.tell)
        return shares_outcome(bench, watch)


def shares_outcome(bench: SharesBench, watch: Stopwatch) -> Outcome:
    """Give what was measured and computed as an outcome."""
    report = watch.report(list(_rows(bench)), [], details=details_of(bench))
    figure = Figure(
        "shares",
        "Share of conditions by net, link, input and codecs",
        "Where a split is the best plan, and by how much.",
        lambda path: plot_shares(bench, path),
    )
    return Outcome(report, shares_text(bench), (figure,))


class _Steps:
    """A step for each net, told by lines that begin with its number."""

    def __init__(self, progress: Progress, num_models: int) -> None:
        self._progress = progress
        self._num_models = num_models
        self._number = "1"
        progress.begin("shares", num_models)

    def tell(self, text: str) -> None:
        number, slash, told = text.partition("/")
        if slash and number != self._number:
            self._number = number
            self._progress.advance(told.partition(" ")[2])


def _rows(bench: SharesBench) -> Iterator[ResultRow]:
    for net in bench.nets:
        yield ResultRow(
            model=net.model,
            link="none",
            load="idle",
            policy="device-only",
            clock="real",
            n=1,
            latency_s=summarise([net.whole_s]),
            note="CPU time of the quietest runs, on this machine",
        )
