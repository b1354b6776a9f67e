"""Pictures made up for a comparison: soft spots from black to white, with noise on them."""

import numpy as np
from numpy.typing import NDArray

from cutpoint.execution.preprocessing import Layout

_SPOTS = 9.0
"""What a wave goes through from edge to edge."""

_NOISE_LEVELS = 24
_MIDDLE = 127.5
_PALEST, _TINTS = 0.7, 0.6


def made_up_pictures(shape: tuple[int, ...], layout: Layout, seed: int) -> NDArray[np.uint8]:
    """
    Give seeded pictures.

    Parameters
    ----------
    shape
        Of the array.
    layout
        What its axes are.
    """
    rng = np.random.default_rng(seed)
    height, width = (
        np.sin(_along(layout, axis, np.linspace(0, _SPOTS, shape[layout.index(axis)])))
        for axis in "hw"
    )
    tints = _along(layout, "c", _PALEST + _TINTS * rng.random(shape[layout.index("c")]))
    noise = rng.integers(-_NOISE_LEVELS, _NOISE_LEVELS + 1, shape)
    levels = _MIDDLE * (1 + (height + width) / 2) * tints + noise
    return np.clip(levels, 0, 255).astype(np.uint8)


def _along(layout: Layout, axis: str, numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    return numbers.reshape([-1 if each == axis else 1 for each in layout])
