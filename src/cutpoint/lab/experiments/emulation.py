"""Experiment: whether emulated links and devices do what they are told."""

import statistics
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from cutpoint.lab.emulation.link_check import LinkKind, Transfers
from cutpoint.lab.emulation.survey import QUICK, Extent, Survey, survey
from cutpoint.lab.emulation.survey_text import (
    plot_survey,
    plot_traces,
    setting_name,
    size_name,
    survey_text,
)
from cutpoint.lab.experiments.experiment import Options, Outcome, Stopwatch
from cutpoint.lab.experiments.form import Claim, Figure, ResultRow, at_most, summarise
from cutpoint.lab.traces import chosen_traces
from cutpoint.units import mbit_per_s

_LINKS_AGREE, _IPERF_AGREES, _FACTOR_HOLDS = 0.05, 0.03, 0.05
_LEAST_CPU_S = 5e-3
"""Shorter nets are not claimed about: a sleep ends some 60 us late."""


class EmulationExperiment:
    """
    Compare the user-space link with the kernel's, iperf3 and arithmetic; devices with a clock.

    Parameters
    ----------
    extent
        How much is measured; by default as the options say.
    """

    name = "emulation"
    summary = "Whether the emulated links and devices do what they are told."

    def __init__(self, extent: Extent | None = None) -> None:
        self._extent = extent

    def run(self, options: Options) -> Outcome:
        """Do it."""
        watch = Stopwatch(self.name, options)
        traces = chosen_traces(options.traces)
        extent = self._extent or (QUICK if options.is_quick else Extent())
        with TemporaryDirectory(prefix="cutpoint-") as folder:
            found = survey(extent, traces, options.seed, Path(folder), options.progress)
        report = watch.report(
            list(_rows(found, options.seed)),
            list(_claims(found)),
            details=_details(found),
            traces=[trace.name for trace in traces],
            notes=found.missing,
        )
        return Outcome(
            report,
            survey_text(found),
            (
                Figure(
                    self.name,
                    "Transfers over emulated links",
                    "Median time of transfers of 100 KB to 1 MB beside what is due; grey: 5 %.",
                    partial(plot_survey, found),
                ),
                Figure(
                    "traces",
                    "The traces",
                    "What each link carries, second by second; it begins anew at its end.",
                    partial(plot_traces, found),
                ),
            ),
        )


def _rows(found: Survey, seed: int) -> Iterator[ResultRow]:
    for each in (*found.transfers, *found.traced):
        yield ResultRow(
            model=size_name(each.size_bytes),
            link=setting_name(each.setting),
            load="idle",
            policy=each.link,
            clock="real",
            n=len(each.took_s),
            latency_s=summarise(each.took_s, seed),
            note=f"due: {each.setting.due_s(each.size_bytes):.4f} s",
        )
    for run in found.stretched:
        yield ResultRow(
            model=run.model,
            link="none",
            load="idle",
            policy=f"stretched {run.factor:g} x",
            clock="real",
            n=len(run.latency_s),
            latency_s=summarise(run.latency_s, seed),
            note=f"{run.reached:.3f} x its CPU time",
        )
    for limited in found.limited:
        yield ResultRow(
            model=limited.model,
            link="none",
            load="idle",
            policy=f"quota of {limited.share:g} of a core",
            clock="real",
            n=len(limited.latency_s),
            latency_s=summarise(limited.latency_s, seed),
            note=f"{limited.error:+.1%} beside what the share asks",
        )


def _claims(found: Survey) -> Iterator[Claim]:
    for link in ("TUN", "tbf"):
        differences = list(_differences((*found.transfers, *found.traced), link))
        if differences:
            yield at_most(
                f"user-space link beside {link}: largest difference of median transfer times, "
                "at most",
                max(differences),
                _LINKS_AGREE,
            )
    yield at_most(
        "user-space link along traces: largest error of a median transfer time, at most",
        max(abs(each.error) for each in found.traced if each.link == "user space"),
        _LINKS_AGREE,
    )
    if found.iperf:
        yield at_most(
            "user-space link by iperf3, 0.13 to 100 Mbit/s: largest error of the rate, at most",
            max(abs(run.error) for run in found.iperf),
            _IPERF_AGREES,
        )
    judged = [run for run in found.stretched if run.plain_cpu_s >= _LEAST_CPU_S]
    yield at_most(
        "stretched device, nets from 5 ms up: largest error of the factor, at most",
        max((abs(run.error) for run in judged), default=float("nan")),
        _FACTOR_HOLDS,
    )


def _differences(transfers: Iterable[Transfers], link: str) -> Iterator[float]:
    """Yield how far the user-space link is from another one, for each setting and size of both."""
    medians_s: dict[tuple[LinkKind, str, int], float] = {
        (each.link, setting_name(each.setting), each.size_bytes): statistics.median(each.took_s)
        for each in transfers
    }
    for (kind, name, size_bytes), median_s in medians_s.items():
        if kind == link:
            yield abs(medians_s["user space", name, size_bytes] / median_s - 1)


def _details(found: Survey) -> dict[str, object]:
    return {
        "iperf3": [
            {
                "asked_mbit_per_s": mbit_per_s(run.asked_bytes_per_s),
                "received_mbit_per_s": mbit_per_s(run.got_bytes_per_s),
                "size_bytes": run.size_bytes,
            }
            for run in found.iperf
        ],
        "new_connections": [
            {
                "link": setting_name(each.setting),
                "size_bytes": each.size_bytes,
                "window_open_s": each.setting.due_s(each.size_bytes),
                "cold_s": each.cold_s,
            }
            for each in found.cold
        ],
        "stretched": found.stretched,
        "limited": found.limited,
    }
