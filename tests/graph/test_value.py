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
    value = Value("v", dtype, shape, 0, (), shape)
    assert (True, size_bytes) == (value.can_travel, value.size_bytes)


@pytest.mark.parametrize(
    ("dtype", "shape", "can_travel"),
    [(None, (1, 4), False), ("float32", None, True), ("object", (1, 4), True)],
)
def test_an_unknown_size_counts_no_bytes(
    dtype: str | None, shape: tuple[int, ...] | None, can_travel: bool
) -> None:
    """Only a tensor of a known type may cross; without a shape, or as text, it has no size."""
    value = Value("v", dtype, shape, 0, (), shape)
    assert (value.can_travel, value.has_known_size, value.size_bytes) == (can_travel, False, 0)


def test_a_trial_run_tells_a_size() -> None:
    """What a run made stands for a size that type and shape do not tell."""
    value = Value("v", "object", (2,), 0, (), (2,), expected_bytes=17)
    assert (value.has_known_size, value.size_bytes) == (True, 17)
