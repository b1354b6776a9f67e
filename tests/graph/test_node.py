from dataclasses import FrozenInstanceError

import pytest

from cutpoint.graph import Graph


def test_nodes_are_in_topological_order(diamond: Graph) -> None:
    """A node's index is its position, and what it needs was made before."""
    made = set(diamond.inputs)
    for position, node in enumerate(diamond.nodes):
        assert position == node.index
        assert made.issuperset(node.inputs)
        made.update(node.outputs)


def test_a_node_cannot_be_changed(diamond: Graph) -> None:
    """A graph is shared between threads: its nodes are frozen."""
    with pytest.raises(FrozenInstanceError):
        diamond.nodes[0].name = "other"
