"""Element types and their bytes."""

import ml_dtypes
import numpy as np
import pytest

from cutpoint.graph.element_types import is_native, is_packed, pack, raw_bytes, unpack


@pytest.mark.parametrize(
    ("dtype", "shape", "size_bytes"),
    [
        ("float32", (2, 3), 24), ("bfloat16", (3,), 6), ("int4", (3,), 2), ("uint4", (), 1),
        ("bool", (0, 7), 0), ("int64", (1 << 40, 1 << 40), 1 << 83),
    ],
)  # fmt: skip
def test_bytes(dtype: str, shape: tuple[int, ...], size_bytes: int) -> None:
    """Elements below a byte share one, and nothing overflows."""
    assert raw_bytes(dtype, shape) == size_bytes


@pytest.mark.parametrize("dtype", ["int4", "uint4", "float4_e2m1fn"])
@pytest.mark.parametrize("shape", [(), (0,), (5,), (2, 3)])
def test_what_is_packed_comes_back(dtype: str, shape: tuple[int, ...]) -> None:
    """Packing loses nothing, for even and odd numbers of elements."""
    numbers = np.random.default_rng(0).integers(0, 7, shape)
    array = np.asarray(numbers).astype(dtype)
    raw = pack(array)
    assert (is_packed(dtype), len(raw)) == (True, raw_bytes(dtype, shape))
    again = unpack(dtype, shape, raw)
    assert (again.dtype, again.shape) == (array.dtype, array.shape)
    assert np.array_equal(again.astype(np.float32), array.astype(np.float32))


def test_which_types_numpy_has() -> None:
    """Types of ml_dtypes are not NumPy's own."""
    assert is_native("float16")
    assert not is_native(str(np.dtype(ml_dtypes.bfloat16)))
