"""How many requests are made twice, over any stretch of them."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutpoint.client.retry_budget import RetryBudget
from cutpoint.exceptions import ConfigurationError

BURST = 3


@given(
    st.lists(st.tuples(st.integers(1, 30), st.integers(0, 30)), max_size=10),
    st.sampled_from([0.0, 0.05, 0.1, 0.25, 1.0]),
)
def test_attempts_keep_to_the_share_over_any_stretch(bursts, ratio):
    """Over any stretch of requests: extra attempts <= share of them, and a burst."""
    budget = RetryBudget(ratio)
    extra = [0]  # up to each request
    for num_requests, num_failures in bursts:
        for turn in range(num_requests):
            budget.deposit()
            extra.append(extra[-1] + (turn < num_failures and budget.spend()))
    assert extra[-1] <= ratio * (len(extra) - 1) + 1e-6
    for begin in range(len(extra)):
        for end in range(begin, len(extra)):
            assert extra[end] - extra[begin] <= ratio * (end - begin) + BURST + 1e-6


def test_every_tenth_may_be_made_twice():
    """When every request fails, exactly a tenth of them is made again: 1.10 attempts each."""
    budget = RetryBudget(0.1)
    extra = 0
    for _ in range(1000):
        budget.deposit()
        extra += budget.spend()
    assert extra == 100


def test_what_is_saved_up_is_bounded():
    """After a long time without failures a few may follow each other, and no more."""
    budget = RetryBudget(0.1)
    for _ in range(10_000):
        budget.deposit()
    assert sum(budget.spend() for _ in range(100)) == BURST


def test_none_is_none():
    """Without extra attempts nothing is ever made twice."""
    budget = RetryBudget(0.0)
    for _ in range(1000):
        budget.deposit()
    assert not budget.spend()


def test_threads_share_it():
    """Requests side by side spend no token twice."""
    budget = RetryBudget(0.1)

    def work(_: int) -> int:
        spent = 0
        for _ in range(500):
            budget.deposit()
            spent += budget.spend()
        return spent

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(work, range(8))) <= 400


@pytest.mark.parametrize("ratio", [-0.1, 1.1, float("nan"), float("inf")])
def test_a_share_that_is_none_is_refused(ratio):
    """The error names the option."""
    with pytest.raises(ConfigurationError, match="max_extra_attempts"):
        RetryBudget(ratio)
