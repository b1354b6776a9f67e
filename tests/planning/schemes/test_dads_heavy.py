"""DADS's throughput cut, exact and searched, and what is wrong with the printed search."""

from dataclasses import dataclass
from math import inf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutpoint.cost import Limits
from cutpoint.planning import Problem, evaluate
from cutpoint.planning.cuts.priced import Prices, prices_of
from cutpoint.planning.schemes.dads_heavy import DadsHeavy
from cutpoint.planning.schemes.dads_heavy_printed import (
    DadsHeavyAsPrinted,
    first_axis,
    first_bounds,
    next_axis,
)
from cutpoint.planning.schemes.dads_light import DADS_SETTING, DadsLight
from cutpoint.planning.schemes.exhaustive import Exhaustive
from cutpoint.records import Conditions, LinkConditions
from cutpoint.testing import SHAPES, cost_table, random_problem, random_shape

ONE_BYTE_PER_S = Conditions(LinkConditions(1.0, 1.0, 0.0, 0.0))
EXHAUSTIVE = Exhaustive(DADS_SETTING, "stage")


def test_exact_search_equals_exhaustive_search() -> None:
    """The interval-wise search finds the least longest stage, 500 times of 500."""
    rng = np.random.default_rng(5)
    for _ in range(500):
        shape = random_shape(rng, int(rng.integers(1, 10)))
        problem = random_problem(rng, shape, is_limited=bool(rng.random() < 0.5))
        found, best = DadsHeavy().plan(problem), EXHAUSTIVE.plan(problem)
        assert (found.status, found.promised_s) == (best.status, pytest.approx(best.promised_s))


def test_with_too_many_cuts_to_list_nothing_false_is_claimed() -> None:
    """Where an interval is not listed, optimal is said only if its bound rules it out."""
    rng = np.random.default_rng(6)
    statuses = []
    for _ in range(200):
        problem = random_problem(rng, random_shape(rng, 7))
        found, best = DadsHeavy(max_ideals=1).plan(problem), EXHAUSTIVE.plan(problem)
        assert found.promised_s >= best.promised_s * (1 - 1e-12)
        if found.status == "optimal":
            assert found.promised_s == pytest.approx(best.promised_s)
        statuses.append(found.status)
    assert {"optimal", "feasible"} == set(statuses)


def test_the_latency_cut_is_a_3_approximation_and_no_better() -> None:
    """Theorem 1 of DADS holds for the light-load cut alone, and a chain of two nearly fills it."""
    chain = cost_table([[1], []], [1, 1.99], [9, 1], [1, 0], input_bytes=9)
    problem = Problem(chain, ONE_BYTE_PER_S)
    light_s = evaluate(problem, DadsLight().plan(problem), DADS_SETTING, "stage")
    assert light_s / DadsHeavy().plan(problem).promised_s == pytest.approx(2.99)
    rng = np.random.default_rng(7)
    for _ in range(300):
        problem = random_problem(rng, random_shape(rng, int(rng.integers(2, 9))))
        light_s = evaluate(problem, DadsLight().plan(problem), DADS_SETTING, "stage")
        assert light_s <= 3 * DadsHeavy().plan(problem).promised_s * (1 + 1e-12)


def test_the_search_is_never_worse_than_the_latency_cut() -> None:
    """Seeded with (1, 1) it keeps the ratio; it finds the optimum in part of the cases only."""
    rng = np.random.default_rng(150)
    num_optimal = 0
    for _ in range(150):
        problem = random_problem(rng, random_shape(rng, int(rng.integers(5, 9))))
        searched, best = DadsHeavyAsPrinted().plan(problem), DadsHeavy().plan(problem)
        light_s = evaluate(problem, DadsLight().plan(problem), DADS_SETTING, "stage")
        assert searched.status == "feasible"
        assert searched.promised_s <= light_s * (1 + 1e-12)
        assert searched.promised_s <= 3 * best.promised_s * (1 + 1e-12)
        num_optimal += searched.promised_s <= best.promised_s * (1 + 1e-12)
    assert 150 / 3 < num_optimal < 150


def test_weighted_sums_miss_what_is_between_the_supported_points() -> None:
    """A chain of two has a best throughput cut that no weights reach."""
    # Stages (device, link, server): (0, 5, 6), (4, 4, 4), (5, 0, 0) in halves of a second:
    # the middle cut is above the line between the others for every weight.
    chain = cost_table([[1], []], [4.0, 0.5], [2.0, 4.0], [4.0, 0.0], input_bytes=0.5)
    problem = Problem(chain, ONE_BYTE_PER_S)
    assert DadsHeavy().plan(problem).placement == (0, 1)
    assert DadsHeavy().plan(problem).promised_s == 4.0
    assert DadsHeavyAsPrinted().plan(problem).promised_s == 4.5


