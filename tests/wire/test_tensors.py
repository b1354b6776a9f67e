"""Tensors: raw bytes there and back, and lies about them refused."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from cutpoint.exceptions import RemoteProtocolError, UnknownShapeError
from cutpoint.graph.value import Value
from cutpoint.wire.tensors import (
    TensorSpec,
    check_specs,
    spec_of,
    spec_of_value,
    to_array,
    to_bytes,
)

DATATYPES = {
    "bool": "BOOL",
    "int8": "INT8",
    "int16": "INT16",
    "int32": "INT32",
    "int64": "INT64",
    "uint8": "UINT8",
    "uint16": "UINT16",
    "uint32": "UINT32",
    "uint64": "UINT64",
    "float16": "FP16",
    "float32": "FP32",
    "float64": "FP64",
}
SHAPES = ((), (1,), (3,), (0,), (2, 0, 3), (2, 3, 4))


def sent(name: str, array: NDArray[np.generic]) -> NDArray[np.generic]:
    """Send an array through what a message carries of it."""
    leaving = TensorSpec.of(name, array)
    raw = bytes(to_bytes(array))
    return to_array(spec_of(name, leaving.datatype, list(leaving.shape)), raw)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("dtype", "datatype"), DATATYPES.items())
def test_every_type_comes_back(dtype: str, datatype: str, shape: tuple[int, ...]) -> None:
    """Each element type and shape, empty and zero-dimensional ones included, survives the trip."""
    array = (np.random.default_rng(3).standard_normal(shape) * 50).astype(dtype)
    assert TensorSpec.of("x", np.asarray(array)).datatype == datatype
    back = sent("x", np.asarray(array))
    assert back.dtype == np.dtype(dtype)
    assert back.shape == shape
    np.testing.assert_array_equal(back, array)


@given(
    hnp.arrays(
        dtype=st.sampled_from(sorted(DATATYPES)),
        shape=hnp.array_shapes(min_dims=0, min_side=0, max_side=4),
    )
)
def test_the_bytes_of_any_array_come_back(array: NDArray[np.generic]) -> None:
    """Bit for bit: NaN, infinities and denormals are numbers like any other."""
    back = sent("x", array)
    assert back.tobytes() == array.tobytes()
    assert (back.shape, back.dtype) == (array.shape, array.dtype)


@pytest.mark.parametrize(
    "view",
    [
        lambda a: a.T,
        lambda a: a[::2, 1:],
        lambda a: a[::-1],
        np.asfortranarray,
        lambda a: np.broadcast_to(a[0], (5, 6)),
    ],
)
def test_a_view_travels_as_what_it_shows(view) -> None:
    """An array that is not contiguous arrives with its values in its own order."""
    array = view(np.arange(24, dtype=np.int32).reshape(4, 6))
    np.testing.assert_array_equal(sent("x", array), array)


def test_a_contiguous_array_is_not_copied() -> None:
    """The bytes of a contiguous array are the array's own memory."""
    array = np.zeros(8, np.float32)
    raw = to_bytes(array)
    array[0] = 1.0
    assert bytes(raw) == array.tobytes()


@pytest.mark.parametrize("size_bytes", [0, 1, 23, 25, 48])
def test_another_number_of_bytes_is_refused(size_bytes: int) -> None:
    """The error names the tensor, the bytes it needs and those that came."""
    with pytest.raises(RemoteProtocolError, match=rf"'x'.*needs 24 bytes, {size_bytes} came"):
        to_array(TensorSpec("x", "float32", (2, 3)), bytes(size_bytes))


@pytest.mark.parametrize("datatype", ["", "fp32", "FP32 ", "FLOAT", "FP8", "None", "\0"])
def test_an_unknown_datatype_is_refused(datatype: str) -> None:
    """What has no meaning cannot travel."""
    with pytest.raises(RemoteProtocolError, match=r"tensor 'x': datatype .* cannot travel raw"):
        spec_of("x", datatype, [1])


@pytest.mark.parametrize("shape", [[-1], [1, -1, 4], [-(2**62), -(2**62)], [-1, 0]])
def test_a_negative_dimension_is_refused(shape: list[int]) -> None:
    """No dimension is a wildcard on the wire, nor do two negative ones make a size."""
    with pytest.raises(RemoteProtocolError, match=r"'x'.*negative dimension"):
        spec_of("x", "FP32", shape)


@pytest.mark.parametrize("shape", [[2**60, 4], [2**60] * 4, [4, 2**60 + 2], [16, 2**60 + 2]])
def test_huge_dimensions_neither_overflow_nor_take_memory(shape: list[int]) -> None:
    """Sizes past 64 bits stay exact instead of wrapping to small ones; no memory is taken."""
    tracemalloc.start()
    try:
        spec = spec_of("x", "FP32", shape)
        assert spec.size_bytes == 4 * np.prod(np.array(shape, dtype=object))
        assert spec.size_bytes > 2**62
        with pytest.raises(RemoteProtocolError, match="bytes, 32 came"):
            to_array(spec, bytes(32))
        with pytest.raises(RemoteProtocolError, match="expected float32"):
            check_specs([TensorSpec("x", "float32", (8,))], [spec], "m")
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak_bytes < 1 << 20


X, Y = TensorSpec("x", "float32", (2,)), TensorSpec("y", "int64", ())


def test_the_expected_tensors_pass_in_any_order() -> None:
    """Order means nothing: tensors go by their names."""
    check_specs([X, Y], [Y, X], "m")


@pytest.mark.parametrize(
    ("given_specs", "message"),
    [
        ([X], "m: tensor 'y' is missing"),
        ([], "m: tensor 'x' is missing"),
        ([X, Y, X], "m: tensor 'x' came twice"),
        ([X, X], "m: tensor 'x' came twice"),
        ([X, Y, TensorSpec("z", "bool", ())], r"m: unknown tensor 'z'; it takes \['x', 'y'\]"),
        ([TensorSpec("x", "float64", (2,)), Y], r"'x' is float64\[2\], expected float32\[2\]"),
        ([TensorSpec("x", "float32", (2, 1)), Y], r"'x' is float32\[2, 1\], expected"),
    ],
)
def test_other_tensors_are_refused(given_specs: list[TensorSpec], message: str) -> None:
    """The first that is missing, doubled, unknown or different is named."""
    with pytest.raises(RemoteProtocolError, match=message):
        check_specs([X, Y], given_specs, "m")


def test_a_value_is_described_as_it_travels() -> None:
    """A value with type and shape gives a tensor; one without says which it is."""
    assert spec_of_value(Value("x", "float32", (2,), 0, (), (2,))) == X
    with pytest.raises(UnknownShapeError, match="'v'"):
        spec_of_value(Value("v", None, (2,), 0, (), (2,)))
