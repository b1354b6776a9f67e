"""The shares as a picture: maps of net and link, and bars per set of codecs."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutpoint.lab.plotting import pyplot
from cutpoint.lab.shares.contenders import CAMERA, CODEC_SETS, JPEG, PNG, UINT8
from cutpoint.lab.shares_bench import COMPARED_INPUTS, USUAL_SET, SharesBench
from cutpoint.units import mbit_per_s

_BARS = {UINT8: "#4c72b0", PNG: "#55a868", JPEG: "#c44e52", CAMERA: "#937860"}
_LEAST_SHOWN = 0.05
_NAMES = {UINT8: "pixels", PNG: "PNG", JPEG: "JPEG", CAMERA: "the camera's JPEG"}


def plot_shares(bench: SharesBench, path: Path) -> None:
    """
    Draw where a split is best by more than 5 %.

    Raises
    ------
    MissingDependencyError
        If matplotlib is not installed.
    """
    height = max(4.5, 2.2 + 0.19 * len(bench.nets))
    figure, axes = pyplot().subplots(
        1, 3, figsize=(12.5, height), layout="constrained", width_ratios=(1, 0.8, 1)
    )
    for at, coding in enumerate(COMPARED_INPUTS):
        image = _map(axes[at], bench, coding)
        axes[at].set_title(f"against the ends, input as {_NAMES[coding]}", loc="left", fontsize=10)
        if at == 0:
            axes[at].set_yticks(range(len(bench.nets)), [net.model for net in bench.nets])
            axes[at].tick_params(axis="y", labelsize=8)
        else:
            axes[at].set_yticks([])
    figure.colorbar(
        image,
        ax=axes[:2],
        location="bottom",
        shrink=0.5,
        label=f"% of conditions in which a split gains over 5 %, values as {USUAL_SET}",
    )
    _bars(axes[2], bench)
    figure.savefig(path, dpi=110)
    pyplot().close(figure)


def _map(axes: Any, bench: SharesBench, coding: str) -> Any:
    links = sorted({row.bandwidth_bytes_per_s for row in bench.links})
    places = {(net.model, link): (i, j) for i, net in enumerate(bench.nets)
              for j, link in enumerate(links)}  # fmt: skip
    shares: NDArray[np.float64] = np.zeros((len(bench.nets), len(links)))
    for row in bench.links:
        if row.coding == coding:
            shares[places[row.model, row.bandwidth_bytes_per_s]] = 100 * row.tally.over_5
    image = axes.imshow(shares, aspect="auto", cmap="YlGnBu", vmin=0, vmax=60)
    for (i, j), share in np.ndenumerate(shares):
        if share >= 1:
            colour = "white" if share > 35 else "#333333"
            axes.text(j, i, f"{share:.0f}", ha="center", va="center", fontsize=7, color=colour)
    axes.set_xticks(range(len(links)), [f"{mbit_per_s(link):g}" for link in links])
    axes.set_xlabel("link, Mbit/s")
    return image


def _bars(axes: Any, bench: SharesBench) -> None:
    width = 0.8 / len(_BARS)
    for at, (coding, colour) in enumerate(_BARS.items()):
        shares = [100 * bench.total(coding, name).over_5 for name in CODEC_SETS]
        places = np.arange(len(shares)) + (at - (len(_BARS) - 1) / 2) * width
        axes.bar(places, shares, width, color=colour, label=f"input as {_NAMES[coding]}")
        for place, share in zip(places, shares, strict=True):
            if share >= _LEAST_SHOWN:
                axes.text(place, share, f"{share:.1f}", ha="center", va="bottom", fontsize=6)
    axes.set_xticks(range(len(CODEC_SETS)), list(CODEC_SETS), rotation=20)
    axes.set_ylabel("% of conditions")
    axes.set_xlabel("codecs that values may take")
    axes.legend(frameon=False, fontsize=8, loc="upper left")
    axes.set_title("gains over 5 %, all nets, by codecs and input", loc="left", fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)
