"""Where splitting pays, as a map of nets and links."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from cutpoint.lab.advising.planned import GRID, PlannedNet
from cutpoint.lab.plotting import pyplot
from cutpoint.lab.shares.contenders import JPEG, UINT8
from cutpoint.units import mbit_per_s

_TITLES = {UINT8: "input as pixels", JPEG: "input as JPEG"}


def draw_advice(nets: Sequence[PlannedNet], path: Path) -> None:
    """Draw the most that a split saves at each link, over all devices, the server idle."""
    plt = pyplot()
    height = 1.6 + 0.2 * len(nets)
    figure, axes = plt.subplots(1, 2, figsize=(8.5, height), layout="constrained", sharey=True)
    links = [f"{mbit_per_s(each):g}" for each in GRID.bandwidths_bytes_per_s]
    for place, (coding, title) in zip(axes, _TITLES.items(), strict=True):
        saved = np.array([_saved(net, coding) for net in nets])
        image = place.imshow(100 * saved, aspect="auto", cmap="YlGnBu", vmin=0, vmax=50)
        place.set_title(title, loc="left", fontsize=10)
        place.set_xticks(range(len(links)), links)
        place.set_xlabel("link, Mbit/s")
        for (row, column), share in np.ndenumerate(saved):
            if share >= 0.05:
                colour = "white" if share > 0.3 else "#333333"
                text = f"{100 * share:.0f}"
                place.text(column, row, text, ha="center", va="center", fontsize=7, color=colour)
    axes[0].set_yticks(range(len(nets)), [net.model for net in nets], fontsize=8)
    figure.colorbar(image, ax=axes, label="most that a split saves, % of the better end")
    figure.savefig(path, dpi=130)
    plt.close(figure)


def _saved(net: PlannedNet, coding: str) -> np.ndarray:
    found = net.latencies[coding]
    saved = 1 - found.best_s / found.end_s
    return np.asarray(saved[:, :, 0, 0].max(axis=1))
