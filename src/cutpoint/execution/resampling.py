"""Pictures resized in NumPy, by the rules of the libraries that people resize with."""

from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

ResizeMode = Literal["linear", "linear-antialias", "cubic-antialias"]

Weights = Callable[[NDArray[np.float64]], NDArray[np.float64]]

CUBIC = -0.5
"""The free parameter of cubic interpolation, as Pillow has it."""


class Filter(NamedTuple):
    """
    How a pixel is made of those around it.

    Parameters
    ----------
    weight
        Of a pixel, by its distance.
    reach
        Distance from which on it is 0.
    is_antialiased
        Whether distances are counted in pixels of the smaller picture, so that every pixel
        of the larger one has its part.
    equals
        Whose results these are.
    """

    weight: Weights
    reach: int
    is_antialiased: bool
    equals: str


def _triangle(distance: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.maximum(0.0, 1.0 - distance)


def _cubic(distance: NDArray[np.float64]) -> NDArray[np.float64]:
    near = ((CUBIC + 2) * distance - (CUBIC + 3)) * distance**2 + 1
    far = ((distance - 5) * distance + 8) * distance * CUBIC - 4 * CUBIC
    return np.where(distance < 1, near, np.where(distance < 2, far, 0.0))


FILTERS: Mapping[ResizeMode, Filter] = {
    "linear": Filter(
        _triangle, 1, False, "OpenCV's INTER_LINEAR, torch's interpolate(mode='bilinear')"
    ),
    "linear-antialias": Filter(
        _triangle, 1, True, "Pillow's BILINEAR, torchvision's Resize(antialias=True)"
    ),
    "cubic-antialias": Filter(_cubic, 2, True, "Pillow's BICUBIC"),
}
"""Ways to resize. Pixels are squares in all of them: the first one's centre lies at 0.5."""


def resized(
    pictures: NDArray[np.uint8], size: tuple[int, int], mode: ResizeMode
) -> NDArray[np.uint8]:
    """
    Resize pictures to 8-bit pictures again.

    Each axis by itself, the width first. As in Pillow, with antialiasing there is a picture of
    8 bits between the two; OpenCV rounds once, at the end.

    Parameters
    ----------
    pictures
        Batch, height, width, channel.
    size
        Width and height.
    mode
        A key of `FILTERS`.
    """
    chosen = FILTERS[mode]
    width, height = size
    across = _matrix(pictures.shape[2], width, chosen)
    wide = np.einsum("ow,nhwc->nhoc", across, pictures.astype(np.float64))
    if chosen.is_antialiased:
        wide = _rounded(wide).astype(np.float64)
    down = _matrix(pictures.shape[1], height, chosen)
    return _rounded(np.einsum("oh,nhwc->nowc", down, wide))


def _rounded(values: NDArray[np.float64]) -> NDArray[np.uint8]:
    return np.clip(np.floor(values + 0.5), 0, 255).astype(np.uint8)


def _matrix(taken: int, given: int, chosen: Filter) -> NDArray[np.float64]:
    """Give the weight of each pixel taken (columns) in each one given (rows)."""
    step = taken / given
    stretch = max(step, 1.0) if chosen.is_antialiased else 1.0
    centres = (np.arange(given) + 0.5) * step
    if not chosen.is_antialiased:
        centres = np.clip(centres, 0.5, taken - 0.5)  # beyond the edge is the edge
    distances = np.abs(np.arange(taken) + 0.5 - centres[:, np.newaxis]) / stretch
    weights = chosen.weight(distances)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))
