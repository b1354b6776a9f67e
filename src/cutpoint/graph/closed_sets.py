"""Every closed set of a DAG: what may run on the device, listed."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple


def closed_sets(predecessors: Sequence[int], cap: int) -> list[int] | None:
    """
    List the predecessor-closed sets of a DAG.

    Parameters
    ----------
    predecessors
        Per vertex, in topological order, the vertices it needs directly, as a bit mask.
    cap
        Largest number of sets to list.

    Returns
    -------
    list of int or None
        Bit masks, the empty and the full set among them; ``None`` if there are more
        than `cap`.
    """
    grown = grown_sets(predecessors, cap)
    return None if grown is None else [each.members for each in grown]


class Grown(NamedTuple):
    """
    A closed set and how it came to be.

    Parameters
    ----------
    members
        Bit mask.
    parent
        Position in the list of the set it was grown from; -1 for the empty set.
    vertex
        What was added to that; -1 for the empty set.
    """

    members: int
    parent: int
    vertex: int


def grown_sets(predecessors: Sequence[int], cap: int) -> list[Grown] | None:
    """
    List the closed sets of a DAG, each grown from an earlier one by one vertex.

    Parameters
    ----------
    predecessors, cap
        As for `closed_sets`.

    Notes
    -----
    A closed set is built in exactly one way by adding its vertices in topological
    order, so none is met twice and nothing is remembered: O(1) amortised per set.
    """
    if 2 ** min(_widest(predecessors), 64) > cap:
        return None
    released = _released_by(predecessors)
    roots = sum(1 << vertex for vertex, needed in enumerate(predecessors) if not needed)
    found = [Grown(0, -1, -1)]
    stack = [(0, roots)]
    while stack:
        parent, available = stack.pop()
        members = found[parent].members
        while available:
            lowest = available & -available
            available ^= lowest
            vertex = lowest.bit_length() - 1
            grown = members | lowest
            opened = available
            for successor in released[vertex]:
                if predecessors[successor] & ~grown == 0:
                    opened |= 1 << successor
            found.append(Grown(grown, parent, vertex))
            if len(found) > cap:
                return None
            if opened:
                stack.append((len(found) - 1, opened))
    return found


def _released_by(predecessors: Sequence[int]) -> list[list[int]]:
    successors: list[list[int]] = [[] for _ in predecessors]
    for vertex, needed in enumerate(predecessors):
        while needed:
            lowest = needed & -needed
            successors[lowest.bit_length() - 1].append(vertex)
            needed ^= lowest
    return successors


def _widest(predecessors: Sequence[int]) -> int:
    """Give the size of the widest level: w vertices of one depth alone give 2**w sets."""
    depths: list[int] = []
    for needed in predecessors:
        deepest = 0
        while needed:
            lowest = needed & -needed
            deepest = max(deepest, depths[lowest.bit_length() - 1])
            needed ^= lowest
        depths.append(deepest + 1)
    return max(Counter(depths).values(), default=0)
