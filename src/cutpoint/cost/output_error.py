"""How far outputs are from the exact ones, in the two measures that fit most models."""

from math import inf, isnan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutpoint.graph import Arrays

_PICTURE_RANK = 4
"""From this rank on the classes are on axis 1 (N, C, H, W), as in segmentation; below it last."""


def disagreement(exact: Arrays, got: Arrays) -> float:
    """
    Give the share of predictions whose class is another one, in the worst output.

    Outputs that have no classes (see `has_classes`) are not looked at.
    """
    judged = [name for name, array in exact.items() if has_classes(array)]
    return max((_share_that_differs(exact[name], got[name]) for name in judged), default=inf)


def relative_l2(exact: Arrays, got: Arrays) -> float:
    """Give the norm of the difference over the norm of the exact output, in the worst output."""
    return max((_relative_l2(array, got[name]) for name, array in exact.items()), default=0.0)


def has_classes(array: Any) -> bool:
    """Tell whether an output scores several classes, or names one by its number."""
    if not isinstance(array, np.ndarray):
        return False  # a sequence or a map
    if array.dtype.kind not in "fV":
        return array.dtype.kind in "iub" and array.size > 0
    return array.ndim > 0 and array.size > 0 and array.shape[_class_axis(array)] > 1


def _class_axis(array: NDArray[np.generic]) -> int:
    return 1 if array.ndim >= _PICTURE_RANK else -1


def _share_that_differs(exact: NDArray[np.generic], got: NDArray[np.generic]) -> float:
    if exact.shape != got.shape:
        return inf
    if exact.dtype.kind in "iub":
        return float(np.mean(exact != got))
    one, other = (each.astype(np.float64) for each in (exact, got))
    if np.isnan(other).any() and not np.isnan(one).any():
        return 1.0
    axis = _class_axis(exact)
    return float(np.mean(one.argmax(axis) != other.argmax(axis)))


def _relative_l2(exact: Any, got: Any) -> float:
    if isinstance(exact, list) and isinstance(got, list) and len(exact) == len(got):
        return max(map(_relative_l2, exact, got), default=0.0)
    if not isinstance(exact, np.ndarray) or not isinstance(got, np.ndarray):
        return 0.0 if exact == got else inf
    if exact.shape != got.shape:
        return inf
    if exact.dtype == object:
        return 0.0 if np.array_equal(exact, got) else inf
    one, other = (each.astype(np.float64).ravel() for each in (exact, got))
    # What is infinite or no number in both is the same; in one alone it is infinitely far off.
    alike = (one == other) | (np.isnan(one) & np.isnan(other))
    if alike.all():
        return 0.0
    with np.errstate(all="ignore"):  # numbers that no float holds are as good as infinite
        difference = np.subtract(one, other, out=np.zeros_like(one), where=~alike)
        # Masked scores are infinite: beside them every difference would look like none.
        norm = float(np.linalg.norm(one[np.isfinite(one)]))
        found = float(np.linalg.norm(difference)) / norm if 0 < norm < inf else inf
    return inf if isnan(found) else found
