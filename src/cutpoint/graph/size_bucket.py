"""Sizes that are alike: one bucket, one profile, one table."""

from math import ceil, log2

from cutpoint.graph.dimensions import Sizes

Bucket = tuple[tuple[str, int], ...]
"""A step of `size_step` for each open dimension by name, sorted."""

_STEPS_PER_DOUBLING = 2


def size_step(size: int) -> int:
    """
    Give the step of a size on a scale of two steps per doubling.

    Sizes of one step differ by less than a factor of 1.42, and so do the bytes and the
    work that grow with them.
    """
    return ceil(_STEPS_PER_DOUBLING * log2(size)) if size > 0 else -1


def bucket_of(sizes: Sizes) -> Bucket:
    """Give the bucket of a binding."""
    return tuple(sorted((name, size_step(size)) for name, size in sizes.items()))


def distance(one: Sizes, other: Sizes) -> float:
    """Give how far apart two bindings are, in doublings of their dimensions."""
    names = {*one, *other}
    return sum(
        abs(log2(max(one.get(name, 1), 1)) - log2(max(other.get(name, 1), 1))) for name in names
    )
