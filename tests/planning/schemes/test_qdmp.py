"""QDMP: the minimum cut between two cut vertices is the minimum of all."""

from collections.abc import Sequence

import numpy as np
import pytest
from tests.planning.chains import ONE_BYTE_PER_S, two_inputs

from cutpoint.cost import CostTable, Limits
from cutpoint.planning import Problem
from cutpoint.planning.cuts.intervals import intervals_of
from cutpoint.planning.cuts.min_cut import MinCut
from cutpoint.planning.schemes.dads_light import DADS_SETTING
from cutpoint.planning.schemes.exhaustive import Exhaustive
from cutpoint.planning.schemes.qdmp import Qdmp
from cutpoint.records import Conditions, LinkConditions
from cutpoint.testing import cost_table, random_problem, random_shape

_INCEPTION = [[1, 2, 4, 6], [7], [3], [7], [5], [7], [7]]
"""Blocks 0 to 6 of a module; block 7 begins the next one."""


def test_equals_exhaustive_search() -> None:
    """On 500 random DAGs, limits among them, it is the best of all cuts."""
    rng = np.random.default_rng(2020)
    for _ in range(500):
        shape = random_shape(rng, int(rng.integers(1, 10)))
        problem = random_problem(rng, shape, is_limited=bool(rng.random() < 0.5))
        found, best = Qdmp().plan(problem), Exhaustive(DADS_SETTING).plan(problem)
        if problem.limits.has_memory_caps:
            assert found.status in ("feasible", "infeasible")
            continue
        assert found.status == "optimal"
        assert found.promised_s == pytest.approx(best.promised_s)


def test_equals_exhaustive_search_on_modules_in_a_row() -> None:
    """Modules with cut vertices between, and a skip over two of them, 100 draws."""
    rng = np.random.default_rng(21)
    shape = [[c + 7 * turn for c in consumers] for turn in range(3) for consumers in _INCEPTION]
    shape.append([])
    shape[7] = [*shape[7], 21]  # jumps over a cut vertex, and over a whole module
    for _ in range(100):
        problem = random_problem(rng, shape)
        found, best = Qdmp().plan(problem), Exhaustive(DADS_SETTING).plan(problem)
        assert found.promised_s == pytest.approx(best.promised_s)


def test_only_blocks_between_cut_vertices_meet_the_solver(monkeypatch: pytest.MonkeyPatch) -> None:
    """The networks solved are small ones, and not one per module: bounds skip the others."""
    sizes: list[int] = []
    plain = MinCut.__init__

    def counted(self: MinCut, table: CostTable, may_leave: tuple[bool, ...]) -> None:
        sizes.append(table.num_blocks)
        plain(self, table, may_leave)

    monkeypatch.setattr(MinCut, "__init__", counted)
    rng, num_modules, num_draws = np.random.default_rng(22), 20, 30
    shape = [
        [c + 7 * turn for c in consumers] for turn in range(num_modules) for consumers in _INCEPTION
    ]
    shape.append([])
    for _ in range(num_draws):
        Qdmp().plan(random_problem(rng, shape))
    assert set(sizes) <= {7}, "six blocks of a module, and one for all that follow"
    assert len(sizes) < num_draws * num_modules / 2


def test_a_cut_off_the_topological_order_is_found() -> None:
    """Without a cut vertex in the way, the whole graph is one interval."""
    assert len(intervals_of(two_inputs())) == 2
    found = Qdmp().plan(Problem(two_inputs(), ONE_BYTE_PER_S))
    assert (found.placement, found.promised_s) == ((1, 0, 1), 22.0)


def test_an_interval_that_the_limits_close_is_left_out() -> None:
    """Where nothing between two cut vertices may be sent, the ends are what is left."""
    for device_s, placement in ((9, (1, 1, 1, 1)), (1, (0, 0, 0, 0))):
        table = cost_table([[1, 2], [3], [3], []], [device_s] * 4, [0] * 4, [1] * 4, input_bytes=6)
        private = Limits(never_send=frozenset({"v0", "v1", "v2"}))
        found = Qdmp().plan(Problem(table, ONE_BYTE_PER_S, private))
        assert (found.status, found.placement) == ("optimal", placement)


def test_a_cut_without_end_is_no_cut() -> None:
    """Where every cut of an interval is infinite, what the solver gives is not taken for one."""
    # The solver's source side is then the whole network, what follows the interval included.
    table = cost_table(
        [[1, 2], [3], [3], []], [43, 30, 42, 81], [92, 70, 76, 20], [80, 101, 107, 85], 185
    )
    link = LinkConditions(128.0, 0.125, 0.0, 0.0)
    private = Limits(never_send=frozenset({"x", "v0", "v1", "v3"}))
    found = Qdmp().plan(Problem(table, Conditions(link), private))
    assert found.placement == (0, 0, 0, 0)


@pytest.mark.parametrize(
    ("sizes", "placement"), [([9, 1, 1, 9], (0, 0, 0, 1)), ([1, 9, 9, 9], (0, 1, 1, 1))]
)
def test_the_cheaper_side_of_a_diamond_is_cut(
    sizes: Sequence[float], placement: tuple[int, ...]
) -> None:
    """Two small values after a fork, or one small value before it."""
    table = cost_table([[1, 2], [3], [3], []], [1, 1, 1, 99], [0, 0, 0, 0], sizes, input_bytes=99)
    assert Qdmp().plan(Problem(table, ONE_BYTE_PER_S)).placement == placement
