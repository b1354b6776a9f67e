"""JPS with the best pair of cuts."""

import logging
from itertools import combinations_with_replacement

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutpoint.cost.flow_shop import makespan
from cutpoint.planning import Problem, planner_named
from cutpoint.planning.schedules.johnson import johnson_key
from cutpoint.planning.schedules.jps_line import cut_pair
from cutpoint.planning.schemes.jps import best_pair, line_of
from cutpoint.records import Conditions, LinkConditions
from cutpoint.testing import cost_table

_log = logging.getLogger(__name__)
SECONDS = st.integers(0, 30).map(float)


def drawn_line(rng: np.random.Generator, num_cuts: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw f that grows linearly and g that decays, from the input to all on the device."""
    compute_s = np.concatenate(([0.0], np.cumsum(rng.uniform(0.5, 1.5, num_cuts - 1))))
    send_s = rng.uniform(1, 3 * num_cuts) * np.exp(-rng.uniform(0.2, 1) * np.arange(num_cuts))
    send_s[-1] = 0.0
    return compute_s, send_s


def best_mix_s(compute_s: np.ndarray, send_s: np.ndarray, num_jobs: int) -> float:
    """Try every mix of cuts."""
    cuts = sorted(zip(compute_s, send_s, strict=True), key=lambda cut: johnson_key(*cut))
    return min(map(makespan, combinations_with_replacement(cuts, num_jobs)))


def mix_s(compute_s: np.ndarray, send_s: np.ndarray, counts: dict[int, int]) -> float:
    """Give the makespan of so many jobs at each cut, in the order of the cuts."""
    return makespan(
        (compute_s[cut], send_s[cut]) for cut in sorted(counts) for _ in range(counts[cut])
    )


@given(line=st.lists(st.tuples(SECONDS, SECONDS), min_size=1, max_size=8))
def test_proposition_4_1(line: list[tuple[float, float]]) -> None:
    """The paper's makespan of a line's jobs in Johnson's order is the flow shop's."""
    compute_s = sorted(compute for compute, _ in line)
    send_s = sorted((send for _, send in line), reverse=True)
    jobs = sorted(zip(compute_s, send_s, strict=True), key=lambda job: johnson_key(*job))
    # Proposition 4.1: f(x1) + max(sum of f without the first, sum of g without the last) + g(xn).
    middle_s = max(sum(f for f, _ in jobs[1:]), sum(g for _, g in jobs[:-1]))
    assert makespan(jobs) == jobs[0][0] + middle_s + jobs[-1][1]


def test_proposition_4_1_needs_a_line() -> None:
    """Where more computing does not mean less sending, the longest way may turn in the middle."""
    jobs = [(0.0, 1.0), (2.0, 3.0), (1.0, 0.0)]
    assert jobs == sorted(jobs, key=lambda job: johnson_key(*job))
    assert (makespan(jobs), 0 + max(3, 4) + 0) == (5, 4)


@pytest.mark.parametrize("num_jobs", [1, 2, 3, 7])
def test_best_pair_against_all_pairs(num_jobs: int) -> None:
    """On drawn lines no pair of cuts with any count is better."""
    rng = np.random.default_rng(num_jobs)
    for _ in range(60):
        size = int(rng.integers(1, 7))
        compute_s = np.sort(rng.choice(40, size, replace=False)).astype(float)
        send_s = np.sort(rng.choice(40, size, replace=False))[::-1].astype(float)
        first, second, count = best_pair(compute_s, send_s, num_jobs)
        jobs = [(compute_s[first], send_s[first])] * count
        found_s = makespan(jobs + [(compute_s[second], send_s[second])] * (num_jobs - count))
        pairs = [(left, right) for right in range(size) for left in range(right + 1)]
        assert found_s == min(
            mix_s(compute_s, send_s, {right: num_jobs - n, left: n} if left != right else {left: n})
            for left, right in pairs
            for n in ([num_jobs] if left == right else range(num_jobs + 1))
        )


@pytest.mark.parametrize("num_jobs", [3, 5, 8])
def test_gaps_to_the_best_mix(num_jobs: int) -> None:
    """Any pair is a few per cent off the best mix; Algorithm 2 and the best single cut far more."""
    rng = np.random.default_rng(num_jobs)
    gaps: dict[str, list[float]] = {"any pair": [], "Algorithm 2": [], "single cut": []}
    for _ in range(60):
        compute_s, send_s = drawn_line(rng, 7)
        best_s = best_mix_s(compute_s, send_s, num_jobs)
        first, second, count = best_pair(compute_s, send_s, num_jobs)
        pair = cut_pair(compute_s.tolist(), send_s.tolist())
        num_left, num_right = pair.counts(num_jobs)
        mixes = {
            "any pair": {second: num_jobs - count, first: num_jobs if first == second else count},
            "Algorithm 2": {pair.right: num_right, pair.right - 1: num_left},
        }
        for name, mix in mixes.items():
            gaps[name].append(mix_s(compute_s, send_s, mix) / best_s - 1)
        single_s = min(mix_s(compute_s, send_s, {cut: num_jobs}) for cut in range(7))
        gaps["single cut"].append(single_s / best_s - 1)
    for name, listed in gaps.items():
        mean, worst = 100 * np.mean(listed), 100 * max(listed)
        _log.info("%d jobs, %s: mean gap +%.1f %%, worst +%.1f %%", num_jobs, name, mean, worst)
    assert min(gaps["any pair"]) >= -1e-12
    assert np.mean(gaps["any pair"]) < 0.06
    assert np.mean(gaps["any pair"]) < np.mean(gaps["Algorithm 2"])
    assert np.mean(gaps["any pair"]) < np.mean(gaps["single cut"])


def test_dominated_cuts_are_left_out() -> None:
    """Of cuts that compute and send no less than another one none is on the line."""
    compute_s, send_s = np.array([3.0, 1, 2, 0, 1, 3]), np.array([1.0, 5, 5, 9, 4, 0])
    assert line_of(compute_s, send_s).tolist() == [3, 4, 5]


def test_two_jobs_of_the_paper_as_a_plan() -> None:
    """The worked example as a chain: one job at each cut, the one that sends longer first."""
    table = cost_table([[1], [2], []], [4, 3, 100], [0] * 3, [6, 2, 1], 100)
    problem = Problem(table, Conditions(LinkConditions(1.0, 1.0, 0.0, 0.0)), num_jobs=2)
    result = planner_named("jps").plan(problem)
    assert (result.status, result.promised_s) == ("optimal", 13.0)
    assert result.mix == (((0, 1, 1), 1), ((0, 0, 1), 1))
    assert result.placement == (0, 1, 1)


def test_many_jobs_are_quick() -> None:
    """A million jobs at two cuts are counted, not tried: their mean stages meet."""
    compute_s, send_s = np.array([4.0, 7.0]), np.array([6.0, 2.0])
    first, second, count = best_pair(compute_s, send_s, 1_000_000)
    assert (first, second) == (0, 1)
    assert abs(4 * count + 7 * (1_000_000 - count) - 6 * count - 2 * (1_000_000 - count)) <= 7
