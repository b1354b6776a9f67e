"""Colours that mean the same on every plot: device, server, and what lies between."""

import numpy as np

DEVICE, SERVER, BEHIND = "#4c72b0", "#dd8452", "#937860"

HOSTS = (DEVICE, SERVER, BEHIND)
"""By host of a placement."""

NONE = "#e4e4e4"
"""Where nothing keeps limits and deadline."""

INK, FAINT = "#333333", "#9a9a9a"

_SPLITS = ("#c7e9c0", "#74c476", "#31a354", "#006d2c", "#00441b")
"""From splits early in the model to late ones."""


def split_colours(num: int) -> list[str]:
    """Give a colour for each of several splits, from early to late in the model."""
    if num < 2:
        return [_SPLITS[2]] * num
    stops = np.array([[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in _SPLITS], dtype=float)
    at = np.linspace(0, len(stops) - 1, num)
    mixed = [[np.interp(x, range(len(stops)), stops[:, channel]) for channel in range(3)]
             for x in at]  # fmt: skip
    return ["#" + "".join(f"{round(float(level)):02x}" for level in levels) for levels in mixed]
