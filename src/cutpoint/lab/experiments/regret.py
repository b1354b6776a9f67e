"""Every policy on link traces with changing server load, exactly and on the real clock."""

import tempfile
from pathlib import Path

from cutpoint.lab.experiments.experiment import Options, Outcome, Stopwatch
from cutpoint.lab.regret.campaign import Campaign
from cutpoint.lab.regret.figures import drawn_figures
from cutpoint.lab.regret.findings import claims, result_rows
from cutpoint.lab.regret.text import told
from cutpoint.lab.traces import chosen_traces

_QUICK_MODELS = ("squeezenet", "mobilenet_v2", "resnet18")
_MODELS = (*_QUICK_MODELS, "googlenet", "alexnet", "resnet50", "mobilenet_v3_large")
"""The first is measured on the real clock as well."""

_NUM_PLACES, _QUICK_PLACES = 10, 3


class RegretExperiment:
    """
    Regret in both forms, each labelled.

    Parameters
    ----------
    num_places
        Of each trace on the real clock; ``None`` for 10, or 3 of a quick run.
    """

    name = "regret"
    summary = "Every policy on link traces with changing server load, beside an oracle."

    def __init__(self, num_places: int | None = None) -> None:
        self._num_places = num_places

    def run(self, options: Options) -> Outcome:
        """
        Measure the first model and compute all of them.

        Raises
        ------
        CutpointError
            If a model is not in the zoo or takes no pictures, a trace cannot be read, or a server
            does not become ready.
        """
        watch = Stopwatch(self.name, options)
        traces = chosen_traces(options.traces)
        names = options.models or (_QUICK_MODELS if options.is_quick else _MODELS)
        with tempfile.TemporaryDirectory(prefix="cutpoint-regret-") as folder:
            campaign = Campaign(traces, options, Path(folder))
            campaign.measure(names[0], self._places(options))
            options.progress.begin("tables of more nets", len(names) - 1)
            for name in names[1:]:
                campaign.compute(name)
                options.progress.advance(name)
        rows = result_rows(campaign.cases, campaign.measured, options.seed)
        report = watch.report(
            rows,
            claims(campaign.cases, campaign.measured, compares=not options.is_quick),
            details=campaign.details(),
            traces=[trace.name for trace in traces],
            slowdown=campaign.slowdowns[names[0]],
        )
        figures = drawn_figures(rows, campaign.cases, campaign.measured)
        return Outcome(report, told(campaign, rows), figures)

    def _places(self, options: Options) -> int:
        if self._num_places is not None:
            return self._num_places
        return _QUICK_PLACES if options.is_quick else _NUM_PLACES
