"""Half bytes: two elements in each, the first one below."""

import numpy as np
import pytest

from cutpoint.wire.codecs.uint4 import Uint4
from cutpoint.wire.tensors import TensorSpec


def test_the_first_of_two_is_in_the_lower_half() -> None:
    """Codes 0 to 15 of an even range, two by two."""
    array = np.arange(16, dtype="float32")
    raw = b"".join(Uint4().blocks(array))
    assert list(raw[8:]) == [0x10, 0x32, 0x54, 0x76, 0x98, 0xBA, 0xDC, 0xFE]


@pytest.mark.parametrize("num", [0, 1, 2, 7, 65_535, 65_536, 65_537, 131_073, 600_001])
def test_any_number_of_elements_comes_back(num: int) -> None:
    """Odd ones, and those at the edges of blocks and pieces, lose no more than the bound."""
    array = np.random.default_rng(num).standard_normal(num).astype("float32")
    raw = b"".join(Uint4().blocks(array))
    assert len(raw) == 8 + (num + 1) // 2
    decoded = Uint4().decode(TensorSpec.of("x", array), raw)
    assert np.abs(decoded - array).max(initial=0) <= Uint4().most_error(array)


def test_the_half_that_is_left_over_is_nought() -> None:
    """An odd number of elements gives the same bytes every time."""
    array = np.linspace(0, 15, 3, dtype="float32")
    assert {b"".join(Uint4().blocks(array))[-1] for _ in range(5)} == {0x0F}
