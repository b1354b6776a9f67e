"""What splitting saves over bandwidth and load, one map per coding of the input."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cutpoint.lab.plan_plots.colours import INK
from cutpoint.lab.plan_plots.libraries import pyplot
from cutpoint.lab.plan_plots.savings import WORTH_IT, Savings
from cutpoint.units import format_size, mbit_per_s

_PANEL_WIDTH, _HEIGHT = 4.6, 4.4
_LEAST_SCALE = 0.2
"""The colours reach at least to this share, so that little does not look like much."""


def plot_savings(title: str, found: Sequence[Savings], path: Path) -> None:
    """
    Draw the maps side by side into a file; its suffix tells the format.

    Raises
    ------
    MissingDependencyError
        If matplotlib is not installed.
    """
    figure, panels = pyplot().subplots(
        1,
        len(found),
        figsize=(_PANEL_WIDTH * len(found) + 1.4, _HEIGHT),
        sharey=True,
        squeeze=False,
        layout="constrained",
    )
    figure.suptitle(title, x=0.01, ha="left", fontsize=12, fontweight="bold")
    most = max(_LEAST_SCALE, *(float(each.share.max()) for each in found))
    for axes, each in zip(panels[0], found, strict=True):
        mesh = _draw(axes, each, most)
    panels[0][0].set_ylabel("load of the server\n(execution time / idle time)")
    bar = figure.colorbar(mesh, ax=list(panels[0]), pad=0.015)
    bar.set_label("saved by the best split over the better end")
    bar.ax.yaxis.set_major_formatter(pyplot().matplotlib.ticker.PercentFormatter(1.0))
    bar.ax.axhline(WORTH_IT, color=INK, linewidth=1.2)
    figure.savefig(path, dpi=130)
    pyplot().close(figure)


def _draw(axes: Any, each: Savings, most: float) -> Any:
    bandwidths = mbit_per_s(1.0) * each.bandwidths_bytes_per_s
    mesh = axes.pcolormesh(
        bandwidths,
        each.loads,
        each.share,
        cmap="YlGn",
        vmin=0.0,
        vmax=most,
        shading="nearest" if min(each.share.shape) < 2 else "gouraud",
        rasterized=True,
    )
    if min(each.share.shape) > 1 and each.is_worth_it.any() and not each.is_worth_it.all():
        axes.contour(
            bandwidths, each.loads, each.share, levels=[WORTH_IT], colors=INK, linewidths=1.2
        )
    axes.set_xscale("log")
    axes.set_yscale("log")
    ticker = pyplot().matplotlib.ticker
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(ticker.FuncFormatter(lambda number, _: f"{number:g}"))
        axis.set_minor_formatter(ticker.NullFormatter())
    ticks = [t for t in (0.5, 1, 2, 5, 10, 20, 50, 100) if each.loads[0] <= t <= each.loads[-1]]
    axes.set_yticks(ticks or [float(np.mean(each.loads))])
    axes.set_xlabel("bandwidth up (Mbit/s)")
    pays = each.share_of_conditions
    found = f"pays in {pays:.0%} of conditions" if pays else "splitting does not pay"
    axes.set_title(
        f"input as {each.coding} ({format_size(each.input_bytes)}):\n{found}",
        loc="left",
        fontsize=10,
    )
    return mesh
