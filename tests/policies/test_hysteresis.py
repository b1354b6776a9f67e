"""Devices side by side: one server's load makes them all move, and not all at once."""

from collections.abc import Callable

import numpy as np
import pytest

from cutpoint.cost import CutTable
from cutpoint.policies import Cutpoint, Situation
from cutpoint.policies.hysteresis import Memory
from cutpoint.records import Conditions, LinkConditions, LoadConditions

LINK = LinkConditions(1e6, 1e6, 0.005, 0.005)


def offloading(table: CutTable, policies: list[Cutpoint], num_rounds: int) -> list[int]:
    """
    Give how many devices offload in each round.

    Each that does slows the server by a quarter for all, and the load of a round is told in the
    next but one.
    """
    counts, told, load = [], 1.0, 1.0
    for at_s in np.arange(num_rounds) * 0.1:
        conditions = Conditions(LINK, LoadConditions(slowdown=told))
        situation = Situation(float(at_s), table, conditions, "edge:8001")
        plans = [policy.decide(situation) for policy in policies]
        counts.append(sum(plan.placement == "server" for plan in plans))
        told, load = load, 1 + 0.25 * counts[-1]
    return counts


@pytest.fixture
def ends(table_of: Callable[..., CutTable]) -> CutTable:
    """Give 60 ms on the device against 20 ms of way and 10 ms on an idle server."""
    return table_of((0.06, 0, 0, 0, 0), (0, 0.06, 0.01, 10e3, 0))


def test_devices_that_draw_nothing_jump_together(ends: CutTable) -> None:
    """Forty that decide alike all leave the server, and all come back, for ever."""
    counts = offloading(ends, [Cutpoint() for _ in range(40)], 100)
    assert set(counts) == {0, 40}


def test_devices_with_seeds_come_to_rest(ends: CutTable) -> None:
    """Each is reluctant by its own draw: they settle where the server is worth it for some."""
    counts = offloading(ends, [Cutpoint(seed=seed) for seed in range(40)], 200)
    assert np.ptp(counts[150:]) <= 4
    assert 5 <= np.mean(counts[150:]) <= 20


def test_the_same_seed_draws_the_same(ends: CutTable) -> None:
    """A device's draw is its seed's, so a run can be repeated."""
    first, second = ([Cutpoint(seed=seed) for seed in range(5)] for _ in range(2))
    assert offloading(ends, first, 50) == offloading(ends, second, 50)


def test_a_link_is_followed_without_reluctance(ends: CutTable) -> None:
    """A seed makes nobody wait where it is the link that has changed, and not the load."""
    policy = Cutpoint(seed=1)
    slow = Conditions(LinkConditions(1e5, 1e6, 0.005, 0.005))
    placements = [
        policy.decide(Situation(float(at_s), ends, conditions, "edge:8001")).placement
        for at_s, conditions in enumerate([Conditions(LINK), slow] * 5)
    ]
    assert placements == ["server", "device"] * 5


def test_reluctance_is_spent_once() -> None:
    """What a draw made dear is paid for by what staying costs, and then forgotten."""
    memory = Memory(0.05, 0.1, 0.02)
    memory.reluctance = 0.5
    assert [memory.is_left(1.0, 0.75, is_relief=True) for _ in range(2)] == [False, True]
    assert memory.is_left(1.0, 0.75, is_relief=True)
