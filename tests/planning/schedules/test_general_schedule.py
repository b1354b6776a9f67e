"""The schedules of any DAG against all orders."""

import logging

import numpy as np
import pytest
from tests.planning.flow_shops import Order, Shop, drawn, random_dag

from cutpoint.planning.schedules.general_schedule import closure_order, exact_order, greedy_order

_log = logging.getLogger(__name__)
_NUM_DRAWN = 300


@pytest.fixture(scope="module")
def shops() -> list[Shop]:
    """Draw DAGs of 5 to 8 vertices."""
    rng = np.random.default_rng(0)
    sizes = rng.integers(5, 9, _NUM_DRAWN)
    return [drawn(rng, random_dag(rng, int(size))) for size in sizes]


def as_listed(
    compute_s: list[float], send_s: list[float], predecessors: list[int]
) -> tuple[int, ...]:
    """Take the order in which a framework lists the vertices."""
    assert len(compute_s) == len(send_s)
    return tuple(range(len(predecessors)))


@pytest.mark.parametrize(
    ("schedule", "least_optimal", "most_mean", "most_gap"),
    [
        (as_listed, 0, 0.15, 1.0),
        (greedy_order, 180, 0.04, 0.6),
        (closure_order, 250, 0.015, 0.4),
    ],
)
def test_gaps_of_the_heuristics(
    shops: list[Shop], schedule: Order, least_optimal: int, most_mean: float, most_gap: float
) -> None:
    """Closures are seldom and little off, the topological sort more, the listed order most."""
    gaps = [shop.gap_of(schedule) for shop in shops]
    optimal = sum(gap == 0.0 for gap in gaps)
    _log.info(
        "%s: optimal on %d of %d DAGs, mean gap +%.2f %%, worst +%.1f %%",
        *(schedule.__name__, optimal, len(gaps), 100 * np.mean(gaps), 100 * max(gaps)),
    )
    assert optimal >= least_optimal
    assert np.mean(gaps) <= most_mean
    assert max(gaps) <= most_gap


def test_exact_is_exact(shops: list[Shop]) -> None:
    """On every drawn DAG, with the link busy at first or not, no order is better."""
    for shop in shops:
        order = exact_order(shop.compute_s, shop.send_s, shop.predecessors, shop.link_free_at_s)
        assert shop.makespan_s(order) == shop.least_makespan_s()


def test_one_sender_needs_no_search() -> None:
    """With one sender, running what it needs first is optimal."""
    rng = np.random.default_rng(3)
    for _ in range(50):
        shop = drawn(rng, random_dag(rng, 6), 0.0)
        shop.send_s[int(rng.integers(6))] = 10.0
        assert shop.gap_of(closure_order) == 0.0


def test_exact_copes_with_as_many_senders_as_promised() -> None:
    """Twelve senders that join are ordered as Johnson orders independent ones."""
    rng = np.random.default_rng(4)
    times = rng.permutation(24).astype(float) + 1
    compute_s, send_s = [*times[:12].tolist(), 5.0], [*times[12:].tolist(), 0.0]
    shop = Shop(compute_s, send_s, [0] * 12 + [(1 << 12) - 1])
    order = exact_order(compute_s, send_s, shop.predecessors)
    independent = closure_order(compute_s[:12], send_s[:12], [0] * 12)
    assert shop.makespan_s(order) == shop.makespan_s((*independent, 12))
