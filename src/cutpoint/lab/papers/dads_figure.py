"""The table of DADS as a picture."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from cutpoint.lab.experiments.form import Figure
from cutpoint.lab.papers.cells import Cell
from cutpoint.lab.papers.choices import CUTPOINT, DEVICE_ONLY_POLICY
from cutpoint.lab.papers.printed_dads import NETS, SPEEDUPS
from cutpoint.lab.plotting import pyplot

_BARS = (
    ("server-only float32", "#b0b7c3"),
    ("server-only uint8", "#8aa4c8"),
    ("server-only jpeg", "#5b84b1"),
    ("dads", "#e0a458"),
    (CUTPOINT, "#2a9d5c"),
)
_WIDTH = 0.16
_TICKS = (0.1, 0.3, 1, 3, 10, 30)


def dads_figure(cells: Sequence[Cell]) -> Figure:
    """Give the figure: how many times quicker than edge-only, net by net."""
    return Figure(
        "dads",
        "Speed-up on edge-only",
        "How many times quicker than edge-only each policy is, by uplink (virtual clock, "
        "logarithmic scale); crosses are the printed figures of DADS.",
        partial(_draw, tuple(cells)),
    )


def _draw(cells: Sequence[Cell], path: Path) -> None:
    plt = pyplot()
    nets = tuple(dict.fromkeys(cell.net for cell in cells))
    figure, axes = plt.subplots(1, len(nets), figsize=(max(3.2 * len(nets), 6.4), 3.6), sharey=True)
    for axis, net in zip(np.atleast_1d(axes), nets, strict=True):
        _draw_net(axis, [cell for cell in cells if cell.net == net])
        axis.set_title(NETS[net], fontsize=10)
        axis.set_xlabel("uplink, Mbit/s")
    first = np.atleast_1d(axes)[0]
    first.set_ylabel("edge-only / policy")
    handles, labels = first.get_legend_handles_labels()
    figure.legend(
        handles,
        labels,
        loc="lower center",
        ncols=6 if len(nets) > 2 else 3,
        fontsize=8,
        frameon=False,
    )
    figure.tight_layout(rect=(0, 0.12, 1, 1))
    figure.savefig(path, dpi=150)
    plt.close(figure)


def _draw_net(ax: Any, cells: Sequence[Cell]) -> None:
    at = np.arange(len(cells))
    for number, (policy, colour) in enumerate(_BARS):
        heights = [cell.speedup(policy, DEVICE_ONLY_POLICY) for cell in cells]
        shift = (number - (len(_BARS) - 1) / 2) * _WIDTH
        ax.bar(at + shift, heights, _WIDTH, label=policy, color=colour)
    printed = [SPEEDUPS.get((cell.net, cell.mbit_per_s), np.nan) for cell in cells]
    ax.plot(at + _WIDTH, printed, "kx", label="dads, printed")
    ax.axhline(1, color="black", linewidth=0.6)
    ax.set_yscale("log")
    ax.set_yticks(_TICKS, [f"{each:g}x" for each in _TICKS])
    ax.minorticks_off()
    ax.set_xticks(at, [f"{cell.mbit_per_s:g}" for cell in cells])
