"""Device, server and the server behind it: one minimum cut with two labels per block."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from tests.planning.chains import ONE_BYTE_PER_S

from cutpoint.cost import Limits
from cutpoint.planning import Problem
from cutpoint.planning.schemes.exhaustive import Exhaustive
from cutpoint.planning.schemes.three_tiers import ThreeTiers
from cutpoint.records import Conditions, LinkConditions
from cutpoint.testing import (
    LAWS,
    brute_force_s,
    check_planner,
    cost_table,
    random_conditions,
    random_limits,
    random_problem,
    random_shape,
    random_table,
)


def _three_host_problem(rng: np.random.Generator, *, is_limited: bool) -> Problem:
    """Draw a problem whose blocks run best on one host each, later ones often further away."""
    table = random_table(rng, random_shape(rng, int(rng.integers(1, 7))), 3)
    favoured = np.sort(rng.integers(0, 3, table.num_blocks))
    is_favoured = favoured == np.arange(3)[:, None]
    table = replace(table, host_s=np.where(is_favoured, table.host_s, 8 * table.host_s))
    limits = random_limits(rng, table) if is_limited else Limits()
    return Problem(table, random_conditions(rng), limits, onward=random_conditions(rng))


def test_equals_brute_force_over_three_hosts() -> None:
    """On 400 random DAGs it is the best of all placements in which data moves away."""
    rng = np.random.default_rng(3)
    used: Counter[int] = Counter()
    for index in range(400):
        problem = _three_host_problem(rng, is_limited=index % 2 == 1)
        found, best_s = ThreeTiers().plan(problem), brute_force_s(ThreeTiers(), problem)
        if problem.limits.has_memory_caps:
            assert found.status in ("feasible", "infeasible")
            assert found.promised_s >= best_s * (1 - 1e-12)
            continue
        assert found.status == "optimal"
        assert found.promised_s == pytest.approx(best_s)
        used[len(set(found.placement))] += 1
    assert min(used[1], used[2], used[3]) >= 10, f"too one-sided: {used}"


def test_laws_hold_over_three_hosts() -> None:
    """Every law holds on 40 random problems with a link onward."""
    rng = np.random.default_rng(33)
    assert not set(ThreeTiers.exempt) & set(LAWS)
    check_planner(
        ThreeTiers(), [_three_host_problem(rng, is_limited=index % 2 == 1) for index in range(40)]
    )


def test_without_a_link_onward_it_is_the_best_cut() -> None:
    """With two hosts it equals the best of all cuts under the whole objective."""
    rng = np.random.default_rng(2)
    for _ in range(300):
        problem = random_problem(rng, random_shape(rng, int(rng.integers(1, 9))))
        found, best = ThreeTiers().plan(problem), Exhaustive().plan(problem)
        assert found.status == "optimal"
        assert found.promised_s == pytest.approx(best.promised_s)


def test_a_dead_link_onward_leaves_two_hosts() -> None:
    """A server behind that cannot be reached is not used, and the server still is."""
    rng = np.random.default_rng(4)
    for _ in range(50):
        problem = _three_host_problem(rng, is_limited=False)
        dead = replace(problem, onward=Conditions(None))
        alone = replace(problem, onward=None)
        assert ThreeTiers().plan(dead) == ThreeTiers().plan(alone)


def test_a_dead_first_link_keeps_all_on_the_device() -> None:
    """The server behind is reached through the server alone."""
    problem = _three_host_problem(np.random.default_rng(5), is_limited=False)
    found = ThreeTiers().plan(replace(problem, conditions=Conditions(None)))
    assert set(found.placement) == {0}


def test_a_value_crosses_both_links_once() -> None:
    """Device, server, server behind: one message a hop, and the way back over both."""
    table = cost_table(
        [[1, 2], [2], []], [1, 99, 99], [99, 1, 99], [4, 2, 1], 99, behind_s=[99, 99, 1]
    )
    link = LinkConditions(1.0, 1.0, 0.5, 0.25)
    problem = Problem(table, Conditions(link), onward=Conditions(link))
    found = ThreeTiers().plan(problem)
    # v0 over link 0; v0 and v1 over link 1, in one message; the output back over both.
    upload_s = (0.5 + 4) + (0.5 + 4 + 2)
    assert found.placement == (0, 1, 2)
    assert found.promised_s == 3 + upload_s + 2 * (0.25 + 1)


def test_the_server_may_be_passed_by() -> None:
    """Work may go from the device straight behind the server, without waiting in its queue."""
    table = cost_table([[1], []], [1, 99], [99, 50], [1, 1], 99, behind_s=[99, 1])
    found = ThreeTiers().plan(Problem(table, ONE_BYTE_PER_S, onward=ONE_BYTE_PER_S))
    assert (found.placement, found.promised_s) == ((0, 2), 1 + 2 + 1 + 2)
