"""Small cost tables, named and drawn: what planners are tried on."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from cutpoint.cost import CostTable, CostValue, Limits
from cutpoint.planning import Problem
from cutpoint.records import Conditions, LinkConditions, LoadConditions

Shape = Sequence[Sequence[int]]
"""Per block, the blocks that use its value; one without any makes an output."""

SHAPES: Mapping[str, Shape] = {
    "one block": [[]],
    "chain": [[1], [2], [3], []],
    "diamond": [[1, 2], [3], [3], []],
    "skip over a block": [[1, 3], [2], [3], []],
    "two towers": [[2], [3], [4], [4], []],
    "inception block": [[1, 2, 4, 6], [7], [3], [7], [5], [7], [7], [8], []],
    "out-tree": [[1, 2], [3, 4], [], [], []],
    "in-tree": [[4], [4], [5], [5], [6], [6], []],
    "early output": [[1, 2], [], [3], []],
}
"""Shapes that tell planners apart."""

_MOST_OF_THREE = 5
"""Blocks up to which all placements on three hosts are soon tried."""


def cost_table(
    shape: Shape,
    device_s: Sequence[float],
    server_s: Sequence[float],
    value_bytes: Sequence[float],
    input_bytes: float,
    *,
    behind_s: Sequence[float] | None = None,
    memory_bytes: Sequence[float] | None = None,
) -> CostTable:
    """
    Write down a cost table.

    Parameters
    ----------
    shape
        Who uses whose value. Blocks that nothing feeds take the input.
    device_s, server_s, behind_s
        Seconds per block on the device, the server, and the server behind it.
    value_bytes
        Bytes of each block's value.
    input_bytes
        Bytes of the one input.
    """
    fed = {consumer for consumers in shape for consumer in consumers}
    roots = tuple(block for block in range(len(shape)) if block not in fed)
    values = [CostValue("x", float(input_bytes), None, roots)]
    values += [
        CostValue(f"v{block}", float(size), block, tuple(consumers), is_output=not consumers)
        for block, (consumers, size) in enumerate(zip(shape, value_bytes, strict=True))
    ]
    hosts = [device_s, server_s] + ([] if behind_s is None else [behind_s])
    return CostTable(
        name="drawn",
        blocks=tuple(f"b{block}" for block in range(len(shape))),
        host_s=np.array(hosts, dtype=float),
        values=tuple(values),
        memory_bytes=None if memory_bytes is None else np.array(memory_bytes, dtype=float),
    )


def random_shape(rng: np.random.Generator, num_blocks: int) -> Shape:
    """Draw a connected DAG: every block but the first uses at least one before it."""
    shape: list[list[int]] = [[] for _ in range(num_blocks)]
    for block in range(1, num_blocks):
        sources = [source for source in range(block) if rng.random() < 0.35]
        for source in sources or [int(rng.integers(block))]:
            shape[source].append(block)
    return shape


def random_table(rng: np.random.Generator, shape: Shape, num_hosts: int = 2) -> CostTable:
    """Draw whole numbers of seconds and bytes, so that sums are exact; some are zero."""
    num_blocks = len(shape)
    seconds = rng.integers(0, 100, (num_hosts, num_blocks)).astype(float)
    return cost_table(
        shape,
        seconds[0].tolist(),
        seconds[1].tolist(),
        rng.integers(1, 200, num_blocks).tolist(),
        float(rng.integers(1, 200)),
        behind_s=seconds[2].tolist() if num_hosts > 2 else None,
        memory_bytes=rng.integers(0, 50, num_blocks).tolist(),
    )


def random_conditions(rng: np.random.Generator) -> Conditions:
    """Draw a link and a load; sums with them are exact in binary."""
    link = LinkConditions(
        float(2.0 ** rng.integers(-3, 8)),
        float(2.0 ** rng.integers(-3, 8)),
        float(rng.integers(0, 20)),
        float(rng.integers(0, 20)),
    )
    load = LoadConditions(float(rng.integers(0, 30)), float(2.0 ** rng.integers(-2, 4)))
    return Conditions(link, load, device_slowdown=float(2.0 ** rng.integers(0, 4)))


def random_limits(rng: np.random.Generator, table: CostTable) -> Limits:
    """Draw limits, often none."""
    names = [value.name for value in table.values]
    total = float(table.memory.sum())
    return Limits(
        never_send=frozenset(name for name in names if rng.random() < 0.1),
        min_depth=int(rng.choice([0, 0, 0, 1, 2])),
        device_memory_bytes=float(rng.choice([np.inf, np.inf, 0.6 * total])),
        server_memory_bytes=float(rng.choice([np.inf, np.inf, 0.6 * total])),
    )


def odd_table(rng: np.random.Generator, table: CostTable) -> CostTable:
    """
    Make a table odd, as real models are now and then.

    Values of no bytes, outputs that are used inside as well, blocks that nothing needs,
    values that cannot travel, a second input, a second value of a block, an input that is
    an output.
    """

    def changed(value: CostValue) -> CostValue:
        is_last = value.producer == table.num_blocks - 1
        return replace(
            value,
            size_bytes=0.0 if rng.random() < 0.15 else value.size_bytes,
            is_output=value.is_output != (rng.random() < 0.15) or is_last,
            may_cross=rng.random() > 0.1,
        )

    values = [changed(value) for value in table.values]
    block = int(rng.integers(table.num_blocks))
    users = tuple(b for b in range(table.num_blocks) if rng.random() < 0.3)
    values.append(CostValue("x2", float(rng.integers(0, 99)), None, users))
    later = tuple(b for b in range(block + 1, table.num_blocks) if rng.random() < 0.4)
    values.append(CostValue("twin", float(rng.integers(0, 99)), block, later, not later))
    return replace(table, values=tuple(values))


def random_problem(
    rng: np.random.Generator, shape: Shape, *, is_limited: bool = False, may_be_odd: bool = True
) -> Problem:
    """Draw a problem on a shape; every second table is odd, if it may be."""
    table = random_table(rng, shape)
    if may_be_odd and rng.random() < 0.5:
        table = odd_table(rng, table)
    limits = random_limits(rng, table) if is_limited else Limits()
    return Problem(table, random_conditions(rng), limits, num_jobs=int(rng.integers(1, 6)))


def named_problems(seed: int = 0) -> tuple[Problem, ...]:
    """Give a free and a limited problem on every shape, and one of three hosts on small ones."""
    rng = np.random.default_rng(seed)
    two = [
        random_problem(rng, shape, is_limited=is_limited)
        for shape in SHAPES.values()
        for is_limited in (False, True)
    ]
    three = [
        Problem(
            random_table(rng, shape, num_hosts=3),
            random_conditions(rng),
            onward=random_conditions(rng),
        )
        for shape in SHAPES.values()
        if len(shape) <= _MOST_OF_THREE
    ]
    return (*two, *three)