def test_tiny_yolo_needs_100_000_cuts_in_the_first_sweep() -> None:
    """With 4 KB as the least tensor on WiFi the grid has 1,060 x 100 weights; with 84 KB 50 x 5."""
    wifi = 18.88e6 / 8
    assert _first_bounds(4e3, wifi) == (pytest.approx(1060, rel=0.01), pytest.approx(100, rel=0.01))
    alpha_most, gamma_most = _first_bounds(84e3, wifi)
    assert (int(alpha_most), round(gamma_most)) == (50, 5)
    rows = [len(first_axis(most, 10)) for most in _first_bounds(4e3, wifi)]
    assert rows == [10, 10], "thinned to a hundred"


def test_on_a_slow_link_the_printed_grid_has_no_1_1() -> None:
    """YOLOv2 on 3G: gamma_u is 0.28, so gamma is 0 throughout the first sweep."""
    _, gamma_most = _first_bounds(84e3, 1.1e6 / 8)
    assert gamma_most == pytest.approx(0.28, abs=0.01)
    assert first_axis(gamma_most, 100).tolist() == [0.0]


def test_a_bound_below_one_breaks_the_proof_and_not_the_ratio() -> None:
    """Where gamma_u < 1 the first printed sweep is still within twice the optimum."""
    # gamma_u < 1: the server takes less than any upload, so no offload's longest stage is
    # the server's, and alpha = 1 bounds device + link by their sum.
    rng = np.random.default_rng(28)
    num_tried = 0
    while num_tried < 100:
        chain = _random_chain(rng, server_scale=0.05)
        alpha_most, gamma_most = chain.bounds
        if gamma_most >= 1:
            continue
        num_tried += 1
        weights = [(float(a), 0.0) for a in range(int(alpha_most) + 1)]
        best_s = min(chain.longest_s(cut) for cut in range(chain.num_cuts))
        assert chain.search(weights).longest_s <= 2 * best_s


def test_printed_search_returns_the_last_cut_and_not_the_best() -> None:
    """One block is enough: (1, 0) finds 1.0, the last call, (1, 1), leaves 1.2."""
    chain = _Chain([1.2], [1.0], [1.0])
    assert chain.bounds == (pytest.approx(1.2), 1.0)
    met = chain.search([(a, g) for a in (0.0, 1.0) for g in (0.0, 1.0)])
    assert (met.weights, met.longest_s) == ((1.0, 0.0), 1.0)
    assert chain.longest_s(met.last_cut) == 1.2


def test_printed_algorithm_ends_with_five_times_the_cut_it_found() -> None:
    """Two blocks: Tmax says 0.75, and the sets that the last call leaves take 3.75."""
    edge_s, cloud_s, upload_s = [0.75, 2.5], [0.25, 0.5], [3.75, 0.75]
    chain = _Chain(edge_s, cloud_s, upload_s)
    met = chain.algorithm_2(shrink=2, tolerance_s=1e-3)
    assert met.longest_s == 0.75
    assert chain.longest_s(met.last_cut) == 3.75, "which not even the ratio of 3 allows"
    table = cost_table([[1], []], edge_s, cloud_s, [0.75, 0], input_bytes=3.75)
    repaired = DadsHeavyAsPrinted(shrink=2, tolerance_s=1e-3).plan(Problem(table, ONE_BYTE_PER_S))
    assert (repaired.placement, repaired.promised_s) == ((0, 1), 0.75)


def test_printed_box_has_negative_weights() -> None:
    """Where the best gamma is 0 the printed box begins at -1, a negative capacity."""
    chain = _Chain([1.2], [1.0], [1.0])
    _, best_gamma = chain.search([(a, g) for a in (0.0, 1.0) for g in (0.0, 1.0)]).weights
    assert best_gamma - 1.0 < 0
    assert next_axis(np.array([0.0, 1.0]), best_gamma, 1.0, 4).min() == 0.0


