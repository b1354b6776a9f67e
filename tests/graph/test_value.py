import pytest

from cutpoint.graph.value import Value


@pytest.mark.parametrize(
    ("dtype", "shape", "size_bytes"),
    [
        ("float32", (1, 3, 4), 48),
        ("uint8", (5,), 5),
        ("float16", (), 2),
        ("int64", (2, 0), 0),
    ],
)
def test_size_of_a_known_shape(dtype: str, shape: tuple[int, ...], size_bytes: int) -> None:
    """A value of known type and shape may travel, and its size is their product."""
    value = Value("v", dtype, shape, 0, ())
    assert (True, size_bytes) == (value.can_travel, value.size_bytes)


@pytest.mark.parametrize(("dtype", "shape"), [(None, (1, 4)), ("float32", None), (None, None)])
def test_an_unknown_size_cannot_travel(dtype: str | None, shape: tuple[int, ...] | None) -> None:
    """A value whose type or shape is not known may not cross a cut, and counts no bytes."""
    value = Value("v", dtype, shape, 0, ())
    assert (value.can_travel, value.size_bytes) == (False, 0)
