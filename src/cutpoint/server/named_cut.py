"""A cut as another host asks for it: by the names of the values that cross."""

from collections.abc import Sequence

from cutpoint.exceptions import InvalidCutError
from cutpoint.graph import Cut, Graph, cut_at


def named_cut(graph: Graph, crossing: Sequence[str]) -> Cut:
    """
    Give the cut at these values, if a host with another runtime can name it too.

    Raises
    ------
    InvalidCutError
        If the graph cannot be cut there, or not so that other hosts could name it.
    """
    if len(set(crossing)) < len(crossing):
        raise InvalidCutError(
            f"{len(crossing)} values of {graph.name!r} are named, some of them twice: "
            "name each that crosses once"
        )
    cut = cut_at(graph, crossing)
    if not cut.head:
        raise InvalidCutError(
            f"the tail behind {list(cut.crossing)} is the whole model: ask for {graph.name!r}"
        )
    unnamed = [
        name
        for name in cut.crossing
        if not graph.values[name].can_travel or name not in graph.original_names
    ]
    if unnamed:
        raise InvalidCutError(
            f"{unnamed} may not cross a cut of {graph.name!r}: each must be a value of the "
            "model file and have a known type and shape; `cutpoint inspect` lists the cuts"
        )
    return cut
