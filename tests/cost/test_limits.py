"""What may leave the device, by hand."""

from math import nan

import numpy as np
import pytest

from cutpoint.cost import CostTable, Limits
from cutpoint.exceptions import CostError
from cutpoint.testing import SHAPES, cost_table


@pytest.fixture
def chain() -> CostTable:
    """Give four blocks of 10, 20, 30 and 40 bytes of weights."""
    ones = [1.0] * 4
    return cost_table(SHAPES["chain"], ones, ones, ones, 1, memory_bytes=[10, 20, 30, 40])


def test_the_input_may_be_kept_at_home(chain: CostTable) -> None:
    """A depth of one forbids sending the input, and nothing else."""
    assert Limits(min_depth=1).may_leave(chain) == (False, True, True, True, True)
    assert not Limits(min_depth=1).are_kept(chain, (1, 1, 1, 1))
    assert Limits(min_depth=1).are_kept(chain, (0, 1, 1, 1))


def test_a_named_value_never_leaves(chain: CostTable) -> None:
    """The cut at that value is forbidden; the server may make it itself."""
    limits = Limits(never_send=frozenset({"v1"}))
    assert not limits.are_kept(chain, (0, 0, 1, 1))
    assert limits.are_kept(chain, (0, 1, 1, 1))


def test_memory_is_counted_on_both_sides(chain: CostTable) -> None:
    """Weights of the head must fit the device, those of the tail the server."""
    assert Limits(device_memory_bytes=30).are_kept(chain, (0, 0, 1, 1))
    assert not Limits(device_memory_bytes=29).are_kept(chain, (0, 0, 1, 1))
    assert not Limits(server_memory_bytes=69).are_kept(chain, (0, 0, 1, 1))


def test_an_unknown_value_is_named(chain: CostTable) -> None:
    """A name the table has not is an error that says so."""
    with pytest.raises(CostError, match="'v9' is no value between blocks of 'drawn'"):
        Limits(never_send=frozenset({"v9"})).may_leave(chain)


@pytest.mark.parametrize("name", ["min_depth", "device_memory_bytes", "server_memory_bytes"])
def test_no_limit_is_negative(name: str) -> None:
    """Depths and caps are zero or more."""
    with pytest.raises(CostError, match="a limit is negative"):
        Limits(**{name: -1})  # type: ignore[arg-type]


@pytest.mark.parametrize("number", [-1.0, nan, np.inf])
def test_costs_are_durations_and_sizes(number: float) -> None:
    """Negative, NaN and infinite costs are refused, with the block or value by name."""
    with pytest.raises(CostError, match="block 'b1'"):
        cost_table(SHAPES["chain"], [1, number, 1, 1], [1] * 4, [1] * 4, 1)
    with pytest.raises(CostError, match="value 'v2'"):
        cost_table(SHAPES["chain"], [1] * 4, [1] * 4, [1, 1, number, 1], 1)


def test_empty_and_cyclic_tables_are_refused() -> None:
    """There is something to place, and no block needs a later one."""
    with pytest.raises(CostError, match="no blocks"):
        cost_table([], [], [], [], 1)
    with pytest.raises(CostError, match="topological order"):
        cost_table([[1], [0]], [1, 1], [1, 1], [1, 1], 1)
