"""Who must run before whom, as bit masks."""

from collections.abc import Iterator, Sequence


def members(mask: int) -> Iterator[int]:
    """Yield the vertices of a bit mask, ascending."""
    while mask:
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest


def ancestors(predecessors: Sequence[int]) -> tuple[int, ...]:
    """
    Give per vertex the vertices that must run before it, itself included, as a bit mask.

    Parameters
    ----------
    predecessors
        Per vertex, in topological order, those it needs directly, as a bit mask.
    """
    found: list[int] = []
    for vertex, needed in enumerate(predecessors):
        mask = 1 << vertex
        for source in members(needed):
            mask |= found[source]
        found.append(mask)
    return tuple(found)


def successors(predecessors: Sequence[int]) -> tuple[int, ...]:
    """Turn the arcs round: per vertex, those that need it directly, as a bit mask."""
    masks = [0] * len(predecessors)
    for vertex, needed in enumerate(predecessors):
        for source in members(needed):
            masks[source] |= 1 << vertex
    return tuple(masks)


def descendants(predecessors: Sequence[int]) -> tuple[int, ...]:
    """Give per vertex the vertices that cannot run before it, itself included, as a bit mask."""
    found = [1 << vertex for vertex in range(len(predecessors))]
    for vertex in reversed(range(len(predecessors))):
        for source in members(predecessors[vertex]):
            found[source] |= found[vertex]
    return tuple(found)


def is_single(mask: int) -> bool:
    """Tell whether a bit mask has one vertex or none."""
    return mask & (mask - 1) == 0
