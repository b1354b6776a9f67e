"""The cuts a host can afford to hold boundaries for."""

from collections.abc import Callable, Sequence

from cutpoint.graph import Cut, Graph
from cutpoint.planning import shortlist

MAX_EXCESS = 0.05
"""What holding a model in segments may cost beyond the whole, relative to it."""


def affordable(
    graph: Graph, cuts: Sequence[Cut], excess_of: Callable[[tuple[Cut, ...]], float]
) -> tuple[tuple[Cut, ...], tuple[Cut, ...]]:
    """
    Drop cuts, the one missed least first, until the segments cost 5 % at most.

    Parameters
    ----------
    cuts
        Cuts to keep if possible, non-dominated as `shortlist` gives them.
    excess_of
        Measures what the segments of some of them cost beyond the whole, relative
        to it.

    Returns
    -------
    tuple of tuple of Cut
        The cuts kept, in the order given, and those dropped, in the order of dropping.

    Notes
    -----
    At most ``len(cuts)`` measurements: no cut at all costs nothing. One cut goes at a
    time; a search that skips some would save few, and one noisy measurement would
    then drop several cuts.
    """
    kept, dropped = tuple(cuts), list[Cut]()
    while kept and excess_of(kept) > MAX_EXCESS:
        fewer = shortlist(graph, kept, limit=len(kept) - 1)
        dropped.extend(cut for cut in kept if cut not in fewer)
        kept = fewer
    return kept, tuple(dropped)
