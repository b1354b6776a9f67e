"""Cuts at one value with side values beside it: sizes, positions and masks."""

from collections.abc import Iterable, Iterator
from functools import reduce
from operator import or_
from typing import NamedTuple

from cutpoint.graph.cut import Cut, cut_of, cut_with
from cutpoint.graph.graph import Graph
from cutpoint.graph.node import Node


class _SideValue(NamedTuple):
    """A side value: the node that makes it and those that use it, as bit masks."""

    name: str
    made_by: int
    users: int
    may_cross: bool


class Accompanied:
    """
    Finds cuts at one value with side values beside it.

    Sets of nodes are bit masks; what holds for many values is found in one pass over the
    nodes, since a look at all values for each of them takes their number squared.

    Parameters
    ----------
    graph
        The graph.
    side
        Its `side_values`.
    """

    def __init__(self, graph: Graph, side: frozenset[str]) -> None:
        self._graph = graph
        self._side = tuple(_side_value(graph, name) for name in graph.values if name in side)
        side_nodes = [node for node in graph.nodes if side.issuperset(node.outputs)]
        self._side_nodes = sum(1 << node.index for node in side_nodes)
        self._known_with: dict[int, int] = {}
        for node in side_nodes:
            needed = graph.ancestors[node.index] & ~self._side_nodes
            self._known_with[needed] = self._known_with.get(needed, 0) | 1 << node.index
        self._open = dict(self._left_open(side))
        self._behind: dict[str, int] = {}

    def cut_at(self, name: str) -> Cut | None:
        """Give the cut behind a value that sends least; ``None`` if more than side values cross."""
        producer = self._graph.values[name].producer
        if producer is None or name not in self._open:
            return None
        left_open = self._open[name]
        cuts = [
            cut
            for head in self._heads(self._graph.ancestors[producer])
            if not left_open & ~head and (cut := self._cut_of(name, head)) is not None
        ]
        return min(cuts, key=lambda cut: self._graph.size_bytes(cut.crossing), default=None)

    def _left_open(self, side: frozenset[str]) -> Iterator[tuple[str, int]]:
        """
        Yield the values beside which none but side values may cross.

        With each, the side nodes that use other values of its head: the head must have
        them too.
        """
        graph = self._graph
        fed = _union(
            graph.consumers_of(name)
            for name, value in graph.values.items()
            if value.producer is None and name not in side
        )
        used: dict[int, int] = {}  # per node, who uses what is made up to it
        done_with = _last_uses(graph)
        for node in graph.nodes:
            before = _union((fed, *(used[each] for each in _producers(graph, node))))
            users = {name: graph.consumers_of(name) for name in node.outputs if name not in side}
            for name in users:
                others = _union(users[other] for other in users if other != name)
                left_open = (before | others) & ~graph.ancestors[node.index]
                if not left_open & ~self._side_nodes:
                    yield name, left_open
            used[node.index] = _union((before, *users.values()))
            for each in done_with[node.index]:
                del used[each]

    def _heads(self, least: int) -> Iterator[int]:
        """Yield the least head, and that with what else it can know of sizes and masks."""
        yield least
        known = least
        for needed, nodes in self._known_with.items():
            if not needed & ~least:
                known |= nodes
        if known != least:
            yield known

    def _cut_of(self, name: str, head: int) -> Cut | None:
        """Give what `cut_of` gives of a head that sends this value and side values alone."""
        graph = self._graph
        tail = graph.all_nodes & ~head
        if not graph.consumers_of(name) & tail:
            return None
        beside = [each for each in self._side if each.users & tail and not each.made_by & tail]
        if not all(each.may_cross for each in beside):
            return None
        needed, behind = self._around(name)
        for each in beside:
            made_with, used_for = self._around(each.name)
            needed, behind = needed | made_with, behind | used_for
        crossing = sorted((name, *(each.name for each in beside)))
        if behind & ~needed == tail:
            return cut_with(graph, crossing, head)
        # Nodes without inputs in the tail, or outputs made of side values in the head.
        cut = cut_of(graph, head)
        is_split = cut is not None and cut.placement == "split" and name in cut.crossing
        return cut if is_split else None

    def _around(self, name: str) -> tuple[int, int]:
        """Give what a value needs and what needs it."""
        value = self._graph.values[name]
        needed = 0 if value.producer is None else self._graph.ancestors[value.producer]
        if name not in self._behind:
            self._behind[name] = _union(self._graph.descendants[each] for each in value.consumers)
        return needed, self._behind[name]


def _side_value(graph: Graph, name: str) -> _SideValue:
    value = graph.values[name]
    made_by = 0 if value.producer is None else 1 << value.producer
    return _SideValue(name, made_by, graph.consumers_of(name), graph.may_cross(name))


def _producers(graph: Graph, node: Node) -> set[int]:
    found = (graph.values[name].producer for name in node.inputs)
    return {producer for producer in found if producer is not None}


def _last_uses(graph: Graph) -> list[list[int]]:
    """Give for every node those that nobody asks for behind it."""
    last = list(range(len(graph.nodes)))
    for node in graph.nodes:
        for producer in _producers(graph, node):
            last[producer] = node.index
    done_with: list[list[int]] = [[] for _ in graph.nodes]
    for producer, index in enumerate(last):
        done_with[index].append(producer)
    return done_with


def _union(masks: Iterable[int]) -> int:
    return reduce(or_, masks, 0)
