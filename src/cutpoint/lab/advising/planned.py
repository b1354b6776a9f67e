"""What is planned for one net: where a split is best, and by how much."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cutpoint.lab.shares.contenders import CODEC_SETS, FLOAT32, JPEG, PNG, UINT8, Contenders
from cutpoint.lab.shares.grid import Grid, grid_of
from cutpoint.lab.shares.measured_net import SAME
from cutpoint.lab.shares.tally import Latencies
from cutpoint.units import from_mbit_per_s, mbit_per_s

INPUTS = (FLOAT32, UINT8, PNG, JPEG)
"""How the input may travel; see `cutpoint.lab.shares.contenders.INPUTS`."""

VALUES = "uint8+zstd"
"""Codecs that crossing values may take, as one of `CODEC_SETS`."""

DELAY_S = 0.005
"""One way."""

GRID = grid_of((1, 2, 5, 10, 20, 50, 100), (1, 2, 5, 10, 20, 50), (1.0, 5.0), (2 * DELAY_S,))
"""Seven links, six devices, an idle and a loaded server: 84 points."""

USUAL_DEVICE = 10.0
"""Factor of the device whose latencies are shown."""

_LEAST_MBIT_PER_S = 5.0
"""Slower links are not waited for on the real clock."""

Place = tuple[int, int, int, int]

WORTH_IT = 0.05
"""A split that saves less of the better end's latency is not worth having."""


@dataclass(frozen=True)
class Best:
    """
    Where a split gains most.

    Parameters
    ----------
    mbit_per_s, device, load
        Link, device factor and load of the server.
    saved
        Share of the better end's latency.
    """

    mbit_per_s: float
    device: float
    load: float
    saved: float


@dataclass(frozen=True)
class Verdict:
    """
    One net and one way of its input.

    Parameters
    ----------
    model, coding
        Which.
    share
        Of the grid's points, in which a split saves what is worth it.
    mean
        What it saves there on average; 0 where it never does.
    best
        Where it saves most.
    links
        Least and largest of the links at which it is worth it anywhere; ``None`` if at none.
    """

    model: str
    coding: str
    share: float
    mean: float
    best: Best
    links: tuple[float, float] | None

    @property
    def pays(self) -> bool:
        """Whether a split is worth it anywhere."""
        return self.share > 0


@dataclass(frozen=True)
class PlannedNet:
    """
    What is planned for one net.

    Parameters
    ----------
    model
        Its name.
    whole_s
        On this machine.
    verdicts
        By way of the input.
    latencies
        By way of the input, over `GRID`.
    place
        Index into `GRID` of a point worth confirming: an idle server, the usual device, and the
        link at which a split gains most if pixels are sent.
    crossing
        What crosses the best split there; empty if there is none.
    """

    model: str
    whole_s: float
    verdicts: Mapping[str, Verdict]
    latencies: Mapping[str, Latencies]
    place: Place
    crossing: tuple[str, ...]


def planned_net(contenders: Contenders) -> PlannedNet:
    """
    Compare splits with the ends at every point of the grid.

    Parameters
    ----------
    contenders
        Of a net that was measured.
    """
    codecs = CODEC_SETS[VALUES]
    latencies = {
        coding: contenders.latencies(SAME, coding, codecs, GRID) for coding in INPUTS
    }  # fmt: skip
    name = contenders.net.name
    verdicts = {coding: verdict_of(name, coding, latencies[coding]) for coding in INPUTS}
    place = _place(latencies[UINT8])
    crossing = contenders.best_split(
        SAME, codecs, GRID.conditions[np.ravel_multi_index(place, GRID.shape)]
    )
    return PlannedNet(name, contenders.net.whole_s, verdicts, latencies, place, crossing)


def verdict_of(model: str, coding: str, latencies: Latencies, grid: Grid = GRID) -> Verdict:
    """Sum up what a split saves at the points of a grid."""
    saved = 1 - latencies.best_s / latencies.end_s
    is_worth_it = saved >= WORTH_IT
    at = np.unravel_index(int(np.argmax(saved)), saved.shape)
    best = Best(
        mbit_per_s(grid.bandwidths_bytes_per_s[at[0]]),
        grid.device_slowdowns[at[1]],
        grid.server_slowdowns[at[2]],
        float(saved[at]),
    )
    links = _links(grid, [bool(at_link.any()) for at_link in is_worth_it])
    mean = float(saved[is_worth_it].mean()) if is_worth_it.any() else 0.0
    return Verdict(model, coding, float(is_worth_it.mean()), mean, best, links)


def _place(pixels: Latencies) -> Place:
    slowest = GRID.bandwidths_bytes_per_s.index(from_mbit_per_s(_LEAST_MBIT_PER_S))
    device = GRID.device_slowdowns.index(USUAL_DEVICE)
    ratios = pixels.split_s[slowest:, device, 0, 0] / pixels.end_s[slowest:, device, 0, 0]
    return slowest + int(np.argmin(ratios)), device, 0, 0


def _links(grid: Grid, is_worth_it: Sequence[bool]) -> tuple[float, float] | None:
    rates = [
        mbit_per_s(rate)
        for rate, pays in zip(grid.bandwidths_bytes_per_s, is_worth_it, strict=True)
        if pays
    ]
    return (min(rates), max(rates)) if rates else None
