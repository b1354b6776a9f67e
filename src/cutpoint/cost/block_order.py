"""The order of blocks that a file lists in any order."""

from collections.abc import Iterable, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from heapq import heapify, heappop, heappush

from cutpoint.exceptions import CostError


def topological_order(names: Sequence[str], needs: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    """
    Sort blocks so that each follows what it needs; of those that are ready the first listed.

    An order that is topological already is kept.

    Parameters
    ----------
    names
        As listed, each once.
    needs
        By name, the names of the blocks it needs; all are listed.

    Raises
    ------
    CostError
        If blocks need each other in a circle; names the circle.
    """
    sorter = TopologicalSorter({name: needs.get(name, ()) for name in names})
    try:
        sorter.prepare()
    except CycleError as error:
        circle = " -> ".join(repr(name) for name in error.args[1])
        raise CostError(
            f"layers need each other in a circle ({circle}): take out one of these dependencies"
        ) from error
    position = {name: index for index, name in enumerate(names)}
    ready = [position[name] for name in sorter.get_ready()]
    heapify(ready)
    ordered: list[str] = []
    while ready:
        name = names[heappop(ready)]
        ordered.append(name)
        sorter.done(name)
        for freed in sorter.get_ready():
            heappush(ready, position[freed])
    return tuple(ordered)


def check_unique(what: str, names: Sequence[str]) -> None:
    """
    Refuse a name that is listed twice.

    Raises
    ------
    CostError
        Names it.
    """
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise CostError(f"two {what}s are named {name!r}: give each a name of its own")
        seen.add(name)
