"""Heads by rule rather than by price: prefixes of an order, and those behind a single value."""

from collections.abc import Sequence

from cutpoint.cost import CostTable


def prefix_heads(order: Sequence[int]) -> list[int]:
    """Give the heads that follow an order of the blocks, from none of them to all."""
    heads = [0]
    for block in order:
        heads.append(heads[-1] | 1 << block)
    return heads


def table_order(table: CostTable) -> list[int]:
    """Give the blocks as the table lists them."""
    return list(range(table.num_blocks))


def breadth_first_order(table: CostTable) -> list[int]:
    """
    Give the blocks level by level.

    Prefixes of this order lose far less than those of a depth-first one where branches
    run side by side: at most 1-6 % instead of 28-43 % on HRNet.
    """
    return sorted(range(table.num_blocks), key=lambda block: (table.depths[block], block))


def single_value_heads(table: CostTable) -> list[int]:
    """Give the heads that hand over exactly one value, in topological order."""
    reached = _ancestors(table)
    users = [0] * len(table.values)
    for index, value in enumerate(table.values):
        for consumer in value.consumers:
            users[index] |= 1 << consumer
    heads = []
    for value in table.values:
        if value.producer is None or not value.consumers:
            continue
        head = reached[value.producer]
        crossing = [
            index
            for index, other in enumerate(table.values)
            if users[index] & ~head and (other.producer is None or head >> other.producer & 1)
        ]
        if [table.values[index].name for index in crossing] == [value.name]:
            heads.append(head)
    return heads


def _ancestors(table: CostTable) -> list[int]:
    """Give, per block, all that it needs, itself included."""
    masks = [1 << block for block in range(table.num_blocks)]
    for source, target in table.arcs():
        masks[target] |= masks[source]
    return masks
