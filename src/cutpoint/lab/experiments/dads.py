"""The table of DADS under light load: printed cells, honest inputs, every policy on one clock."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cutpoint.exceptions import ExperimentError
from cutpoint.lab.arena import Subject, prepare_subject
from cutpoint.lab.experiments.experiment import Options, Outcome, Stopwatch
from cutpoint.lab.papers.cell_rows import rows_of
from cutpoint.lab.papers.cells import Cell, Entry, agreements, cell_of
from cutpoint.lab.papers.choices import CUTPOINT, EXACT, ORACLE, Chooser, Way
from cutpoint.lab.papers.dads_figure import dads_figure
from cutpoint.lab.papers.dads_text import dads_text
from cutpoint.lab.papers.device_factor import device_factor
from cutpoint.lab.papers.implied import implied_speedups
from cutpoint.lab.papers.links import DELAY_S, link_conditions, link_name, links_of
from cutpoint.lab.papers.net_measurement import measure_paper_net
from cutpoint.lab.papers.paper_claims import claims_of
from cutpoint.lab.papers.paper_net import PaperNet
from cutpoint.lab.papers.printed_dads import CALIBRATED, NETS, SPEEDUPS, UPLINKS_MBIT_PER_S
from cutpoint.lab.papers.printed_fit import printed_fit
from cutpoint.lab.papers.real_cells import Effort, RealCells, run_cells
from cutpoint.planning import planner_named

FULL = Effort()
QUICK = Effort(most_s=3.0, budget_s=1.5, most=5, link_s=10.0)
_QUICK_NETS = ("resnet18", "nin")
_NUM_PICTURES = 4
_QUICK_REPEATS = 5
_REPEATS = 8

Confirmed = dict[str, tuple[str, Way]]
"""By link: the net and the way whose cell is confirmed on the real clock."""


class DadsExperiment:
    """
    DADS's light half: five nets, four uplinks, printed and honest baselines, every policy.

    Parameters
    ----------
    effort
        On the real clock; by default that of the full run, and less of it with ``--quick``.
    """

    name = "dads"
    summary = "The table of DADS (light load) with every policy and honest inputs on one clock."

    def __init__(self, effort: Effort | None = None) -> None:
        self._effort = effort

    def run(self, options: Options) -> Outcome:
        """
        Measure the nets, find the device's factor, plan every cell, and run what can be run.

        Raises
        ------
        ExperimentError
            If a net is not in the table.
        """
        watch = Stopwatch(self.name, options)
        effort = self._effort or (QUICK if options.is_quick else FULL)
        with TemporaryDirectory(prefix="cutpoint-dads-") as folder:
            subjects, nets = _measured(_names(options), Path(folder), options)
            factor = _factor(nets)
            links = links_of(UPLINKS_MBIT_PER_S, is_framed=True)
            choosers = {
                name: Chooser(net, factor, links) for name, net in nets.items() if name in subjects
            }
            confirmed = _to_confirm(choosers, effort)
            cells = _run(subjects, choosers, confirmed, effort, options)
        measured = [nets[name] for name in choosers]
        fit = printed_fit()
        implied = implied_speedups(nets[CALIBRATED[0]], fit, UPLINKS_MBIT_PER_S)
        report = watch.report(
            rows_of(cells, effort.most_s),
            claims_of(cells, _ran_though_long(cells, confirmed), effort.most_s),
            details=_details(measured, factor, implied, asdict(fit), cells),
            notes=(
                f"device factor {factor:.2f}, found on {NETS[CALIBRATED[0]]} at "
                f"{link_name(CALIBRATED[1])} and kept",
            ),
            slowdown=factor,
        )
        text = dads_text(cells, measured, factor, implied, fit, effort)
        return Outcome(report, text, (dads_figure(cells),))


def _names(options: Options) -> tuple[str, ...]:
    names = options.models or (_QUICK_NETS if options.is_quick else tuple(NETS))
    unknown = [name for name in names if name not in NETS]
    if unknown:
        raise ExperimentError(
            f"{unknown[0]!r} is not in the table of DADS: take some of {', '.join(NETS)}"
        )
    return names


def _measured(
    names: Sequence[str], folder: Path, options: Options
) -> tuple[dict[str, Subject], dict[str, PaperNet]]:
    """Write and time the nets; the one that the factor comes from in any case."""
    progress = options.progress
    listed = tuple(dict.fromkeys((CALIBRATED[0], *names)))
    progress.begin("dads: nets", 2 * len(listed))
    subjects, nets = {}, {}
    for name in listed:
        progress.advance(f"{name}: writing and calibrating")
        subject = prepare_subject(name, folder, num_pictures=_NUM_PICTURES, seed=options.seed)
        progress.advance(f"{name}: timing")
        repeats = _QUICK_REPEATS if options.is_quick else _REPEATS
        nets[name] = measure_paper_net(subject, repeats=repeats)
        if name in names:
            subjects[name] = subject
    return subjects, nets


def _factor(nets: dict[str, PaperNet]) -> float:
    net, uplink = CALIBRATED
    conditions = link_conditions(uplink, is_framed=True)
    return device_factor(nets[net], conditions, planner_named("dads-light"), SPEEDUPS[CALIBRATED])


def _to_confirm(choosers: dict[str, Chooser], effort: Effort) -> Confirmed:
    """Give for each link the quickest of what takes too long; what uses the link goes first."""
    found: dict[str, tuple[bool, float, str, Way]] = {}
    for name, chooser in choosers.items():
        for link in chooser.links:
            for choice in chooser.choices(link):
                if choice.latency_s <= effort.most_s or choice.policy in (CUTPOINT, EXACT, ORACLE):
                    continue
                is_alone = choice.way.cut.placement == "device"
                known = found.get(link)
                if known is None or (is_alone, choice.latency_s) < known[:2]:
                    found[link] = is_alone, choice.latency_s, name, choice.way
    return {link: (name, way) for link, (_, _, name, way) in found.items()}


def _run(
    subjects: dict[str, Subject],
    choosers: dict[str, Chooser],
    confirmed: Confirmed,
    effort: Effort,
    options: Options,
) -> list[Cell]:
    options.progress.begin("dads: real clock", len(choosers) * len(UPLINKS_MBIT_PER_S))
    cells = []
    for name, chooser in choosers.items():
        own = {link: (way,) for link, (net, way) in confirmed.items() if net == name}
        real: RealCells = run_cells(
            subjects[name],
            chooser,
            delay_s=DELAY_S,
            effort=effort,
            confirmed=own,
            listener=options.progress.advance,
        )
        cells += [cell_of(chooser, link_name(each), each, real) for each in UPLINKS_MBIT_PER_S]
    return cells


def _ran_though_long(cells: Sequence[Cell], confirmed: Confirmed) -> list[tuple[Cell, Entry]]:
    """Give the cells that were confirmed, each with the first policy that chose the way."""
    found = []
    for cell in cells:
        net, way = confirmed.get(cell.link, ("", None))
        chosen = [each for each in cell.entries if each.way == way and each.policy != CUTPOINT]
        if net == cell.net and chosen:
            found.append((cell, chosen[0]))
    return found


def _details(
    nets: Sequence[PaperNet],
    factor: float,
    implied: Any,
    fit: dict[str, float],
    cells: Sequence[Cell],
) -> dict[str, Any]:
    return {
        "device_factor": factor,
        "delay_s": DELAY_S,
        "nets": [
            {"name": net.name, "whole_s": net.whole_s, "contention": net.contention} for net in nets
        ],
        "printed": {f"{net} at {link_name(up)}": each for (net, up), each in SPEEDUPS.items()},
        "printed_fit": fit,
        "planned_as_implied": {link_name(up): each for up, each in implied.items()},
        "clocks_apart": {link: asdict(each) for link, each in agreements(cells).items()},
        "ways": {
            f"{cell.net} at {cell.link}": {each.policy: str(each.way) for each in cell.entries}
            for cell in cells
        },
        "shots": [
            {
                "net": cell.net,
                "link": cell.link,
                "policy": entry.policy,
                "latency_s": [shot.latency_s for shot in entry.shots],
                "is_counted": [shot in entry.counted for shot in entry.shots],
            }
            for cell in cells
            for entry in cell.entries
            if entry.shots and entry.policy != ORACLE
        ],
    }
