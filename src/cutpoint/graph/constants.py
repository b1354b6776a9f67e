"""Outputs that depend on weights alone."""

from cutpoint.graph.feed import Arrays
from cutpoint.graph.graph import Graph


def constant_outputs(graph: Graph) -> Arrays:
    """Give the outputs that depend on weights alone; no node makes them, no cut moves them."""
    weights = graph.source.graph.initializers
    return {name: weights[name].const_value.numpy() for name in graph.constants}
