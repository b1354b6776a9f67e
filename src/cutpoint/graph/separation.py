"""The single values that part a graph in two: all of them in one walk."""

from collections.abc import Collection

from cutpoint.graph.graph import Graph

_ROOT = 0
"""Stands before the graph: tied to every input, and to every node that needs none."""


class Separation:
    """
    Which values part a graph, and what lies behind each.

    Tie every node to the values it uses and makes. What of the nodes hangs together with
    the root once a value is taken out needs something beside that value; the rest is
    exactly the tail of the cut at it. So the values to cut at are the cut vertices of an
    undirected graph, which one depth-first walk finds.

    Parameters
    ----------
    graph
        The graph.
    """

    def __init__(self, graph: Graph) -> None:
        self._names = tuple(graph.values)
        self._num_nodes = len(graph.nodes)
        tied = _ties(graph)
        self._order, self._parents, numbers = _walk(tied)
        lowest = _lowest(tied, self._order, self._parents, numbers)
        self._is_parted = [
            lowest[vertex] >= numbers[parent] and parent > self._num_nodes
            for vertex, parent in enumerate(self._parents)
        ]

    def names(self) -> frozenset[str]:
        """Give the values that part the graph."""
        parted = zip(self._is_parted, self._parents, strict=True)
        return frozenset(self._name(parent) for is_parted, parent in parted if is_parted)

    def tails(self, names: Collection[str]) -> dict[str, int]:
        """Give for those of these values that part the graph the nodes behind, as bit masks."""
        tails: dict[str, int] = {}
        below: dict[int, int] = {}  # only of what the walk has not come back from
        for vertex in reversed(self._order[1:]):
            nodes, parent = below.pop(vertex, 0), self._parents[vertex]
            if vertex <= self._num_nodes:
                nodes |= 1 << vertex - 1
            below[parent] = below.get(parent, 0) | nodes
            if self._is_parted[vertex] and (name := self._name(parent)) in names:
                tails[name] = tails.get(name, 0) | nodes
        return tails

    def _name(self, vertex: int) -> str:
        return self._names[vertex - 1 - self._num_nodes]


def _ties(graph: Graph) -> list[list[int]]:
    """Give the neighbours of every vertex: the root, then the nodes, then the values."""
    first_value = 1 + len(graph.nodes)
    vertices = {name: first_value + i for i, name in enumerate(graph.values)}
    tied: list[list[int]] = [[] for _ in range(first_value + len(vertices))]

    def tie(one: int, other: int) -> None:
        tied[one].append(other)
        tied[other].append(one)

    for node in graph.nodes:
        for name in (*node.inputs, *node.outputs):
            tie(1 + node.index, vertices[name])
        if not node.inputs:
            tie(_ROOT, 1 + node.index)
    for name, value in graph.values.items():
        if value.producer is None:
            tie(_ROOT, vertices[name])
    return tied


def _walk(tied: list[list[int]]) -> tuple[list[int], list[int], list[int]]:
    """Walk depth first; give the vertices in order, the one each was come from, and its number."""
    order, parents, numbers = [_ROOT], [_ROOT] * len(tied), [-1] * len(tied)
    numbers[_ROOT] = 0
    path = [(_ROOT, iter(tied[_ROOT]))]
    while path:
        vertex, neighbours = path[-1]
        following = next((each for each in neighbours if numbers[each] < 0), None)
        if following is None:
            path.pop()
            continue
        numbers[following], parents[following] = len(order), vertex
        order.append(following)
        path.append((following, iter(tied[following])))
    return order, parents, numbers


def _lowest(
    tied: list[list[int]], order: list[int], parents: list[int], numbers: list[int]
) -> list[int]:
    """Give how far back each vertex and what was reached through it are tied otherwise."""
    lowest = list(numbers)
    for vertex in reversed(order[1:]):
        parent = parents[vertex]
        beside = (numbers[each] for each in tied[vertex] if each != parent)
        lowest[vertex] = min(lowest[vertex], min(beside, default=lowest[vertex]))
        lowest[parent] = min(lowest[parent], lowest[vertex])
    return lowest
