"""Whether a model in parts gives what the whole gives; a check that can fail."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cutpoint.graph import Arrays

TOLERANCE = 1e-5
"""Largest difference from the uncut model, relative to its largest output."""

_LEAST_VARIATION = 1e-3


@dataclass(frozen=True)
class Equivalence:
    """
    How outputs in parts compare with the whole model's, over several feeds.

    Parameters
    ----------
    error
        Largest ``max|a-b| / max|b|`` over outputs and feeds.
    variation
        Least, over outputs, of the largest relative change from feed to feed: a model
        whose outputs do not depend on its input would make every cut look right.
    """

    error: float
    variation: float

    @property
    def is_shown(self) -> bool:
        """Whether the outputs are equal, and would not have been by accident."""
        return self.error <= TOLERANCE and self.variation >= _LEAST_VARIATION


def compare(given: Sequence[Arrays], expected: Sequence[Arrays]) -> Equivalence:
    """
    Compare outputs feed by feed.

    Parameters
    ----------
    given, expected
        Outputs by name, for the same feeds in the same order; two feeds at least.

    Raises
    ------
    ValueError
        If there are fewer than two feeds, or not as many of each.
    """
    if len(expected) < 2 or len(given) != len(expected):
        raise ValueError(f"compare two feeds or more: {len(given)} given, {len(expected)} expected")
    error = max(
        _relative(given_one[name], wanted)
        for given_one, expected_one in zip(given, expected, strict=True)
        for name, wanted in expected_one.items()
    )
    variation = min(
        max(_relative(other[name], expected[0][name]) for other in expected[1:])
        for name in expected[0]
    )
    return Equivalence(error, variation)


def is_equal(given: NDArray[np.generic], wanted: NDArray[np.generic]) -> bool:
    """Tell whether an output equals the uncut model's: ``max|a-b| <= 1e-5 max|b|``."""
    return _relative(given, wanted) <= TOLERANCE


def _relative(given: NDArray[np.generic], wanted: NDArray[np.generic]) -> float:
    if given.shape != wanted.shape:
        return float("inf")
    difference = np.max(np.abs(given.astype(np.float64) - wanted.astype(np.float64)))
    if not np.isfinite(difference):
        return float("inf")
    return float(difference / max(float(np.max(np.abs(wanted))), np.finfo(np.float64).tiny))
