"""What every policy's choices cost a device in joules, on both clocks."""

from cutpoint.lab.energy.campaign import EnergyCampaign
from cutpoint.lab.energy.findings import cells_of, claims, measured_j, result_rows
from cutpoint.lab.energy.text import figure_of, told
from cutpoint.lab.experiments.experiment import Options, Outcome, Stopwatch
from cutpoint.lab.traces import chosen_traces

_MODELS = ("squeezenet", "mobilenet_v2", "resnet18")
"""The first is measured on the real clock as well."""

_QUICK_MODELS = ("squeezenet",)
_NUM_ROUNDS, _QUICK_ROUNDS = 8, 3


class EnergyExperiment:
    """
    Joules by policy, net, link and device.

    Parameters
    ----------
    num_rounds
        At each rate on the real clock; ``None`` for 8, or 3 of a quick run, 0 for none at all.
    """

    name = "energy"
    summary = "What every policy costs the device in joules: boards, radios, traces."

    def __init__(self, num_rounds: int | None = None) -> None:
        self._num_rounds = num_rounds

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
        num_rounds = _QUICK_ROUNDS if options.is_quick else _NUM_ROUNDS
        if self._num_rounds is not None:
            num_rounds = self._num_rounds
        campaign = EnergyCampaign(traces, options, num_rounds)
        options.progress.begin("nets", len(names) + 1)
        for name in names:
            if num_rounds and name == names[0]:
                campaign.measure(name)
            else:
                campaign.compute(name)
            options.progress.advance(name)
        cells, shots = cells_of(campaign.cases), campaign.shots
        options.progress.advance("policies on the virtual clock")
        report = watch.report(
            result_rows(cells, shots, options.seed),
            claims(cells, shots),
            details={
                "device_slowdown": campaign.slowdowns,
                "ratio_to_thriftiest_other": {cell.name: cell.ratio for cell in cells},
                "measured_j": measured_j(shots),
            },
            traces=[trace.name for trace in traces],
            slowdown=campaign.slowdowns[names[0]],
        )
        return Outcome(report, told(cells, shots), (figure_of(cells),))
