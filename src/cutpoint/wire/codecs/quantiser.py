"""What may do the arithmetic of a codec in place of NumPy, where it is faster."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Coded = tuple[NDArray[np.uint8], float, int]
"""Codes, the step between them, and the code of 0."""


class Quantiser(Protocol):
    """
    Arithmetic on flat arrays of float32.

    Each method gives ``None`` where it would not be faster than NumPy on an array of this size.
    None needs to care for infinities and NaN: what it gives of them is not used.
    """

    def codes(self, numbers: NDArray[np.float32]) -> Coded | None:
        """Divide the range of numbers and 0 into 255 steps: ``code = number / step + zero``."""
        ...

    def numbers(
        self, codes: NDArray[np.uint8], step: float, zero: int
    ) -> NDArray[np.float32] | None:
        """Give the number that each code stands for: ``(code - zero) * step``."""
        ...

    def halves(self, numbers: NDArray[np.float32]) -> NDArray[np.float16] | None:
        """Give the nearest half-precision number of each."""
        ...

    def wholes(self, halves: NDArray[np.float16]) -> NDArray[np.float32] | None:
        """Give half-precision numbers as float32."""
        ...
