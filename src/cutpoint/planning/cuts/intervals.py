"""Cut vertices of a table, and the blocks between two adjacent ones."""

from dataclasses import dataclass

from cutpoint.cost import CostTable
from cutpoint.planning.cuts.ancestry import ancestors, descendants, members


@dataclass(frozen=True)
class Interval:
    """
    All cuts whose last cut vertex on the device is the same one.

    Parameters
    ----------
    before
        Blocks on the device in every such cut, as a bit mask.
    inside
        Blocks that may be on either host, ascending.
    after
        Blocks on the server in every such cut, as a bit mask.
    """

    before: int
    inside: tuple[int, ...]
    after: int


def intervals_of(table: CostTable) -> tuple[Interval, ...]:
    """
    Divide the cuts of a table by their last cut vertex, first to last.

    A cut vertex is a block that precedes or follows every other one. Cut vertices stand
    in a row, and a closed set that has one but not the next has all that precede the
    one and none that follow the other: so every cut is in exactly one interval.

    Notes
    -----
    The articulation points of the published schemes are among these. A block that a
    value jumps over (a skip connection) is no articulation point and yet a cut vertex
    here: that value crosses whatever is decided in the interval, which makes it a
    constant. A table without a cut vertex is one interval.
    """
    behind, ahead = ancestors(table.predecessors), descendants(table.predecessors)
    pivots = [
        block
        for block in range(table.num_blocks)
        if behind[block] | ahead[block] == table.everything
    ]
    heads = [0, *(behind[pivot] for pivot in pivots)]
    tails = [*(ahead[pivot] for pivot in pivots), 0]
    return tuple(
        Interval(before, tuple(members(table.everything & ~before & ~after)), after)
        for before, after in zip(heads, tails, strict=True)
    )


def surely_crossing(table: CostTable, interval: Interval) -> list[int]:
    """Give the values that cross whatever is decided in an interval."""
    return [
        index
        for index, value in enumerate(table.values)
        if (value.producer is None or interval.before >> value.producer & 1)
        and any(interval.after >> consumer & 1 for consumer in value.consumers)
    ]


def heads_in(interval: Interval, ideals: list[int]) -> list[int]:
    """Give the heads of the whole table for closed sets of an interval's own blocks."""
    return [
        interval.before | sum(1 << interval.inside[position] for position in members(ideal))
        for ideal in ideals
    ]


def is_chain(table: CostTable) -> bool:
    """Tell whether every cut is a prefix: each block needs the one before it."""
    return all(
        table.predecessors[block] >> (block - 1) & 1 == 1 for block in range(1, table.num_blocks)
    )
