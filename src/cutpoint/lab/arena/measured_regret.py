"""Regret on the real clock: against the row with the lowest median at each place."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cutpoint.lab.arena.comparison import kept
from cutpoint.lab.arena.shot import Shot, Spot
from cutpoint.lab.experiments.form import Regret, interval

LEAST_REPLAYS = 3
"""A row counts at a place where so many of its replays do."""

_RESAMPLES = 1000

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class MeasuredOracle:
    """
    The best row at every place of a trace, from replays.

    Parameters
    ----------
    spots
        The places that have one.
    rows
        Name of the row with the lowest median at each.
    median_s
        That median.
    best_fixed
        Name of the row with the lowest mean among those that count at every place; ``None`` if
        none does.
    """

    spots: tuple[Spot, ...]
    rows: tuple[str, ...]
    median_s: tuple[float, ...]
    best_fixed: str | None


class MeasuredRegret:
    """
    Policies beside fixed rows that were replayed at the same places.

    Parameters
    ----------
    shots
        Of one model and link.
    rows
        Names of the fixed rows among the contenders.
    seed
        Of the bootstrap.

    Raises
    ------
    ValueError
        If no row counts anywhere.

    Notes
    -----
    The oracle is the row with the lowest median at a place, and takes that; what policies and
    fixed rows take there is their mean, so that one inference in five that goes wrong counts.
    The lowest of several medians lies below the mean of the best row, so regret is overstated,
    for all alike. The bootstrap draws places, and at each place the inferences of every row and
    policy.
    """

    def __init__(self, shots: Sequence[Shot], rows: Collection[str], seed: int = 0) -> None:
        self._rng = np.random.default_rng(seed)
        self._latency_s = _by_contender(shots)
        self._rows = tuple(sorted(rows))
        spots = sorted({shot.spot for shot in shots}, key=lambda spot: spot.position_s)
        self._spots = tuple(spot for spot in spots if self._counting(spot))
        if not self._spots:
            raise ValueError("no row has enough inferences that count at any place")
        self._draws: dict[tuple[str, Spot], Floats] = {}
        self._best_drawn = np.stack([self._lowest_drawn(spot) for spot in self._spots], axis=1)

    def oracle(self) -> MeasuredOracle:
        """Give the best row at every place."""
        medians = [
            {row: self._median_s(row, spot) for row in self._counting(spot)} for spot in self._spots
        ]
        rows = [min(found, key=lambda row: found[row]) for found in medians]
        everywhere = [row for row in self._rows if all(row in found for found in medians)]
        means = {row: sum(self._mean_s(row, spot) for spot in self._spots) for row in everywhere}
        return MeasuredOracle(
            self._spots,
            tuple(rows),
            tuple(found[row] for found, row in zip(medians, rows, strict=True)),
            min(means, key=lambda row: means[row]) if means else None,
        )

    def of(self, contender: str) -> Regret | None:
        """
        Give the regret of a policy or a fixed row.

        Returns
        -------
        Regret or None
            Over the places where it counts; ``None`` if there is none.
        """
        places = [i for i, spot in enumerate(self._spots) if self._latency_s[contender].get(spot)]
        if not places:
            return None
        oracle = self.oracle()
        taken_s = sum(self._mean_s(contender, self._spots[i]) for i in places)
        best_s = sum(oracle.median_s[i] for i in places)
        drawn = np.stack([self._drawn_means(contender, self._spots[i]) for i in places], axis=1)
        chosen = self._rng.integers(0, len(places), (_RESAMPLES, len(places)))
        taken = np.take_along_axis(drawn, chosen, axis=1).sum(axis=1)
        best = np.take_along_axis(self._best_drawn[:, places], chosen, axis=1).sum(axis=1)
        return Regret("measured", taken_s / best_s - 1.0, interval(taken / best - 1.0))

    def _counting(self, spot: Spot) -> list[str]:
        found = (row for row in self._rows if row in self._latency_s)
        return [row for row in found if len(self._latency_s[row].get(spot, ())) >= LEAST_REPLAYS]

    def _median_s(self, contender: str, spot: Spot) -> float:
        return float(np.median(self._latency_s[contender][spot]))

    def _mean_s(self, contender: str, spot: Spot) -> float:
        return float(np.mean(self._latency_s[contender][spot]))

    def _lowest_drawn(self, spot: Spot) -> Floats:
        drawn = [np.median(self._drawn(row, spot), axis=1) for row in self._counting(spot)]
        lowest: Floats = np.min(drawn, axis=0)
        return lowest

    def _drawn_means(self, contender: str, spot: Spot) -> Floats:
        """Give means of resampled inferences at a place. Shape ``(n_resamples,)``."""
        means: Floats = self._drawn(contender, spot).mean(axis=1)
        return means

    def _drawn(self, contender: str, spot: Spot) -> Floats:
        """Give resampled inferences at a place. Shape ``(n_resamples, n)``."""
        key = contender, spot
        if key not in self._draws:
            given = np.array(self._latency_s[contender][spot])
            self._draws[key] = given[self._rng.integers(0, len(given), (_RESAMPLES, len(given)))]
        return self._draws[key]


def _by_contender(shots: Sequence[Shot]) -> Mapping[str, dict[Spot, list[float]]]:
    found: dict[str, dict[Spot, list[float]]] = defaultdict(lambda: defaultdict(list))
    for shot in kept(shots):
        # A row that a loaded server refuses is what that row is like; one that was not even tried,
        # for the server was left alone just then, says nothing of it.
        is_tried = shot.is_as_planned or shot.record.planned != "device"
        if is_tried or not shot.contender.startswith("row "):
            found[shot.contender][shot.spot].append(shot.latency_s)
    return found
