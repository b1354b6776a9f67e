"""Whole numbers in as few bytes as their range needs."""

from struct import Struct

import numpy as np
import pytest
from numpy.typing import NDArray

from cutpoint.exceptions import RemoteProtocolError
from cutpoint.wire.codecs.narrow import Narrow
from cutpoint.wire.tensors import TensorSpec

HEAD = Struct("<BB6xQ")
RNG = np.random.default_rng(0)


def encoded(array: NDArray[np.generic]) -> bytes:
    """Give all bytes, once they are known to come back."""
    raw = b"".join(Narrow().blocks(array))
    back = Narrow().decode(TensorSpec.of("x", array), raw)
    assert (back.dtype, back.shape) == (array.dtype, array.shape)
    np.testing.assert_array_equal(back, array)
    return raw


@pytest.mark.parametrize(
    ("array", "num_bytes"),
    [
        (RNG.integers(0, 30_522, (1, 128)), 16 + 256),
        (RNG.integers(0, 1 << 31, (1, 128)), 16 + 512),
        (np.ones((1, 512), "int64"), 16),
        (np.zeros((0, 7), "int32"), 16),
        (RNG.integers(0, 2, 20) * 1000 - 7, 16 + 40),
        (RNG.integers(5, 7, 1000), 16 + 125),
        (RNG.integers(0, 2, 1001).astype(bool), 16 + 126),
        (np.array(-3), 16),
        (np.array([-(2**63), 2**63 - 1]), 16 + 16),
        (np.array([0, 2**64 - 1], "uint64"), 16 + 16),
        (np.array([2**64 - 1, 2**64 - 200], "uint64"), 16 + 2),
        (np.array([-128, 127], "int8"), 16 + 2),
    ],
)
def test_codes_are_as_short_as_the_range_allows(array: NDArray[np.generic], num_bytes: int) -> None:
    """Token ids in two bytes, masks in bits, equal numbers in none, and the widest as they are."""
    assert len(encoded(array)) == num_bytes


def test_codes_that_are_worth_it_are_compressed() -> None:
    """A map of labels has long stretches of one: it takes a few hundred bytes, not 480 kB."""
    labels = np.repeat(np.repeat(RNG.integers(0, 21, (6, 5)), 40, axis=0), 50, axis=1)
    assert len(encoded(labels)) < 1000
    assert len(encoded(np.tile(labels, (5, 5)))) < 20_000


def test_large_arrays_leave_piece_by_piece() -> None:
    """The head first; incompressible codes as they are."""
    array = RNG.integers(0, 1 << 30, 100_000)
    pieces = list(Narrow().blocks(array))
    assert len(pieces) == 1 + 4
    assert b"".join(pieces) == encoded(array)


@pytest.mark.parametrize(
    ("dtype", "head"),
    [
        ("int64", (7, 0, 0)), ("int64", (8, 2, 0)), ("int32", (64, 0, 0)), ("bool", (8, 0, 0)),
        ("bool", (1, 0, 1)), ("bool", (0, 0, 2)), ("uint8", (16, 1, 0)), ("int64", (255, 0, 0)),
    ],
)  # fmt: skip
def test_a_head_that_no_such_array_has_is_refused(dtype: str, head: tuple[int, int, int]) -> None:
    """Widths that are none or beyond the type, and booleans that are neither."""
    spec = TensorSpec("x", dtype, (4,))
    with pytest.raises(RemoteProtocolError, match="'x'"):
        Narrow().decode(spec, HEAD.pack(*head) + bytes(32))


def test_equal_numbers_followed_by_anything_are_refused() -> None:
    """The head says that nothing follows."""
    with pytest.raises(RemoteProtocolError, match="takes 16 bytes as narrow, 17 came"):
        Narrow().decode(TensorSpec("x", "int64", (4,)), HEAD.pack(0, 0, 5) + b"\0")
