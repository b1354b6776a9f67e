"""What the energy experiment found, in words, tables and a plot."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from cutpoint.cost import POWER_PROFILES
from cutpoint.lab.arena import Shot
from cutpoint.lab.energy.campaign import MEASURED_ON
from cutpoint.lab.energy.case import ORACLE
from cutpoint.lab.energy.findings import DEVICES, Cell, by_link, mean_j
from cutpoint.lab.experiments.form import Figure
from cutpoint.lab.plotting import pyplot
from cutpoint.units import milliseconds

_HOW = """\
What each policy's choices cost the device, by published figures of boards and radios: idling,
computing, and what sending and receiving add. Only the device is counted. Nobody put a meter to
one; what the figures are, each says below. What probes and health checks cost is not counted, for
anybody.

On the virtual clock every policy decides ten times a second of a trace, while others load the
server to 90 % in the middle third; it is told what a session's own estimators believe, or goes by
its own. Cutpoint is fed pixels and may use codecs that are no further from the exact outputs than
JPEG 90 of the input; the published schemes are fed floats and encode nothing, as published, and
keep to their own objective, which is time. *Neurosurgeon, energy* has its own target of energy, and
*diamond, energy* weighs the joules of this very device. *Oracle of energy* takes what truly costs
least each time.
"""

_MEASURED = """\
## Real clock

Real processes, emulated links and an emulated device; joules are those of each record
(`energy_j`), counted with `{power}`. Those during which other work held a core do not count; how
many did is in brackets.
"""


_TICKS = (1, 2, 3, 5, 8)
"""Of the axis of ratios."""


def told(cells: Sequence[Cell], shots: Sequence[Shot]) -> str:
    """Give the text of the report."""
    parts = [_HOW, "## Virtual clock\n"]
    first = cells[0].case.model
    for link in dict.fromkeys(cell.case.trace.name for cell in cells):
        chosen = [c for c in cells if (c.case.model, c.case.trace.name) == (first, link)]
        parts.append(_table(f"{first}, {link}", chosen))
    parts.append(_ratios(cells))
    if shots:
        parts += [_MEASURED.format(power=MEASURED_ON), _measured(shots)]
    parts.append(_sources())
    return "\n".join(parts)


def _table(title: str, cells: Sequence[Cell]) -> str:
    """Give joules and milliseconds by policy, a column for each device."""
    lines = [
        f"| {title} |" + "".join(f" {cell.device} |" for cell in cells),
        "|---|" + "---|" * len(cells),
    ]
    for runs in zip(*(cell.runs for cell in cells), strict=True):
        cells_of = (f" {run.mean_j:.3f} J, {milliseconds(run.mean_s):.0f} ms |" for run in runs)
        lines.append(f"| {runs[0].policy} |" + "".join(cells_of))
    return "\n".join([*lines, ""])


def _ratios(cells: Sequence[Cell]) -> str:
    """Give cutpoint beside the thriftiest other policy of each run, and beside the oracle."""
    lines = [
        "Joules of cutpoint under `energy`, in every run:",
        "",
        "| run | over the thriftiest published scheme or end | which is | over the oracle |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| {cell.name} | {cell.ratio:.3f} | {cell.thriftiest_other.policy} | "
        f"{cell.ratio * cell.thriftiest_other.mean_j / cell.mean_j(ORACLE):.3f} |"
        for cell in cells
    ]
    return "\n".join([*lines, ""])


def _measured(shots: Sequence[Shot]) -> str:
    found = by_link(shots)
    links = list(dict.fromkeys(shot.spot.link for shot in shots))
    lines = ["| |" + "".join(f" {link} |" for link in links), "|---|" + "---|" * len(links)]
    for name in dict.fromkeys(shot.contender for shot in shots):
        cells = (_cell(found.get((link, name), [])) for link in links)
        lines.append(f"| {name} |" + "".join(cells))
    return "\n".join([*lines, ""])


def _cell(shots: Sequence[Shot]) -> str:
    if not shots:
        return " no result |"
    joules = mean_j(shots)
    latency_s = float(np.mean([shot.latency_s for shot in shots]))
    return f" {joules:.3f} J, {milliseconds(latency_s):.0f} ms ({len(shots)}) |"


def _sources() -> str:
    """Give where the figures are from."""
    lines = [
        f"- {name}: computing {power.compute_w:g} W, idle {power.idle_w:g} W, sending "
        f"{power.send_w:.2f} W and {power.send_w_per_bytes_per_s * 1e6:.2f} J per MB. "
        f"{power.source}"
        for name, power in ((name, POWER_PROFILES[name]) for name in DEVICES)
    ]
    return "\n".join(["## Where the figures are from", "", *lines, ""])


def figure_of(cells: Sequence[Cell]) -> Figure:
    """Give the plot of the report: joules over the oracle's by policy."""
    first = [cell for cell in cells if cell.case.model == cells[0].case.model]
    return Figure(
        "energy",
        f"Joules of every policy, {cells[0].case.model}",
        "Mean joules of the device per inference over those of the row that costs least each time "
        "(virtual clock, estimated conditions, server load 0-90-0 %).",
        partial(_draw, first),
    )


def _draw(cells: Sequence[Cell], path: Path) -> None:
    links = list(dict.fromkeys(cell.case.trace.name for cell in cells))
    figure, all_axes = pyplot().subplots(
        1, len(links), figsize=(6 * len(links), 5), layout="constrained", squeeze=False, sharey=True
    )
    names = [run.policy for run in cells[0].runs if run.policy != ORACLE][::-1]
    height = 0.8 / len(DEVICES)
    for axes, link in zip(all_axes[0], links, strict=True):
        of_link = [cell for cell in cells if cell.case.trace.name == link]
        for number, cell in enumerate(of_link):
            at = np.arange(len(names)) + 0.4 - (number + 0.5) * height
            ratios = [cell.mean_j(name) / cell.mean_j(ORACLE) for name in names]
            axes.barh(at, ratios, height, label=cell.device)
        axes.axvline(1.0, color="#666666", lw=0.8)
        axes.set_xscale("log")
        axes.set_xticks(_TICKS, [str(tick) for tick in _TICKS])
        axes.minorticks_off()
        axes.set_title(link, loc="left")
        axes.set_xlabel("mean joules over the oracle's")
        axes.set_yticks(range(len(names)), names)
        axes.set_axisbelow(True)
    all_axes[0][0].legend(frameon=False, loc="lower right", fontsize=8)
    figure.savefig(path, dpi=120)
    pyplot().close(figure)
