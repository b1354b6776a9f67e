"""Cut vertices and the blocks between them."""

import numpy as np
import pytest

from cutpoint.graph import closed_sets
from cutpoint.planning.cuts.intervals import heads_in, intervals_of, is_chain
from cutpoint.testing import SHAPES, random_shape, random_table


def test_every_cut_is_in_exactly_one_interval() -> None:
    """The intervals divide all cuts of 200 random DAGs among them."""
    rng = np.random.default_rng(1)
    for _ in range(200):
        table = random_table(rng, random_shape(rng, int(rng.integers(1, 9))))
        found: list[int] = []
        for interval in intervals_of(table):
            position = {block: index for index, block in enumerate(interval.inside)}
            predecessors = [
                sum(1 << position[p] for p in position if table.predecessors[block] >> p & 1)
                for block in interval.inside
            ]
            found += heads_in(interval, closed_sets(predecessors, 10_000) or [])
        assert sorted(found) == sorted(closed_sets(table.predecessors, 10_000) or [])


@pytest.mark.parametrize(
    ("shape", "undecided"),
    [
        ("chain", [0, 0, 0, 0, 0]),
        ("skip over a block", [0, 0, 0, 0, 0]),
        ("diamond", [0, 2, 0]),
        ("inception block", [0, 6, 0, 0]),
        ("two towers", [4, 0]),
        ("early output", [0, 3]),
    ],
)
def test_only_branches_are_undecided(shape: str, undecided: list[int]) -> None:
    """A chain leaves nothing undecided between its blocks, with a skip or without."""
    table = random_table(np.random.default_rng(0), SHAPES[shape])
    assert [len(interval.inside) for interval in intervals_of(table)] == undecided


def test_a_chain_is_one_with_or_without_skips() -> None:
    """What makes a chain is that each block needs the one before it."""
    rng = np.random.default_rng(0)
    chains = {shape for shape in SHAPES if is_chain(random_table(rng, SHAPES[shape]))}
    assert chains == {"one block", "chain", "skip over a block"}