@given(
    most=st.floats(0, 1e5),
    most_points=st.integers(3, 40),
    where=st.floats(0, 1),
    num_steps=st.integers(1, 10),
)
def test_weights_stay_at_zero_or_above(
    most: float, most_points: int, where: float, num_steps: int
) -> None:
    """No axis goes below zero, each keeps its centre, and caps are kept."""
    first = first_axis(most, most_points)
    centre = float(first[int(where * (len(first) - 1))])
    then = next_axis(first, centre, 1.0, num_steps)
    assert first.min() >= 0 <= then.min()
    assert centre in then
    assert len(first) <= most_points
    assert len(then) <= 2 * num_steps + 1


@pytest.mark.parametrize("shape", SHAPES)
def test_limits_are_kept(shape: str) -> None:
    """What may not be sent is not, whatever the longest stage."""
    table = random_problem(np.random.default_rng(1), SHAPES[shape]).table
    private = Limits(never_send=frozenset(value.name for value in table.values))
    for planner in (DadsHeavy(), DadsHeavyAsPrinted()):
        found = planner.plan(Problem(table, ONE_BYTE_PER_S, private))
        assert set(found.placement) == {0}


def _first_bounds(least_bytes: float, bytes_per_s: float) -> tuple[float, float]:
    """Give alpha_u and gamma_u of tiny YOLOv2: 1.8 s on the edge, 0.17 s in the cloud."""
    table = cost_table([[1], []], [0.6, 1.2], [0.14, 0.03], [1e6, least_bytes], input_bytes=0.95e6)
    link = LinkConditions(bytes_per_s, bytes_per_s, 0.0, 0.0)
    prices = prices_of(Problem(table, Conditions(link)), DADS_SETTING)
    assert isinstance(prices, Prices)
    return first_bounds(prices)


@dataclass
class _Met:
    """What Search leaves: the best weights and value, and the cut of its last call."""

    weights: tuple[float, float]
    longest_s: float
    last_cut: int


class _Chain:
    """A chain, and Algorithm 2 on it letter by letter; cut p has p blocks on the edge."""

    def __init__(self, edge_s: list[float], cloud_s: list[float], upload_s: list[float]) -> None:
        self._edge_s, self._cloud_s, self._upload_s = edge_s, cloud_s, [*upload_s, 0.0]
        self.num_cuts = len(edge_s) + 1

    @property
    def bounds(self) -> tuple[float, float]:
        least_s = min(self._upload_s[:-1])
        return sum(self._edge_s) / least_s, sum(self._cloud_s) / least_s

    def longest_s(self, cut: int) -> float:
        return max(self._stages_s(cut))

    def search(self, weights: list[tuple[float, float]], longest_s: float = inf) -> _Met:
        met = _Met((inf, inf), longest_s, -1)
        for alpha, gamma in weights:
            met.last_cut = min(
                range(self.num_cuts), key=lambda cut: self._weighted_s(cut, alpha, gamma)
            )
            if self.longest_s(met.last_cut) <= met.longest_s:
                met.weights, met.longest_s = (alpha, gamma), self.longest_s(met.last_cut)
        return met

    def algorithm_2(self, shrink: int, tolerance_s: float) -> _Met:
        step, before_s, longest_s = 1.0, 0.0, inf
        boxes = [(0.0, most) for most in self.bounds]
        best = (inf, inf)
        while abs(before_s - longest_s) >= tolerance_s:
            before_s = longest_s
            # Negative weights, which no minimum cut takes, are left out.
            axes = [
                [low + index * step for index in range(int((high - low) / step + 1e-9) + 1)]
                for low, high in boxes
            ]
            weights = [(a, g) for a in axes[0] for g in axes[1] if a >= 0 and g >= 0]
            met = self.search(weights, longest_s)
            best, longest_s = (met.weights if met.weights != (inf, inf) else best), met.longest_s
            boxes = [(centre - step, centre + step) for centre in best]
            step /= shrink
        return met

    def _stages_s(self, cut: int) -> tuple[float, float, float]:
        return sum(self._edge_s[:cut]), self._upload_s[cut], sum(self._cloud_s[cut:])

    def _weighted_s(self, cut: int, alpha: float, gamma: float) -> float:
        edge_s, upload_s, cloud_s = self._stages_s(cut)
        return alpha * edge_s + upload_s + gamma * cloud_s


def _random_chain(rng: np.random.Generator, server_scale: float) -> _Chain:
    count = int(rng.integers(1, 5))
    edge_s, upload_s = rng.uniform(0.1, 9, count), rng.uniform(0.1, 9, count)
    cloud_s = server_scale * rng.uniform(0.1, 9, count)
    return _Chain(edge_s.tolist(), cloud_s.tolist(), upload_s.tolist())
