"""Floats as half bytes: 15 equal steps between the least and the greatest, 0 exact."""

import numpy as np
from numpy.typing import NDArray

from cutpoint.wire.codecs.affine import Affine
from cutpoint.wire.codecs.elements import BLOCK, blocks_of
from cutpoint.wire.codecs.steps import Steps

_PAIR = np.dtype("<u2")
_BOTH = 0x0F0F


class Uint4(Affine):
    """Two elements in each byte, the first in the lower half."""

    name = "uint4"
    num_bits = 4
    has_zero = True

    def _write(self, steps: Steps, numbers: NDArray[np.generic], raw: NDArray[np.uint8]) -> None:
        codes = np.zeros(BLOCK, np.uint8)
        shifted = np.empty(BLOCK // 2, _PAIR)
        for block in blocks_of(numbers.size):
            num = block.stop - block.start
            steps.encode(numbers[block], codes[:num])
            if num % 2:
                codes[num] = 0
            pairs = codes.view(_PAIR)[: (num + 1) // 2]
            at = np.right_shift(pairs, 4, out=shifted[: pairs.size])
            np.bitwise_or(pairs, at, out=at)
            np.copyto(raw[block.start // 2 : (block.stop + 1) // 2], at, casting="unsafe")

    def _read(self, steps: Steps, raw: NDArray[np.uint8], numbers: NDArray[np.generic]) -> None:
        pairs, shifted = np.empty((2, BLOCK // 2), _PAIR)
        for block in blocks_of(numbers.size):
            num_pairs = (block.stop - block.start + 1) // 2
            at, moved = pairs[:num_pairs], shifted[:num_pairs]
            np.copyto(at, raw[block.start // 2 : (block.stop + 1) // 2])
            np.left_shift(at, 4, out=moved)
            np.bitwise_or(at, moved, out=at)
            np.bitwise_and(at, _BOTH, out=at)
            steps.decode(at.view(np.uint8)[: block.stop - block.start], numbers[block])
