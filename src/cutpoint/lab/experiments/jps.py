"""The table of JPS for single jobs, planned: printed savings, honest inputs, every policy."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cutpoint.exceptions import ExperimentError
from cutpoint.lab.arena import prepare_subject
from cutpoint.lab.experiments.experiment import Options, Outcome, Stopwatch
from cutpoint.lab.experiments.form import Claim, at_least
from cutpoint.lab.papers.cell_rows import planned_rows_of
from cutpoint.lab.papers.cells import Cell, cell_of
from cutpoint.lab.papers.choices import CUTPOINT, PUBLISHED, Chooser
from cutpoint.lab.papers.device_factor import device_factor
from cutpoint.lab.papers.jps_text import jps_figure, jps_text, saved
from cutpoint.lab.papers.links import DELAY_S, link_conditions, link_name, links_of
from cutpoint.lab.papers.net_measurement import measure_paper_net
from cutpoint.lab.papers.paper_claims import best_claim
from cutpoint.lab.papers.paper_net import PaperNet
from cutpoint.lab.papers.printed_jps import (
    CALIBRATED_MBIT_PER_S,
    NETS,
    SAVED_BY_JPS,
    SAVED_BY_PO,
    UPLINKS_MBIT_PER_S,
)
from cutpoint.lab.papers.real_cells import RealCells
from cutpoint.planning import planner_named

_PUBLISHED = {**PUBLISHED, "jps": "jps"}
_QUICK_NETS = ("resnet18", "mobilenet_v2")
_QUICK_REPEATS = 5
_REPEATS = 12


class JpsExperiment:
    """JPS's table of four nets and three uplinks, one job at a time, summed from cost tables."""

    name = "jps"
    summary = "The table of JPS for single jobs, planned."

    def run(self, options: Options) -> Outcome:
        """
        Measure the nets, find each one's device, and plan every cell.

        Raises
        ------
        ExperimentError
            If a net is not in the table.
        """
        watch = Stopwatch(self.name, options)
        nets = _measured(_names(options), options)
        factors = {net.name: _factor(net) for net in nets}
        cells = [cell for net in nets for cell in _cells(net, factors[net.name])]
        report = watch.report(
            planned_rows_of(cells),
            [claim for cell in cells for claim in _claims(cell)],
            details=_details(nets, factors, cells),
            notes=("planned: summed from the CPU times of this machine, nothing is sent",),
        )
        return Outcome(report, jps_text(cells, nets, factors), (jps_figure(cells),))


def _names(options: Options) -> tuple[str, ...]:
    names = options.models or (_QUICK_NETS if options.is_quick else tuple(NETS))
    unknown = [name for name in names if name not in NETS]
    if unknown:
        raise ExperimentError(
            f"{unknown[0]!r} is not in the table of JPS: take some of {', '.join(NETS)}"
        )
    return names


def _measured(names: Sequence[str], options: Options) -> list[PaperNet]:
    progress = options.progress
    progress.begin("jps", 2 * len(names))
    nets = []
    for name in names:
        with TemporaryDirectory(prefix="cutpoint-jps-") as folder:
            progress.advance(f"{name}: writing and calibrating")
            subject = prepare_subject(name, Path(folder), seed=options.seed)
            progress.advance(f"{name}: timing")
            repeats = _QUICK_REPEATS if options.is_quick else _REPEATS
            nets.append(measure_paper_net(subject, repeats=repeats))
    return nets


def _factor(net: PaperNet) -> float:
    printed = SAVED_BY_PO[net.name, CALIBRATED_MBIT_PER_S]
    conditions = link_conditions(CALIBRATED_MBIT_PER_S)
    return device_factor(net, conditions, planner_named("dads-light"), 1 / (1 - printed))


def _cells(net: PaperNet, factor: float) -> list[Cell]:
    chooser = Chooser(net, factor, links_of(UPLINKS_MBIT_PER_S), _PUBLISHED)
    return [cell_of(chooser, link_name(up), up, RealCells()) for up in UPLINKS_MBIT_PER_S]


def _claims(cell: Cell) -> tuple[Claim, Claim]:
    printed = SAVED_BY_PO[cell.net, cell.mbit_per_s]
    name = f"saved on local-only by cutpoint, {NETS[cell.net]} at {cell.link}, at least as PO"
    return (
        at_least(f"{name} (planned)", saved(cell, CUTPOINT), printed),
        best_claim(cell, NETS[cell.net], "planned"),
    )


def _details(
    nets: Sequence[PaperNet], factors: dict[str, float], cells: Sequence[Cell]
) -> dict[str, Any]:
    return {
        "delay_s": DELAY_S,
        "nets": [
            {
                "name": net.name,
                "whole_s": net.whole_s,
                "contention": net.contention,
                "device_factor": factors[net.name],
            }
            for net in nets
        ],
        "cells": [
            {
                "net": cell.net,
                "link": cell.link,
                "printed": {
                    "po": SAVED_BY_PO[cell.net, cell.mbit_per_s],
                    "jps, 100 jobs": SAVED_BY_JPS[cell.net, cell.mbit_per_s],
                },
                "saved": {each.policy: saved(cell, each.policy) for each in cell.entries},
                "ways": {each.policy: str(each.way) for each in cell.entries},
            }
            for cell in cells
        ],
    }
