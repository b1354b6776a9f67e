"""What splitting saves against switching between the two ends, over bandwidth and load."""

from dataclasses import dataclass, replace
from math import inf

import numpy as np
from numpy.typing import NDArray

from cutpoint.cost import HeadRows
from cutpoint.cost.cost_table import Column
from cutpoint.lab.plan_plots.best_cut_map import conditions_at
from cutpoint.planning.objective import Objective, objective_values
from cutpoint.records import Conditions

WORTH_IT = 0.05
"""A split has to save this share over the better end to be called worth it."""


@dataclass(frozen=True)
class Savings:
    """
    Shares that the best split saves over the better end.

    Parameters
    ----------
    coding
        How the input travels when the server does everything.
    input_bytes
        That it then has.
    bandwidths_bytes_per_s, loads
        Ascending.
    share
        0 where an end is best, 1 where only a split will do. Shape
        ``(n_loads, n_bandwidths)``.
    """

    coding: str
    input_bytes: float
    bandwidths_bytes_per_s: Column
    loads: Column
    share: NDArray[np.float64]

    @property
    def is_worth_it(self) -> NDArray[np.bool_]:
        """Where splitting pays. Shape ``(n_loads, n_bandwidths)``."""
        return self.share > WORTH_IT

    @property
    def share_of_conditions(self) -> float:
        """Of all points of the grid, the share where splitting pays."""
        return float(self.is_worth_it.mean())

    @property
    def mean(self) -> float:
        """What is saved where splitting pays, on average; 0 if nowhere."""
        return float(self.share[self.is_worth_it].mean()) if self.is_worth_it.any() else 0.0

    @property
    def largest(self) -> tuple[float, float, float]:
        """What is saved at most, and the bandwidth and load there."""
        load, bandwidth = np.unravel_index(int(np.argmax(self.share)), self.share.shape)
        return (
            float(self.share[load, bandwidth]),
            float(self.bandwidths_bytes_per_s[bandwidth]),
            float(self.loads[load]),
        )

    def range_at(self, load: int) -> tuple[float, float] | None:
        """Give the least and largest bandwidth where splitting pays at one load, if any."""
        paying = self.bandwidths_bytes_per_s[self.is_worth_it[load]]
        return (float(paying[0]), float(paying[-1])) if len(paying) else None


def savings(
    rows: HeadRows,
    objective: Objective,
    like: Conditions,
    bandwidths_bytes_per_s: Column,
    loads: Column,
    coding: tuple[str, float],
) -> Savings:
    """
    Compare the best split with the better end at every point of a grid.

    Parameters
    ----------
    rows
        Device-only, server-only, and splits.
    like
        Conditions of everything else.
    bandwidths_bytes_per_s, loads
        Ascending.
    coding
        How the input travels when the server does everything, and its bytes then; what
        crosses a split travels as it is.
    """
    name, input_bytes = coding
    up_bytes = rows.up_bytes.copy()
    up_bytes[1] = input_bytes
    coded = replace(rows, up_bytes=up_bytes)
    share = [
        [
            _share(objective_values(objective, coded, conditions_at(like, bandwidth, load)))
            for bandwidth in bandwidths_bytes_per_s.tolist()
        ]
        for load in loads.tolist()
    ]
    return Savings(name, input_bytes, bandwidths_bytes_per_s, loads, np.array(share))


def _share(values: Column) -> float:
    end, split = float(values[:2].min()), float(values[2:].min(initial=inf))
    if split >= end:
        return 0.0
    return 1.0 if end == inf else 1 - split / end
