"""LoADPart's grid as a picture."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from cutpoint.lab.experiments.form import Figure
from cutpoint.lab.loadpart.cells import AWARE, BLIND, CUTPOINT, FULL, ORACLE, LoadCell
from cutpoint.lab.papers.links import link_name
from cutpoint.lab.plotting import pyplot

_LINES = (
    (BLIND, "#b0b7c3"),
    (AWARE, "#e0a458"),
    (CUTPOINT, "#2a9d5c"),
    (FULL, "#c44e52"),
    (ORACLE, "#999999"),
)


def loadpart_figure(cells: Sequence[LoadCell]) -> Figure:
    """Give the figure: latency over load, link by link, all nets alike."""
    return Figure(
        "loadpart",
        "Latency under server load",
        "Latency over load-blind's on the idle server, geometric mean of the nets (virtual clock); "
        "the dashed line is the oracle among rows that are not encoded.",
        partial(_draw, tuple(cells)),
    )


def _draw(cells: Sequence[LoadCell], path: Path) -> None:
    plt = pyplot()
    links = list(dict.fromkeys(cell.mbit_per_s for cell in cells))
    figure, axes = plt.subplots(1, len(links), figsize=(3.4 * len(links) + 1, 3.4), sharey=True)
    for axis, link in zip(np.atleast_1d(axes), links, strict=True):
        chosen = [cell for cell in cells if cell.mbit_per_s == link]
        levels = sorted({cell.level for cell in chosen})
        for name, colour in _LINES:
            heights = [_relative(chosen, level, name) for level in levels]
            style = "--" if name == ORACLE else "-"
            axis.plot([100 * level for level in levels], heights, style, color=colour, label=name)
        axis.set_title(link_name(link), fontsize=10)
        axis.set_xlabel("load, % of capacity")
    first = np.atleast_1d(axes)[0]
    first.set_ylabel("latency / load-blind, idle")
    first.legend(fontsize=8, frameon=False)
    figure.tight_layout()
    figure.savefig(path, dpi=150)
    plt.close(figure)


def _relative(cells: Sequence[LoadCell], level: float, policy: str) -> float:
    """Give latency at a level over load-blind's at the lowest, geometric mean of the nets."""
    lowest = min(cell.level for cell in cells)
    idle_s = {cell.net: cell.mean_s(BLIND) for cell in cells if cell.level == lowest}
    logs = [np.log(cell.mean_s(policy) / idle_s[cell.net]) for cell in cells if cell.level == level]
    return float(np.exp(np.mean(logs)))
