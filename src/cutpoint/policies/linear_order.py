"""Schemes that lay the graph out in one order, and cut it nowhere but between two nodes of that."""

from collections.abc import Sequence

from cutpoint.graph import Cut, Graph, blocks_of, cut_of
from cutpoint.policies.published import Published


class OfOneOrder(Published):
    """
    A scheme whose cuts are the prefixes of the graph's own topological order.

    On a chain these are all cuts. Behind a node that all paths go through there is one too; of
    the cuts across parallel branches, which cross several values, only those of that order are.
    """

    def cuts_of(self, graph: Graph) -> Sequence[Cut]:
        """Give the prefixes that take no fused group apart."""
        inside = [(block.nodes & -block.nodes, block.nodes) for block in blocks_of(graph)]
        heads = ((1 << num_nodes) - 1 for num_nodes in range(1, len(graph.nodes)))
        found = (
            cut_of(graph, head)
            for head in heads
            if all(not first & head or nodes & head == nodes for first, nodes in inside)
        )
        return [cut for cut in found if cut is not None and cut.placement == "split"]

    def may_take(self, cut: Cut) -> bool:
        """Tell whether the head is the first so many nodes."""
        return cut.head & (cut.head + 1) == 0
