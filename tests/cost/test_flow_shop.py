"""The two-machine flow shop, job by job and run by run."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutpoint.cost.flow_shop import makespan, makespan_of_runs

TIMES = st.integers(0, 20).map(float)
RUNS = st.lists(st.tuples(TIMES, TIMES, st.integers(0, 6)), max_size=5)


@given(runs=RUNS)
def test_runs_are_their_jobs(runs: list[tuple[float, float, int]]) -> None:
    """Equal jobs in a row end when they do one by one."""
    jobs = [(compute_s, send_s) for compute_s, send_s, num in runs for _ in range(num)]
    assert makespan_of_runs(runs) == makespan(jobs)


def test_millions_of_jobs_take_no_time_to_add_up() -> None:
    """A run is a formula, however long."""
    assert makespan_of_runs([(1.0, 2.0, 10**9)]) == pytest.approx(2e9 + 1)


def test_the_link_may_be_busy_at_first() -> None:
    """What it had before delays the first transfer, not the computing."""
    assert makespan([(1.0, 2.0)], link_free_at_s=5.0) == 7.0
    assert makespan([(9.0, 0.0)], link_free_at_s=5.0) == 9.0
