"""Algorithm 2 of JPS, and what print leaves open, each by its smallest example."""

import numpy as np
import pytest

from cutpoint.cost.flow_shop import makespan
from cutpoint.planning.schedules.jps_line import CutPair, clustered, cut_pair
from cutpoint.planning.schemes.jps import best_pair

Seconds = list[float]


def printed_s(compute_s: Seconds, send_s: Seconds, num_jobs: int = 2) -> float:
    """Give the makespan of what Algorithm 2 says."""
    pair = cut_pair(compute_s, send_s)
    num_left, num_right = pair.counts(num_jobs)
    left = (compute_s[pair.right - 1], send_s[pair.right - 1])
    right = (compute_s[pair.right], send_s[pair.right])
    return makespan([left] * num_left + [right] * num_right)


def best_s(compute_s: Seconds, send_s: Seconds, num_jobs: int = 2) -> float:
    """Give the makespan of the best pair."""
    first, second, num_first = best_pair(np.array(compute_s), np.array(send_s), num_jobs)
    jobs = [(compute_s[cut], send_s[cut]) for cut in (first, second)]
    return makespan([jobs[0]] * num_first + [jobs[1]] * (num_jobs - num_first))


def test_the_example_of_the_paper() -> None:
    """Both jobs at the first cut take 16, both at the second 16, one at each 13."""
    assert makespan([(4, 6)] * 2) == makespan([(7, 2)] * 2) == 16
    assert cut_pair([4, 7], [6, 2]) == CutPair(right=1, ratio=2)
    assert cut_pair([4, 7], [6, 2]).counts(2) == (1, 1)
    assert printed_s([4.0, 7.0], [6.0, 2.0]) == best_s([4.0, 7.0], [6.0, 2.0]) == 13


def test_without_a_cut_before_the_first_all_jobs_run_there() -> None:
    """The first cut may be the one: there is no pair then, and a mix with the next is missed."""
    assert cut_pair([2, 3], [2, 0]) == CutPair(right=0, ratio=0)
    assert (printed_s([2.0, 3.0], [2.0, 0.0]), best_s([2.0, 3.0], [2.0, 0.0])) == (6, 5)
    assert cut_pair([1], [0]) == CutPair(right=0, ratio=0)


def test_a_ratio_below_one_is_floored_to_none() -> None:
    """Less than one job at the left for one at the right becomes none, though a mix is better."""
    assert cut_pair([0, 2], [2, 1]) == CutPair(right=1, ratio=0)
    assert (printed_s([0.0, 2.0], [2.0, 1.0]), best_s([0.0, 2.0], [2.0, 1.0])) == (5, 3)


def test_where_every_cut_sends_longer_the_last_is_taken_unseen() -> None:
    """The search ends where it began on the right; the ratio makes no sense."""
    assert cut_pair([0, 2], [4, 3]) == CutPair(right=1, ratio=-1)
    assert cut_pair([0, 2], [4, 3]).counts(2) == (0, 2)
    assert (printed_s([0.0, 2.0], [4.0, 3.0]), best_s([0.0, 2.0], [4.0, 3.0])) == (8, 7)


def test_a_balanced_pair_is_not_always_the_best() -> None:
    """Even a ratio that is taken loses to a single cut: for few jobs the ends of the line count."""
    assert cut_pair([0, 3], [1, 0]) == CutPair(right=1, ratio=3)
    assert (printed_s([0.0, 3.0], [1.0, 0.0]), best_s([0.0, 3.0], [1.0, 0.0])) == (3, 2)


@pytest.mark.parametrize(
    ("ratio", "num_jobs", "counts"),
    [(3, 8, (6, 2)), (3, 1, (1, 0)), (1, 1, (0, 1)), (1, 3, (1, 2)), (10**15, 5, (5, 0))],
)
def test_counts_are_rounded(ratio: int, num_jobs: int, counts: tuple[int, int]) -> None:
    """The share of the right cut goes to the nearest count, halves up."""
    assert CutPair(1, ratio).counts(num_jobs) == counts


def test_the_search_finds_the_left_most() -> None:
    """On drawn lines the cut found is the first that computes no less than it sends."""
    rng = np.random.default_rng(0)
    for _ in range(200):
        count = int(rng.integers(1, 12))
        compute_s = np.sort(rng.integers(0, 30, count)).astype(float).tolist()
        send_s = np.sort(rng.integers(0, 30, count))[::-1].astype(float).tolist()
        send_s[-1] = 0.0
        left_most = next(cut for cut in range(count) if compute_s[cut] >= send_s[cut])
        assert cut_pair(compute_s, send_s).right == left_most


def test_infinite_uploads_get_no_job() -> None:
    """A cut that cannot be sent is neither l* nor mixed in."""
    assert cut_pair([0, 1, 5], [np.inf, np.inf, 0]) == CutPair(right=2, ratio=0)


def test_layers_that_grow_are_merged() -> None:
    """What sends more than a cut before it is no cut; equals stay."""
    assert clustered([5, 7, 6, 5, 2, 3, 0]) == [0, 3, 4, 6]
    assert clustered([3]) == [0]
