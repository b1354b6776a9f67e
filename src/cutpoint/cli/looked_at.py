"""A model to look at: sizes may be open, and it need not be one that two hosts can share."""

from dataclasses import dataclass

from cutpoint.cli.chosen_model import ChosenModel
from cutpoint.exceptions import ModelError
from cutpoint.execution import completed, load_open_graph
from cutpoint.graph import Cut, Graph, bind, candidate_cuts
from cutpoint.planning import graph_cuts

_ASSUMED_SIZE = 224
"""Of what is open, to see how a graph hangs together: large enough for any picture's net."""


@dataclass(frozen=True)
class LookedAt:
    """
    What can be known of a model.

    Parameters
    ----------
    graph
        Of the model. If it is not bound, its sizes are assumed: they mean nothing.
    is_bound
        Whether every dimension of the inputs is bound.
    obstacle
        Why no two hosts can share it; empty if they can.
    cuts
        The candidates: of one value alone where sizes are not known.
    """

    graph: Graph
    is_bound: bool
    obstacle: str
    cuts: tuple[Cut, ...]


def look_at(chosen: ChosenModel) -> LookedAt:
    """
    Load a model as far as it is bound.

    Raises
    ------
    ModelError
        If it cannot be loaded.
    UnknownShapeError
        If a size is of no dimension of the model.
    FeedError
        If the inputs do not suit it.
    """
    graph = load_open_graph(chosen.file, sizes=chosen.sizes, options=chosen.options())
    if chosen.feed is None and not graph.is_bound:
        open_ = {dimension.name: _ASSUMED_SIZE for dimension in graph.dimensions}
        assumed = bind(graph, {**open_, **graph.sizes})
        return LookedAt(assumed, False, "", candidate_cuts(assumed))
    try:
        graph = completed(graph, chosen.feed, chosen.options())
    except ModelError as error:
        return LookedAt(graph, graph.is_bound, str(error), ())
    return LookedAt(graph, True, "", graph_cuts(graph))
