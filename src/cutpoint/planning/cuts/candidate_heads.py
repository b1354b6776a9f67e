"""Heads worth a look: all of them if they are few, else those that one value or order gives."""

from cutpoint.cost import CostTable
from cutpoint.planning.cuts.ancestry import ancestors, descendants
from cutpoint.planning.cuts.heads import breadth_first_order, prefix_heads, table_order

MAX_HEADS = 20_000
"""Largest number of heads that is listed in full."""


def candidate_heads(table: CostTable, max_heads: int = MAX_HEADS) -> tuple[list[int], bool]:
    """
    Give heads of a table, those with most on the device first.

    Parameters
    ----------
    max_heads
        List every closed set if there are no more.

    Returns
    -------
    heads : list of int
        Bit masks. If there are too many to list: the prefixes of two topological orders,
        and for each block the smallest head that has it and the largest that does without
        all it feeds; every cut at a single value is among them.
    is_all : bool
        Whether no head was left out.
    """
    listed = table.grown_heads(max_heads)
    if listed is None:
        before, after = ancestors(table.predecessors), descendants(table.predecessors)
        some = {*before}
        some.update(prefix_heads(table_order(table)))
        some.update(prefix_heads(breadth_first_order(table)))
        some.update(table.everything & ~mask | 1 << block for block, mask in enumerate(after))
        heads = list(some)
    else:
        heads = [each.members for each in listed]
    heads.sort(key=lambda head: (-head.bit_count(), head))
    return heads, listed is not None
