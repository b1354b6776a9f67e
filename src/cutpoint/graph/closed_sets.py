"""Every closed set of a DAG: what may run on the device, listed."""

from collections import Counter
from collections.abc import Sequence


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

    Notes
    -----
    A closed set is built in exactly one way by adding its vertices in topological
    order, so none is met twice and nothing is remembered: O(1) amortised per set.
    """
    if 2 ** _widest(predecessors) > cap:
        return None
    released = _released_by(predecessors)
    roots = sum(1 << vertex for vertex, needed in enumerate(predecessors) if not needed)
    found = [0]
    stack = [(0, roots)]
    while stack:
        members, available = stack.pop()
        while available:
            lowest = available & -available
            available ^= lowest
            vertex = lowest.bit_length() - 1
            grown = members | lowest
            opened = available
            for successor in released[vertex]:
                if predecessors[successor] & ~grown == 0:
                    opened |= 1 << successor
            found.append(grown)
            if len(found) > cap:
                return None
            if opened:
                stack.append((grown, opened))
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
