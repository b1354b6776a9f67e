"""From a graph and seconds per node to a cost table of its blocks."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cutpoint.cost.cost_table import CostTable, CostValue
from cutpoint.graph import Block, Graph, block_index_of, blocks_of


def table_of_nodes(graph: Graph, host_node_s: Sequence[NDArray[np.float64]]) -> CostTable:
    """
    Add up seconds of nodes into blocks.

    Parameters
    ----------
    host_node_s
        Per host, seconds of each node in the graph's order; host 0 is the device.

    Raises
    ------
    CostError
        If there are less than two hosts, or a number is no duration.
    """
    blocks = blocks_of(graph)
    block_of = np.array(block_index_of(graph, blocks), dtype=np.intp)
    weights = np.array([node.weight_bytes for node in graph.nodes], dtype=float)
    return CostTable(
        name=graph.name,
        blocks=tuple(block.name for block in blocks),
        host_s=np.array([np.bincount(block_of, node_s, len(blocks)) for node_s in host_node_s]),
        values=_values(graph, block_of),
        memory_bytes=np.bincount(block_of, weights, len(blocks)).astype(np.float64),
        sha256=graph.sha256,
    )


def nodes_in(blocks: Sequence[Block], head: int) -> int:
    """Turn a bit mask of blocks into one of nodes."""
    nodes = 0
    for block in blocks:
        if head >> block.index & 1:
            nodes |= block.nodes
    return nodes


def _values(graph: Graph, block_of: NDArray[np.intp]) -> tuple[CostValue, ...]:
    """Give the values between blocks, those fed and those wanted at the end."""
    listed = []
    for value in graph.values.values():
        producer = None if value.producer is None else int(block_of[value.producer])
        consumers = {int(block_of[consumer]) for consumer in value.consumers} - {producer}
        is_output = value.name in graph.outputs
        if consumers or is_output or producer is None:
            listed.append(
                CostValue(
                    name=value.name,
                    size_bytes=float(value.size_bytes),
                    producer=producer,
                    consumers=tuple(sorted(consumers)),
                    is_output=is_output,
                    may_cross=graph.may_cross(value.name),
                )
            )
    return tuple(listed)
