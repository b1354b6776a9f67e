"""Which row is best over bandwidth and load."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cutpoint.cost import HeadRows
from cutpoint.cost.cost_table import Column
from cutpoint.planning.objective import Objective, chosen_row, objective_values
from cutpoint.records import Conditions

_NUM_BANDWIDTHS, _NUM_LOADS = 97, 33
_FINER = 6
"""Between two points of the coarse grid lie so many steps of the fine one."""

NOTHING = -1
"""Stands for no row, where nothing keeps limits and deadline."""


@dataclass(frozen=True)
class BestCutMap:
    """
    The best row of a table at each point of a grid.

    Parameters
    ----------
    bandwidths_bytes_per_s, loads
        Ascending, evenly spaced logarithms.
    rows
        Index of the best row, or `NOTHING`. Shape ``(n_loads, n_bandwidths)``.
    """

    bandwidths_bytes_per_s: Column
    loads: Column
    rows: NDArray[np.intp]


def best_cut_map(
    rows: HeadRows,
    objective: Objective,
    like: Conditions,
    bandwidths_bytes_per_s: tuple[float, float],
    loads: tuple[float, float],
) -> BestCutMap:
    """
    Find the best row over a range of bandwidths and loads.

    Parameters
    ----------
    like
        Conditions of everything else: messages, waiting, how much wider the way back is.
    bandwidths_bytes_per_s, loads
        Least and largest.
    """
    bandwidths = np.geomspace(*bandwidths_bytes_per_s, (_NUM_BANDWIDTHS - 1) * _FINER + 1)
    slowdowns = np.geomspace(*loads, (_NUM_LOADS - 1) * _FINER + 1)

    def best_at(i: int, j: int) -> int:
        conditions = conditions_at(like, float(bandwidths[j]), float(slowdowns[i]))
        row = chosen_row(objective_values(objective, rows, conditions), rows.is_allowed)
        return NOTHING if row is None else row

    coarse = np.array(
        [
            [best_at(i, j) for j in range(0, len(bandwidths), _FINER)]
            for i in range(0, len(slowdowns), _FINER)
        ],
        dtype=np.intp,
    )
    return BestCutMap(bandwidths, slowdowns, _refined(coarse, best_at))


def _refined(coarse: NDArray[np.intp], best_at: Callable[[int, int], int]) -> NDArray[np.intp]:
    """Look closer where the corners of a coarse cell differ; elsewhere they are the cell."""
    fine = np.repeat(np.repeat(coarse, _FINER, axis=0), _FINER, axis=1)
    fine = fine[: -_FINER + 1, : -_FINER + 1]
    for i in range(coarse.shape[0] - 1):
        for j in range(coarse.shape[1] - 1):
            if np.ptp(coarse[i : i + 2, j : j + 2]):
                for down in range(_FINER + 1):
                    for right in range(_FINER + 1):
                        at = (i * _FINER + down, j * _FINER + right)
                        fine[at] = best_at(*at)
    return fine


def conditions_at(like: Conditions, bandwidth_bytes_per_s: float, slowdown: float) -> Conditions:
    """Give conditions with another bandwidth and load; the way back keeps its proportion."""
    link = like.link
    if link is not None:
        back = link.bandwidth_down_bytes_per_s / link.bandwidth_up_bytes_per_s
        link = replace(
            link,
            bandwidth_up_bytes_per_s=bandwidth_bytes_per_s,
            bandwidth_down_bytes_per_s=bandwidth_bytes_per_s * back,
        )
    return replace(like, link=link, load=replace(like.load, slowdown=slowdown))
