"""The lower envelope: which cuts are best under any condition at all."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutpoint.exceptions import MissingDependencyError

Matrix = NDArray[np.float64]

_FLOOR = -1.0
"""Costs are not negative, so nothing of the envelope lies below."""

_TOLERANCE = 1e-10
"""Relative gap below which a vertex counts as verified."""

MOST_POINTS = 256
"""Real models have 2-16; a random graph of hundreds of parallel branches thousands."""


def lower_envelope(
    first: Matrix, oracle: Callable[[Matrix], Matrix], most_points: int = MOST_POINTS
) -> tuple[Matrix, float]:
    """
    Give the points that minimise some non-negative mix of their coordinates.

    The latency of a cut is linear in (g, 1/B, k, 1/B_down), so over all conditions,
    scaled to sum 1, the best latency is a concave, piecewise linear function. Its
    vertices are enumerated from the points known so far; the oracle tells at each
    whether any point is lower. When none is anywhere, concavity makes the set complete.

    Parameters
    ----------
    first
        Points known to begin with, not negative. Shape ``(n_points, n_terms)``.
    oracle
        Takes weights, shape ``(n_weights, n_terms)``, and gives for each the point that
        is least under it.
    most_points
        Stop when this many are known; those that gain most are taken first.

    Returns
    -------
    points : array
        Every point that was found, the first ones included; each row once.
    gap : float
        Largest relative gain that was left; 0 if the envelope is complete.

    Raises
    ------
    MissingDependencyError
        If SciPy is not installed.
    """
    scale = np.where(first.max(axis=0) > 0, first.max(axis=0), 1.0)
    points = np.unique(first, axis=0)
    verified: set[bytes] = set()
    while True:
        weights, heights = _vertices(points / scale)
        keys = [np.round(weight, 9).tobytes() for weight in weights]
        fresh = [index for index, key in enumerate(keys) if key not in verified]
        if not fresh:
            return points, 0.0
        verified.update(keys[index] for index in fresh)
        found = oracle(weights[fresh] / scale)
        lower = np.einsum("ij,ij->i", found / scale, weights[fresh])
        gains = (heights[fresh] - lower) / np.maximum(heights[fresh], np.finfo(float).tiny)
        order = np.argsort(-gains, kind="stable")
        better = order[gains[order] > _TOLERANCE]
        if not len(better):
            return points, 0.0
        if len(points) >= most_points:
            return points, float(gains[better[0]])
        room = most_points - len(points)
        points = np.unique(np.concatenate([points, found[better[:room]]]), axis=0)


def largest_gain(kept: Matrix, best: Matrix) -> float:
    """
    Give the largest relative gain that `best` has over `kept` under any mix of coordinates.

    Where the least of `kept` is one and the same point, it is linear and that of `best`
    concave, so their ratio is largest at a vertex.

    Parameters
    ----------
    kept, best
        Points, not negative. Shape ``(n_points, n_terms)``.
    """
    scale = np.where(kept.max(axis=0) > 0, kept.max(axis=0), 1.0)
    weights, heights = _vertices(kept / scale)
    lower = (weights @ (best / scale).T).min(axis=1)
    gains = (heights - lower) / np.maximum(heights, np.finfo(float).tiny)
    return max(float(gains.max()), 0.0)


def _vertices(points: Matrix) -> tuple[Matrix, Matrix]:
    """
    Give the vertices of the minimum of linear functions over the simplex.

    The last weight is 1 minus the others: what is intersected are half-spaces over the
    others and the height, ``height <= point . weight``, the simplex and a floor.
    """
    num_free = points.shape[1] - 1
    below = np.column_stack(
        [-(points[:, :-1] - points[:, -1:]), np.ones(len(points)), -points[:, -1]]
    )
    positive = np.column_stack([-np.eye(num_free), np.zeros(num_free), np.zeros(num_free)])
    simplex = np.append(np.ones(num_free), [0.0, -1.0])
    floor = np.append(np.zeros(num_free), [-1.0, _FLOOR])
    halfspaces = np.vstack([below, positive, simplex, floor])
    inside = np.append(np.full(num_free, 1 / (num_free + 1)), _FLOOR / 2)
    corners = _intersection()(halfspaces, inside).intersections
    corners = corners[np.isfinite(corners).all(axis=1)]
    free = np.clip(corners[:, :-1], 0.0, 1.0)
    last = np.clip(1.0 - free.sum(axis=1), 0.0, 1.0)
    weights = np.column_stack([free, last])
    weights = weights / weights.sum(axis=1, keepdims=True)
    heights = (weights @ points.T).min(axis=1)
    on_floor = corners[:, -1] < _FLOOR / 2
    return weights[~on_floor], heights[~on_floor]


def _intersection() -> Any:
    try:
        from scipy.spatial import HalfspaceIntersection
    except ImportError as error:
        raise MissingDependencyError(
            "compiling a table needs SciPy: pip install 'cutpoint[plan]'"
        ) from error
    return HalfspaceIntersection
