"""One figure of a plan: the best cut over bandwidth and load, and the graph with its legs."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cutpoint.cost import CostTable
from cutpoint.lab.plan_plots.best_cut_map import NOTHING, BestCutMap
from cutpoint.lab.plan_plots.colours import DEVICE, INK, NONE, SERVER, split_colours
from cutpoint.lab.plan_plots.graph_drawing import draw_graph
from cutpoint.lab.plan_plots.layered_layout import layered_layout
from cutpoint.lab.plan_plots.libraries import pyplot
from cutpoint.units import mbit_per_s

_WIDTH = 13.0
_MAP_HEIGHT = 4.2


@dataclass(frozen=True)
class PlottedPlan:
    """
    What the figure shows.

    Parameters
    ----------
    table
        The costs.
    title, map_title, graph_title
        Words above the figure and its two parts.
    best
        The best row over bandwidth and load.
    names
        Of each row, for the legend.
    asked
        Bandwidth and load of each link that was asked about.
    placement
        Host of each block, of the plan whose graph is drawn.
    """

    table: CostTable
    title: str
    map_title: str
    graph_title: str
    best: BestCutMap
    names: Sequence[str]
    asked: Sequence[tuple[float, float]]
    placement: Sequence[int]


def plot_plan(shown: PlottedPlan, path: Path) -> None:
    """
    Draw a plan into a file; its suffix tells the format.

    Raises
    ------
    MissingDependencyError
        If matplotlib or networkx is not installed.
    """
    layout = layered_layout(shown.table)
    graph_height = float(np.clip(1.5 + 0.4 * layout.num_rows, 2.4, 7.0))
    figure = pyplot().figure(figsize=(_WIDTH, _MAP_HEIGHT + graph_height), layout="constrained")
    grid = figure.add_gridspec(
        2, 2, height_ratios=(_MAP_HEIGHT, graph_height), width_ratios=(2.6, 1.0)
    )
    figure.suptitle(shown.title, x=0.01, ha="left", fontsize=13, fontweight="bold")
    _draw_map(figure.add_subplot(grid[0, 0]), figure.add_subplot(grid[0, 1]), shown)
    below = figure.add_subplot(grid[1, :])
    draw_graph(below, shown.table, shown.placement, layout)
    below.set_title(shown.graph_title, loc="left", fontsize=10)
    below.legend(loc="upper center", bbox_to_anchor=(0.5, 0.02), ncols=4, fontsize=9, frameon=False)
    figure.savefig(path, dpi=130)
    pyplot().close(figure)


def _draw_map(axes: Any, beside: Any, shown: PlottedPlan) -> None:
    best = shown.best
    colours = _colours(shown)
    rows = list(colours)
    codes = np.searchsorted(rows, best.rows)
    colouring = _listed([colours[row] for row in rows])
    bandwidths = mbit_per_s(1.0) * best.bandwidths_bytes_per_s
    axes.pcolormesh(
        bandwidths,
        best.loads,
        codes,
        cmap=colouring,
        vmin=-0.5,
        vmax=len(rows) - 0.5,
        shading="nearest",
        rasterized=True,
    )
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(bandwidths[0], bandwidths[-1])
    axes.set_ylim(best.loads[0], best.loads[-1])
    plain = _plain_ticks()
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(plain)
    _tick_loads(axes, best.loads)
    axes.set_xlabel("bandwidth up (Mbit/s)")
    axes.set_ylabel("load of the server\n(execution time / idle time)")
    axes.set_title(shown.map_title, loc="left", fontsize=10)
    _mark_asked(axes, shown)
    beside.set_axis_off()
    _add_legend(beside, shown, colours)


def _tick_loads(axes: Any, loads: Any) -> None:
    ticks = [tick for tick in (0.25, 0.5, 1, 2, 4, 8, 16, 32, 64) if loads[0] <= tick <= loads[-1]]
    axes.set_yticks(ticks)
    axes.minorticks_off()
    axes.tick_params(axis="x", which="minor", bottom=True)


def _mark_asked(axes: Any, shown: PlottedPlan) -> None:
    axes.plot(
        [mbit_per_s(bandwidth) for bandwidth, _ in shown.asked],
        [load for _, load in shown.asked],
        linestyle="none",
        marker="*",
        markersize=15,
        markerfacecolor="white",
        markeredgecolor=INK,
        clip_on=False,
        zorder=5,
    )


def _colours(shown: PlottedPlan) -> dict[int, str]:
    """Give the colour of each row that is best somewhere, by row."""
    rows = sorted({*np.unique(shown.best.rows).tolist()})
    splits = [row for row in rows if row > 1]
    fixed = {NOTHING: NONE, 0: DEVICE, 1: SERVER}
    by_split = dict(zip(splits, split_colours(len(splits)), strict=True))
    return {row: fixed.get(row) or by_split[row] for row in rows}


def _add_legend(axes: Any, shown: PlottedPlan, colours: dict[int, str]) -> None:
    patch = pyplot().matplotlib.patches.Patch
    # In the order in which they follow one another from slow links to fast ones.
    mean = {row: float(np.mean(np.nonzero(shown.best.rows == row)[1])) for row in colours}
    handles = [
        patch(color=colours[row], label=_label(shown, row))
        for row in sorted(colours, key=mean.__getitem__)
    ]
    star = {"linestyle": "none", "marker": "*", "markersize": 13, "markerfacecolor": "white"}
    handles.append(
        pyplot().matplotlib.lines.Line2D([], [], markeredgecolor=INK, label="asked about", **star)
    )
    unused = len(shown.names) - sum(row >= 0 for row in colours)
    rows = "row" if unused == 1 else "rows"
    axes.legend(
        handles=handles,
        title=f"best is ({unused} more {rows}: never here)" if unused else "best is",
        alignment="left",
        loc="upper left",
        fontsize=8.5,
        title_fontsize=9,
        frameon=False,
        borderaxespad=0.0,
    )


def _label(shown: PlottedPlan, row: int) -> str:
    if row == NOTHING:
        return "nothing that is allowed"
    lines = shown.names[row].replace(", ", ",\n").split("\n")
    return "\n".join(line if len(line) <= 44 else f"...{line[-41:]}" for line in lines)


def _listed(colours: list[str]) -> Any:
    return pyplot().matplotlib.colors.ListedColormap(colours)


def _plain_ticks() -> Any:
    return pyplot().matplotlib.ticker.FuncFormatter(lambda number, _: f"{number:g}")
