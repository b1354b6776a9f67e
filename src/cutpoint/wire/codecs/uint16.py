"""Floats as two bytes: 65535 equal steps, for coordinates and sound."""

import numpy as np
from numpy.typing import NDArray

from cutpoint.wire.codecs.affine import Affine
from cutpoint.wire.codecs.steps import Steps

_CODES = np.dtype("<u2")


class Uint16(Affine):
    """
    Two bytes for each element, from the least to the greatest wherever they lie.

    Unlike float16 the error is the same near and far from 0, and what lies far from 0, such as
    coordinates on a map, keeps all its steps; 0 itself need not be one of them.
    """

    name = "uint16"
    num_bits = 16
    has_zero = False
    types = frozenset(("float32", "float64"))

    def _write(self, steps: Steps, numbers: NDArray[np.generic], raw: NDArray[np.uint8]) -> None:
        steps.encode(numbers, raw.view(_CODES))

    def _read(self, steps: Steps, raw: NDArray[np.uint8], numbers: NDArray[np.generic]) -> None:
        steps.decode(raw.view(_CODES), numbers)
