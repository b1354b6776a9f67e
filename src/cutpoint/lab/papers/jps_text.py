"""The table of JPS in words, and as a picture."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from cutpoint.lab.experiments.form import Figure
from cutpoint.lab.papers.cells import Cell
from cutpoint.lab.papers.choices import CUTPOINT, DEVICE_ONLY_POLICY, EXACT
from cutpoint.lab.papers.paper_net import PaperNet
from cutpoint.lab.papers.printed_jps import (
    CALIBRATED_MBIT_PER_S,
    NETS,
    SAVED_BY_JPS,
    SAVED_BY_PO,
)
from cutpoint.lab.plotting import pyplot
from cutpoint.lab.shares.table_text import percent, table
from cutpoint.units import format_duration

_SHOWN = (
    "server-only float32",
    "server-only uint8",
    "server-only jpeg",
    "dads",
    "jps",
    EXACT,
    CUTPOINT,
)
_BARS = (("dads", "#e0a458"), ("server-only jpeg", "#5b84b1"), (CUTPOINT, "#2a9d5c"))
_WIDTH = 0.25


def saved(cell: Cell, policy: str) -> float:
    """Give the share of local-only's latency that a policy saves; below 0 where it is slower."""
    return 1 - 1 / cell.speedup(policy, DEVICE_ONLY_POLICY)


def jps_text(cells: Sequence[Cell], nets: Sequence[PaperNet], factors: Mapping[str, float]) -> str:
    """Give the report's text."""
    hosts = "; ".join(
        f"{NETS[net.name]} {factors[net.name]:.1f} x ({format_duration(net.whole_s)} here, "
        f"{format_duration(factors[net.name] * net.whole_s)} on the device)"
        for net in nets
    )
    return "\n".join(
        [
            "JPS's table, for one job at a time: planned, not run. The device is slower than this "
            "machine by a factor of each net, at which DADS (its partition-only, PO) saves on "
            f"local-only at {CALIBRATED_MBIT_PER_S:g} Mbit/s what was printed; it is kept for the "
            f"other uplinks. The server is this machine with one thread. {hosts}. Links have 5 ms "
            "one way, and are as quick on the way back. *jps* is its planner with a single job: "
            "the best cut for a server that takes no time. What is printed for JPS itself is of "
            "100 jobs in one pipeline, so it stands beside these figures and not against them.",
            "*cutpoint exact* has only what loses nothing (PNG, zstd).",
            "",
            "## Latency saved on local-only",
            "",
            *table(
                ["net", "Mbit/s", "PO, printed", "JPS, printed", *_SHOWN, "cutpoint runs"],
                [_row(cell) for cell in cells],
            ),
        ]
    )


def jps_figure(cells: Sequence[Cell]) -> Figure:
    """Give the figure: what is saved on local-only, net by net."""
    return Figure(
        "jps",
        "Latency saved on local-only",
        "Share of local-only's latency that is saved, by uplink (planned, one job at a time); "
        "crosses are what was printed for partition only, plusses for JPS with 100 jobs.",
        partial(_draw, tuple(cells)),
    )


def _row(cell: Cell) -> list[str]:
    key = cell.net, cell.mbit_per_s
    return [
        NETS[cell.net],
        f"{cell.mbit_per_s:g}",
        percent(SAVED_BY_PO[key]),
        percent(SAVED_BY_JPS[key]),
        *(percent(saved(cell, policy)) for policy in _SHOWN),
        str(cell.entry(CUTPOINT).way),
    ]


def _draw(cells: Sequence[Cell], path: Path) -> None:
    plt = pyplot()
    nets = tuple(dict.fromkeys(cell.net for cell in cells))
    figure, axes = plt.subplots(
        1, len(nets), figsize=(3.2 * len(nets), 3.4), sharey=True, squeeze=False
    )
    for axis, net in zip(axes[0], nets, strict=True):
        _draw_net(axis, [cell for cell in cells if cell.net == net])
        axis.set_title(NETS[net], fontsize=10)
        axis.set_xlabel("uplink, Mbit/s")
    axes[0][0].set_ylabel("saved on local-only")
    handles, labels = axes[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="lower center", ncols=5, fontsize=8, frameon=False)
    figure.tight_layout(rect=(0, 0.08, 1, 1))
    figure.savefig(path, dpi=150)
    plt.close(figure)


def _draw_net(axis: Any, cells: Sequence[Cell]) -> None:
    at = np.arange(len(cells))
    for number, (policy, colour) in enumerate(_BARS):
        shift = (number - 1) * _WIDTH
        heights = [max(saved(cell, policy), 0.0) for cell in cells]
        axis.bar(at + shift, heights, _WIDTH, label=policy, color=colour)
    keys = [(cell.net, cell.mbit_per_s) for cell in cells]
    axis.plot(at - _WIDTH, [SAVED_BY_PO[key] for key in keys], "kx", label="PO, printed")
    axis.plot(at + _WIDTH, [SAVED_BY_JPS[key] for key in keys], "k+", label="JPS, printed")
    axis.set_ylim(0, 1)
    axis.set_xticks(at, [f"{cell.mbit_per_s:g}" for cell in cells])
