"""Raw values: nothing is copied on the way out or in."""

import sys

import numpy as np
import pytest

from cutpoint.wire.codecs.raw import Raw
from cutpoint.wire.tensors import TensorSpec


@pytest.mark.parametrize("dtype", ["float32", "int64", "bool", "float16"])
def test_a_contiguous_array_leaves_as_its_own_memory(dtype: str) -> None:
    """The one piece is the array's memory itself, whatever its type."""
    array = np.zeros((3, 5), dtype)
    (piece,) = Raw().blocks(array)
    assert np.shares_memory(np.frombuffer(piece, np.uint8), array)
    assert len(piece) == array.nbytes == Raw().most_bytes(TensorSpec.of("x", array))


def test_decoding_is_a_view_of_the_bytes() -> None:
    """What came is not copied either."""
    raw = bytearray(np.arange(6, dtype="float32").tobytes())
    decoded = Raw().decode(TensorSpec("x", "float32", (2, 3)), raw)
    assert np.shares_memory(decoded, np.frombuffer(raw, np.uint8))


def test_an_array_that_is_not_contiguous_is_put_in_order() -> None:
    """Rows one after another, as the receiver expects them."""
    array = np.arange(12, dtype="float32").reshape(3, 4).T
    assert b"".join(Raw().blocks(array)) == array.tobytes()


@pytest.mark.parametrize("dtype", ["int4", "bfloat16", "float8_e4m3fn"])
def test_types_that_numpy_lacks_travel_too(dtype: str) -> None:
    """Packed types and half precision of the other kind come back."""
    array = np.arange(6).reshape(2, 3).astype(dtype)
    spec = TensorSpec.of("x", array)
    raw = b"".join(Raw().blocks(array))
    assert len(raw) == Raw().most_bytes(spec)
    np.testing.assert_array_equal(Raw().decode(spec, raw), array)


def test_texts_travel_and_have_no_bound_of_their_own() -> None:
    """The bound of a text is what the receiver takes at all."""
    array = np.array([["a", "ö"], ["", "long"]], object)
    spec = TensorSpec.of("x", array)
    np.testing.assert_array_equal(Raw().decode(spec, b"".join(Raw().blocks(array))), array)
    assert Raw().most_bytes(spec) == sys.maxsize
