"""The graphs of the zoo's nets, each read once for all tests that only look at it."""

from functools import cache

from cutpoint.graph import Graph
from cutpoint.lab.zoo import graph_of


@cache
def net_graph(name: str) -> Graph:
    """Give the graph of a net, the same to every test: graphs never change."""
    return graph_of(name)
