"""The ratio of two medians, each measured in turn with the other, and how sure it is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_RESAMPLES = 2000
_CONFIDENCE = 0.95
_BLOCK = 25
"""Pairs drawn together: neighbours share what else the machine does."""


@dataclass(frozen=True)
class PairedRatio:
    """
    How many times what a reference takes something takes.

    Parameters
    ----------
    num_pairs
        Measured in turn.
    median_s, reference_s
        Medians of both.
    ratio
        Of the medians.
    low, high
        Ends of the 95 % interval of the ratio (bootstrap over blocks of neighbouring pairs).
    """

    num_pairs: int
    median_s: float
    reference_s: float
    ratio: float
    low: float
    high: float

    @property
    def width(self) -> float:
        """Of the interval."""
        return self.high - self.low


def paired_ratio(
    given_s: Sequence[float], reference_s: Sequence[float], seed: int = 0
) -> PairedRatio:
    """
    Compare durations that were taken in turn.

    Parameters
    ----------
    given_s, reference_s
        As many of each, pair by pair.
    seed
        Of the resampling.

    Raises
    ------
    ValueError
        If there are none, or not as many of each.
    """
    given, reference = np.asarray(given_s, float), np.asarray(reference_s, float)
    if not given.size or given.shape != reference.shape:
        raise ValueError(f"pairs are wanted: {given.size} and {reference.size} were given")
    ratios = _resampled(given, reference, np.random.default_rng(seed))
    tail = (1 - _CONFIDENCE) / 2
    low, high = np.quantile(ratios, [tail, 1 - tail])
    medians = float(np.median(given)), float(np.median(reference))
    return PairedRatio(given.size, *medians, medians[0] / medians[1], float(low), float(high))


def measure_in_turn(
    runs: Sequence[Callable[[], float]],
    num_rounds: int,
    is_enough: Callable[[list[list[float]]], bool] = lambda taken: True,
    most_rounds: int | None = None,
) -> list[list[float]]:
    """
    Take durations in rounds, in an order that turns.

    Parameters
    ----------
    runs
        Each gives what it took, in seconds.
    num_rounds
        At least.
    is_enough
        Asked every `num_rounds` rounds whether to stop.
    most_rounds
        At most; `num_rounds` by default.

    Returns
    -------
    list of lists
        Durations of each of the runs, round by round.
    """
    taken: list[list[float]] = [[] for _ in runs]
    last = num_rounds if most_rounds is None else most_rounds
    for number in range(last):
        shift = number % len(runs)
        for index in (*range(shift, len(runs)), *range(shift)):
            taken[index].append(runs[index]())
        if (number + 1) % num_rounds == 0 and is_enough(taken):
            break
    return taken


def _resampled(
    given: NDArray[np.float64], reference: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Give the ratio of medians over resamples of blocks of neighbours."""
    size = given.size
    block = max(min(_BLOCK, size // 20), 1)
    num_blocks = -(-size // block)
    ratios = np.empty(_RESAMPLES)
    for index in range(_RESAMPLES):
        starts = rng.integers(0, size, num_blocks)
        chosen = (starts[:, None] + np.arange(block)).reshape(-1)[:size] % size
        ratios[index] = np.median(given[chosen]) / np.median(reference[chosen])
    return ratios
