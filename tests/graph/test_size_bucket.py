"""Buckets of sizes."""

from hypothesis import given
from hypothesis import strategies as st

from cutpoint.graph.size_bucket import bucket_of, distance, size_step

sizes = st.integers(0, 1 << 20)


@given(sizes, sizes)
def test_sizes_of_one_step_are_alike(one: int, other: int) -> None:
    """Two sizes of one step differ by less than a factor of 1.42; steps keep the order."""
    if size_step(one) == size_step(other):
        assert max(one, other) <= 1.42 * min(one, other)
    elif one < other:
        assert size_step(one) < size_step(other)


def test_a_range_has_few_buckets() -> None:
    """Lengths from 8 to 512 fall into 13 buckets."""
    assert len({bucket_of({"length": n}) for n in range(8, 513)}) == 13


def test_a_bucket_has_no_order() -> None:
    """The order of the names does not matter."""
    assert bucket_of({"a": 1, "b": 8}) == bucket_of({"b": 8, "a": 1})


def test_distance_counts_doublings() -> None:
    """Two bindings are as far apart as their dimensions have doubled."""
    assert distance({"a": 4, "b": 1}, {"a": 16, "b": 2}) == 3
    assert distance({}, {}) == 0
