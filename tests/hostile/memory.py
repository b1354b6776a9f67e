"""Whether memory grows with the number of requests: a line through what was seen."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

PER = 10_000
"""Requests, to which a slope is related."""


@dataclass(frozen=True)
class Growth:
    """
    How memory grows, in bytes per 10,000 requests.

    Parameters
    ----------
    slope_bytes
        Median of the slopes between all pairs (Theil and Sen): a step or two do not move it.
    least_bytes, most_bytes
        95 % of slopes fitted to parts of the samples drawn at random lie between.
    """

    slope_bytes: float
    least_bytes: float
    most_bytes: float

    def __str__(self) -> str:
        low, mid, high = (
            each / 1e6 for each in (self.least_bytes, self.slope_bytes, self.most_bytes)
        )
        return f"{mid:.2f} MB per {PER} requests ({low:.2f} to {high:.2f})"


def growth(samples: Sequence[tuple[int, int]]) -> Growth:
    """
    Fit a line to memory over requests.

    Parameters
    ----------
    samples
        Requests so far, and bytes held then; after warming up.
    """
    counts, sizes = np.array(samples, dtype=float).T
    rng = np.random.default_rng(0)
    slopes = [
        _slope(counts[drawn], sizes[drawn])
        for drawn in (np.sort(rng.choice(len(counts), len(counts) // 2, False)) for _ in range(200))
    ]
    least, most = np.quantile(slopes, (0.025, 0.975))
    return Growth(_slope(counts, sizes), float(least), float(most))


def _slope(counts: np.ndarray, sizes: np.ndarray) -> float:
    first, second = np.triu_indices(len(counts), k=1)
    between = (sizes[second] - sizes[first]) / (counts[second] - counts[first])
    return float(np.median(between)) * PER
