"""LoADPart's grid in words."""

from collections.abc import Mapping, Sequence

from cutpoint.lab.load_series import LoadSeries
from cutpoint.lab.loadpart.balance import BALANCED_MBIT_PER_S
from cutpoint.lab.loadpart.cells import (
    AWARE,
    BLIND,
    CUTPOINT,
    DEVICE_ONLY,
    FOLLOW_ON,
    FULL,
    ORACLE,
    SERVER_ONLY,
    LoadCell,
    average_saving,
    overall_saving,
)
from cutpoint.lab.loadpart.real_cells import RealCell
from cutpoint.lab.papers.links import link_name
from cutpoint.lab.papers.paper_net import PaperNet
from cutpoint.lab.shares.table_text import percent, table
from cutpoint.units import format_duration, milliseconds

_SHOWN = (BLIND, AWARE, FOLLOW_ON, CUTPOINT, FULL, DEVICE_ONLY, SERVER_ONLY, ORACLE)
_SAVERS = (AWARE, FOLLOW_ON, CUTPOINT, FULL, ORACLE)

_HOW = """\
Six nets, those recalled of LoADPart, at three links (up and down, 5 ms one way) and six levels of
load on the server; one inference a second on the virtual clock, each as if it were alone. The input
is the picture's pixels and values travel as they are: what LoADPart sends is not known. Who knows
of the load and who does not differ in that and in nothing else:

- *load-blind*: LoADPart's planner with k = 1 and W = 0, told the true rate of the link.
- *loadpart*: the same, with k as the mean of the latest reports of the server, which ride on
  answers and on a poll each second. The rate is told: in the load experiments of its follow-on's
  code it comes from the configuration too.
- *loadpart-followon*: k and the wait W, and the profile in place of the regression.
- *cutpoint*: the same rows, told nothing: its own estimators of link and load.
- *cutpoint, any codec*: as a session runs it, with every codec within the error of a JPEG.
- *oracle*: the row that truly was the soonest, of those that *cutpoint* has here: LoADPart's own,
  and cuts across several branches.
"""

_LOAD = """\
## The load, as measured

A real server with sixteen workers on one core, so that requests share it as kernels of several
processes share an accelerator; others ask for the whole model at random, as often as makes so much
of its capacity. One request of ours at a time tells how long it waits (W) and how many times as
long as on the idle server it runs (k). Two nets whose requests take different times show about the
same where waits are told in requests: so one net's series, drawn out to the time of each net's
requests, is the load of every net.
"""


def loadpart_text(
    nets: Sequence[PaperNet],
    factor: float,
    series: Mapping[str, Sequence[LoadSeries]],
    cells: Sequence[LoadCell],
    real: Sequence[RealCell],
) -> str:
    """Give the report's text."""
    parts = (_HOW, _device(nets, factor), _LOAD, _series(series), _savings(cells), _levels(cells))
    return "\n\n".join((*parts, _latencies(cells), *([_real(real)] if real else [])))


def _device(nets: Sequence[PaperNet], factor: float) -> str:
    wholes = ", ".join(
        f"{net.name} {format_duration(net.whole_s)} ({format_duration(factor * net.whole_s)})"
        for net in nets
    )
    return (
        f"The device is this machine with one thread, slowed {factor:.2f} x; the factor was found "
        "once, from the times of the nets on the idle server, and kept: at it the middle net takes "
        f"as long on the device as on the server over {link_name(BALANCED_MBIT_PER_S)}. No printed "
        f"figure could be had to calibrate on. Whole nets here (on the device): {wholes}."
    )


def _series(series: Mapping[str, Sequence[LoadSeries]]) -> str:
    rows = [
        [
            name,
            f"{each.level:.0%}",
            f"{each.mean_slowdown:.2f}",
            f"{each.mean_waits:.2f}",
            f"{len(each.at_s)}",
            f"{each.num_refused}",
        ]
        for name, found in series.items()
        for each in found
    ]
    heads = ["requests of", "load", "k", "W, in requests", "asked", "refused"]
    return "\n".join(table(heads, rows))


def _savings(cells: Sequence[LoadCell]) -> str:
    rows = []
    for name in _SAVERS:
        best = max(cells, key=lambda cell: cell.saving(name))
        rows.append(
            [
                name,
                percent(overall_saving(cells, name)),
                percent(average_saving(cells, name)),
                f"{percent(best.saving(name))} ({best.net}, {best.level:.0%}, "
                f"{link_name(best.mbit_per_s)})",
                percent(min(cell.saving(name) for cell in cells)),
            ]
        )
    heads = ["", "of the mean over all cells", "mean of each cell's share", "best cell", "worst"]
    told = (
        f"## What knowing of the load saves, over {len(cells)} cells\n\nAgainst *load-blind*: by "
        "how much the latency averaged over all cells is lower, and the mean of the shares "
        "saved in each. In many cells nothing can be saved: at an idle server, and where the "
        "link leaves no choice but the device; the oracle says how much there was.\n\n"
    )
    return told + "\n".join(table(heads, rows))


def _levels(cells: Sequence[LoadCell]) -> str:
    """Give savings by load and link, over all nets."""
    levels = list(dict.fromkeys(cell.level for cell in cells))
    links = list(dict.fromkeys(cell.mbit_per_s for cell in cells))
    rows = []
    for link in links:
        for name in (AWARE, CUTPOINT):
            chosen = [
                [cell for cell in cells if (cell.level, cell.mbit_per_s) == (level, link)]
                for level in levels
            ]
            saved = (percent(overall_saving(each, name)) for each in chosen)
            rows.append([link_name(link), name, *saved])
    heads = ["link", "", *(f"{level:.0%}" for level in levels)]
    return "Mean latency below load-blind's, by load:\n\n" + "\n".join(table(heads, rows))


def _latencies(cells: Sequence[LoadCell]) -> str:
    rows = [
        [
            cell.net,
            link_name(cell.mbit_per_s),
            f"{cell.level:.0%}",
            *(f"{milliseconds(cell.mean_s(name)):.0f}" for name in _SHOWN),
        ]
        for cell in cells
    ]
    return "## Mean latency, ms\n\n" + "\n".join(table(["net", "link", "load", *_SHOWN], rows))


def _real(real: Sequence[RealCell]) -> str:
    rows = []
    for cell in real:
        for name in (AWARE, CUTPOINT):
            found = cell.ratio(name)
            told = "no result"
            if found is not None:
                ratio, (low, high) = found
                told = f"{ratio:.2f} ({low:.2f} to {high:.2f})"
            rows.append([cell.net, link_name(cell.mbit_per_s), f"{cell.level:.0%}", name, told])
    return (
        "## On the real clock\n\nReal processes, the same server, load by others while it runs; "
        "each policy believes its own session's estimate of the link. Mean latency over that of "
        "load-blind in the same rounds (95 %).\n\n"
    ) + "\n".join(table(["net", "link", "load", "", "over load-blind"], rows))
