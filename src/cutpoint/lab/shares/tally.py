"""How often a split is best, and by how much: counts that add up."""

from dataclasses import dataclass
from math import exp

import numpy as np
from numpy.typing import NDArray

_EQUAL = 1e-9
"""Relative difference up to which a split is no better: sums come in another order."""


@dataclass(frozen=True)
class Tally:
    """
    The outcome at a number of points.

    Parameters
    ----------
    num_points
        How many were looked at.
    num_device
        At how many nothing is better than device-only.
    num_best, num_over_1, num_over_5
        At how many a split is best at all, by more than 1 %, by more than 5 %.
    log_speedups
        Sum of the logarithms of latency of the better end / latency of the best of all.
    most
        Largest such ratio; 1 where no split is ever best.
    """

    num_points: int = 0
    num_device: int = 0
    num_best: int = 0
    num_over_1: int = 0
    num_over_5: int = 0
    log_speedups: float = 0.0
    most: float = 1.0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.num_points + other.num_points,
            self.num_device + other.num_device,
            self.num_best + other.num_best,
            self.num_over_1 + other.num_over_1,
            self.num_over_5 + other.num_over_5,
            self.log_speedups + other.log_speedups,
            max(self.most, other.most),
        )

    @property
    def device(self) -> float:
        """Share of the points at which device-only is best."""
        return self._share(self.num_device)

    @property
    def best(self) -> float:
        """Share of the points at which a split is best."""
        return self._share(self.num_best)

    @property
    def over_1(self) -> float:
        """Share of the points at which it is best by more than 1 %."""
        return self._share(self.num_over_1)

    @property
    def over_5(self) -> float:
        """Share of the points at which it is best by more than 5 %."""
        return self._share(self.num_over_5)

    @property
    def gain(self) -> float:
        """What splits gain over all points: geometric mean of the ratios, less 1."""
        return exp(self.log_speedups / self.num_points) - 1 if self.num_points else 0.0

    @property
    def gain_when_best(self) -> float:
        """What splits gain where they are best: geometric mean of the ratios, less 1."""
        return exp(self.log_speedups / self.num_best) - 1 if self.num_best else 0.0

    def _share(self, number: int) -> float:
        return number / self.num_points if self.num_points else 0.0


@dataclass(frozen=True)
class Latencies:
    """
    The best of each kind at each point, infinite where there is none.

    Parameters
    ----------
    device_s, server_s, split_s
        Device-only, the best way to server-only, the best split. All of one shape.
    """

    device_s: NDArray[np.float64]
    server_s: NDArray[np.float64]
    split_s: NDArray[np.float64]

    @property
    def best_s(self) -> NDArray[np.float64]:
        """The best of all."""
        return np.minimum(self.end_s, self.split_s)

    @property
    def end_s(self) -> NDArray[np.float64]:
        """The better end."""
        return np.minimum(self.device_s, self.server_s)

    def at(self, *index: int) -> "Latencies":
        """Give one point, or those that begin with an index."""
        return Latencies(*(np.asarray(each[index]) for each in self._all))

    @property
    def tally(self) -> Tally:
        """Count over all points."""
        speedups = np.maximum(self.end_s / self.split_s, 1.0)
        is_split = speedups > 1 + _EQUAL
        return Tally(
            num_points=speedups.size,
            num_device=int((~is_split & (self.device_s <= self.server_s)).sum()),
            num_best=int(is_split.sum()),
            num_over_1=int((speedups > 1.01).sum()),
            num_over_5=int((speedups > 1.05).sum()),
            log_speedups=float(np.log(speedups[is_split]).sum()),
            most=float(speedups.max(initial=1.0)),
        )

    @property
    def _all(self) -> tuple[NDArray[np.float64], ...]:
        return self.device_s, self.server_s, self.split_s
