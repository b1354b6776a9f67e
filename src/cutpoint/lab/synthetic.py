"""Made-up networks of any size: chains of cells, as real nets are."""

import numpy as np

from cutpoint.cost import CostTable, CostValue

_CELL = (
    # Branches of a cell as (block, blocks it needs): a stem, four branches of up to three
    # blocks, a shortcut past them, and a join, as in Inception and residual nets.
    (0, ()), (1, (0,)), (2, (0,)), (3, (2,)), (4, (0,)), (5, (4,)), (6, (5,)),
    (7, (0,)), (8, (7,)), (9, (1, 3, 6, 8, 0)),
)  # fmt: skip

_KERNEL_S = 8e-6
_FLOPS_PER_S = (5e9, 8e12)
"""A board and a graphics card; a kernel takes the latter its launch at least."""


def synthetic_table(num_blocks: int, seed: int = 0) -> CostTable:
    """
    Give a chain of cells with one input and one output.

    Values shrink fourfold every quarter of the way and vary by a factor of about two, work
    per block varies by about two.

    Parameters
    ----------
    num_blocks
        At least one; the last cell is cut short where it does not come out even.
    """
    rng = np.random.default_rng(seed)
    needs = [_needs(block, num_blocks) for block in range(num_blocks)]
    users: list[list[int]] = [[] for _ in range(num_blocks)]
    for block, needed in enumerate(needs):
        for source in needed:
            users[source].append(block)
    flops = rng.lognormal(0.0, 0.7, num_blocks)
    flops *= 4e9 / flops.sum()
    depth = np.arange(num_blocks) / num_blocks
    sizes = 2e6 * 0.25 ** np.floor(4 * depth) * rng.lognormal(0.0, 0.7, num_blocks)
    values = [CostValue("x", 602_112.0, None, (0,))]
    values += [
        CostValue(f"v{block}", float(np.rint(sizes[block])), block, tuple(users[block]))
        for block in range(num_blocks - 1)
    ]
    values.append(CostValue(f"v{num_blocks - 1}", 4000.0, num_blocks - 1, (), is_output=True))
    return CostTable(
        name=f"synthetic{num_blocks}",
        blocks=tuple(f"b{block}" for block in range(num_blocks)),
        host_s=np.array([flops / _FLOPS_PER_S[0], _KERNEL_S + flops / _FLOPS_PER_S[1]]),
        values=tuple(values),
    )


def _needs(block: int, num_blocks: int) -> list[int]:
    """Give the blocks that one needs; the last takes in every loose end before it."""
    cell, place = divmod(block, len(_CELL))
    begin = cell * len(_CELL)
    if place == 0:
        return [begin - 1] if block else []
    if block == num_blocks - 1:
        inner = {source for other in range(begin, block) for source in _needs(other, num_blocks)}
        return [other for other in range(begin, block) if other not in inner]
    return [begin + source for source in _CELL[place][1]]
