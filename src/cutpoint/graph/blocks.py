"""Blocks: nodes between which no good cut goes, taken together."""

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush

from cutpoint.graph.candidates import is_free, is_fused_with_next
from cutpoint.graph.graph import Graph


@dataclass(frozen=True)
class Block:
    """
    Nodes that ONNX Runtime fuses, or that cost nothing behind another.

    Parameters
    ----------
    index
        Position in topological order of the blocks.
    name
        Name of its last node.
    nodes
        Bit mask.
    """

    index: int
    name: str
    nodes: int


def blocks_of(graph: Graph) -> tuple[Block, ...]:
    """
    Contract what is fused: cutting inside a fused group never helps and costs about 1 %.

    A node whose only consumer swallows it joins that one (one such producer each, as
    the runtime fuses one), and a node that costs nothing joins the one before it.
    Either contracts an edge beside which no other path leads, so a DAG is left.

    Returns
    -------
    tuple of Block
        In topological order, ties by the first node.
    """
    leader = list(range(len(graph.nodes)))
    swallowed: set[int] = set()
    for node in graph.nodes:
        for name in node.inputs:
            producer = graph.values[name].producer
            if producer is None:
                continue
            joins = is_free(node) and len(node.inputs) == 1
            if not joins and node.index not in swallowed and name not in graph.outputs:
                joins = is_fused_with_next(graph, graph.nodes[producer], name)
            if joins:
                swallowed.add(node.index)
                leader[node.index] = leader[producer]
    return _in_order(graph, leader)


def block_index_of(graph: Graph, blocks: Sequence[Block]) -> list[int]:
    """Give the block of each node."""
    index_of = [0] * len(graph.nodes)
    for block in blocks:
        for node in _members(block.nodes):
            index_of[node] = block.index
    return index_of


def _in_order(graph: Graph, leader: Sequence[int]) -> tuple[Block, ...]:
    """Sort blocks topologically; of those that are ready the one that begins first."""
    members: dict[int, list[int]] = {}
    for node, first in enumerate(leader):
        members.setdefault(first, []).append(node)
    needs: dict[int, set[int]] = {first: set() for first in members}
    feeds: dict[int, set[int]] = {first: set() for first in members}
    for consumer in graph.nodes:
        for name in consumer.inputs:
            producer = graph.values[name].producer
            if producer is not None and leader[producer] != leader[consumer.index]:
                needs[leader[consumer.index]].add(leader[producer])
                feeds[leader[producer]].add(leader[consumer.index])
    ready = [first for first, needed in needs.items() if not needed]
    heapify(ready)
    ordered: list[Block] = []
    while ready:
        first = heappop(ready)
        nodes = sum(1 << node for node in members[first])
        ordered.append(Block(len(ordered), graph.nodes[members[first][-1]].name, nodes))
        for later in feeds[first]:
            needs[later].discard(first)
            if not needs[later]:
                heappush(ready, later)
    return tuple(ordered)


def _members(mask: int) -> list[int]:
    found = []
    while mask:
        lowest = mask & -mask
        found.append(lowest.bit_length() - 1)
        mask ^= lowest
    return found
