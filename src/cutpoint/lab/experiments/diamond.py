"""Experiment: DIAMOND's own setting, a real Triton whose load others change."""

from collections.abc import Iterator
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory

from cutpoint.exceptions import ConnectError
from cutpoint.lab.experiments.experiment import Options, Outcome, Stopwatch
from cutpoint.lab.experiments.form import Claim, Figure, ResultRow, at_least, at_most, summarise
from cutpoint.lab.progress import announcer
from cutpoint.lab.triton_bench.bench import (
    MODEL,
    UP_BYTES_PER_S,
    BenchSettings,
    TritonBench,
    run_triton_bench,
)
from cutpoint.lab.triton_bench.report import plot_triton, triton_text
from cutpoint.lab.triton_process import TritonInstallation, find_triton
from cutpoint.units import format_bandwidth

_QUICK = BenchSettings(instances=(1, 4), callers=(0, 8, 0), phase_s=5.0)
_MOST_ERROR = 0.15
_LEAST_CHANGE = 0.25
_FOLLOWING = ("diamond", "cutpoint")
_MOST_OVER_FIXED = 1.0


class DiamondExperiment:
    """
    Let sessions take turns at a Triton, with 1 to 4 instances and changing load.

    Parameters
    ----------
    settings
        What is run; ``None`` as it fits.
    """

    name = "diamond"
    summary = "NVIDIA Triton under changing load: W + E(b) predicted and measured, and who follows."

    def __init__(self, settings: BenchSettings | None = None) -> None:
        self._settings = settings

    def run(self, options: Options) -> Outcome:
        """Do it; where there is no Triton, say why not."""
        watch = Stopwatch(self.name, options)
        try:
            installation = find_triton()
        except ConnectError as error:
            words = f"Not run: {error}."
            return Outcome(watch.report((), (), notes=(words,)), f"{words}\n")
        bench = self._measured(options, installation)
        report = watch.report(
            [row for number in bench.settings.instances for row in _rows(bench, number)],
            tuple(_claims(bench)),
            details={"settings": bench.settings, "windows": _windows(bench)},
        )
        figure = Figure(
            self.name,
            "Latency on Triton, by load",
            "Mean latency by requests that others have under way, for 1 to 4 instances.",
            lambda path: plot_triton(bench, path),
        )
        return Outcome(report, triton_text(bench), (figure,))

    def _measured(self, options: Options, installation: TritonInstallation) -> TritonBench:
        settings = self._settings or (_QUICK if options.is_quick else BenchSettings())
        listener = announcer(options.progress, self.name, len(settings.instances))
        with TemporaryDirectory(prefix="cutpoint-") as folder:
            return run_triton_bench(Path(folder), installation, settings, listener)


def _rows(bench: TritonBench, num_instances: int) -> Iterator[ResultRow]:
    for num_callers in sorted(set(bench.settings.callers)):
        for policy in bench.settings.policies:
            shots = bench.of(policy, num_instances, num_callers)
            if shots:
                yield ResultRow(
                    model=MODEL,
                    link=format_bandwidth(UP_BYTES_PER_S),
                    load=f"{num_instances} instances, {num_callers} callers",
                    policy=policy,
                    clock="real",
                    n=len(shots),
                    latency_s=summarise([shot.latency_s for shot in shots]),
                    energy_j=fmean(shot.energy_j for shot in shots),
                )


def _claims(bench: TritonBench) -> Iterator[Claim]:
    for number in bench.windows:
        name = f"{number} instances: median error of W + E(b), at most"
        yield at_most(name, bench.error(number), _MOST_ERROR)
    callers, few = bench.settings.callers, bench.settings.instances[0]
    for policy in _FOLLOWING:
        idle, busy = (
            bench.share_offloaded(policy, few, level) for level in (min(callers), max(callers))
        )
        name = f"{policy}: share offloaded to an idle Triton over a busy one, at least"
        yield at_least(name, idle - busy, _LEAST_CHANGE)
    fixed_s = min(_mean_s(bench, policy) for policy in ("device", "server"))
    name = "cutpoint: latency over the better of always device and always server, at most"
    yield at_most(name, _mean_s(bench, "cutpoint") / fixed_s, _MOST_OVER_FIXED)
    yield at_most("wrong answers, at most", sum(not shot.is_right for shot in bench.shots), 0)


def _mean_s(bench: TritonBench, policy: str) -> float:
    return fmean(shot.latency_s for shot in bench.of(policy))


def _windows(bench: TritonBench) -> dict[str, object]:
    return {str(number): windows for number, windows in bench.windows.items()}
