"""Chains with skips drawn, and the smallest DAGs on which a topological order loses."""

import numpy as np

from cutpoint.cost import CostTable, CostValue
from cutpoint.records import Conditions, LinkConditions
from cutpoint.testing import Shape

ONE_BYTE_PER_S = Conditions(LinkConditions(1.0, 1.0, 0.0, 0.0))
"""A link on which bytes are seconds, and nothing else takes time."""


def random_chain(rng: np.random.Generator, num_blocks: int) -> Shape:
    """Draw a chain with skip connections: every cut is a prefix."""
    return [
        [block + 1, *(later for later in range(block + 2, num_blocks) if rng.random() < 0.15)]
        if block + 1 < num_blocks
        else []
        for block in range(num_blocks)
    ]


def two_branches() -> CostTable:
    """
    Give two blocks side by side, the smallest DAG with a cut that is no prefix.

    The first runs best on the server, the second on the device: {1} takes 3 s, the
    prefixes 12, 21 and 11.
    """
    values = (
        CostValue("x", 1.0, None, (0, 1)),
        CostValue("v0", 1.0, 0, (), is_output=True),
        CostValue("v1", 1.0, 1, (), is_output=True),
    )
    return CostTable("branches", ("b0", "b1"), np.array([[10.0, 1.0], [1.0, 10.0]]), values)


def two_inputs() -> CostTable:
    """
    Give two branches of their own inputs that join, on a server ten times faster throughout.

    The first computes long on little, the second little on much: {1} takes 22 s, the
    best prefix 110.
    """
    values = (
        CostValue("x0", 1.0, None, (0,)),
        CostValue("x1", 1000.0, None, (1,)),
        CostValue("v0", 1000.0, 0, (2,)),
        CostValue("v1", 1.0, 1, (2,)),
        CostValue("v2", 1.0, 2, (), is_output=True),
    )
    seconds = np.array([[100.0, 10.0, 0.0], [10.0, 1.0, 0.0]])
    return CostTable("inputs", ("b0", "b1", "b2"), seconds, values)
