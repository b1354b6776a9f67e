"""A cut as another host asks for it: by the names of the values that cross."""

from collections.abc import Sequence

from cutpoint.exceptions import InvalidCutError
from cutpoint.graph import Cut, Graph, cut_at


def check_names(graph: Graph, crossing: Sequence[str]) -> None:
    """
    Return if each of these is a value that may cross; whether they part the graph costs more.

    Raises
    ------
    InvalidCutError
        If there is none, or one is named twice, is none of the graph's, or could not be named by
        other hosts.
    """
    if not crossing:
        raise InvalidCutError(f"no value of {graph.name!r} is named: name each that crosses")
    if len(set(crossing)) < len(crossing):
        raise InvalidCutError(
            f"{len(crossing)} values of {graph.name!r} are named, some of them twice: "
            "name each that crosses once"
        )
    for name in crossing:
        if name not in graph.values:
            raise InvalidCutError(
                f"{name!r} is not a computed value of model {graph.name!r}; "
                "`cutpoint inspect` lists the values at which it can be cut"
            )
    unnamed = [
        name
        for name in sorted(crossing)
        if not graph.values[name].can_travel or name not in graph.original_names
    ]
    if unnamed:
        raise InvalidCutError(
            f"{unnamed} may not cross a cut of {graph.name!r}: each must be a value of the "
            "model file and have a known type and shape; `cutpoint inspect` lists the cuts"
        )


def named_cut(graph: Graph, crossing: Sequence[str]) -> Cut:
    """
    Give the cut at these values, if a host with another runtime can name it too.

    Raises
    ------
    InvalidCutError
        If the graph cannot be cut there, or not so that other hosts could name it.
    """
    check_names(graph, crossing)
    cut = cut_at(graph, crossing)
    if not cut.head:
        raise InvalidCutError(
            f"the tail behind {list(cut.crossing)} is the whole model: ask for {graph.name!r}"
        )
    return cut
