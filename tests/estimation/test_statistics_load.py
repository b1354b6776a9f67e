"""The load between two snapshots of cumulative statistics."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutpoint.estimation import Cumulative, StatisticsLoad, StatisticsSnapshot

FIRST = StatisticsSnapshot(
    at_s=1.0,
    queue=Cumulative(10, 0.1),
    compute_infer=Cumulative(10, 0.5),
    num_inferences=10,
    num_executions=10,
    batches=((1, Cumulative(10, 0.1)),),
    num_pending=0,
)
SECOND = StatisticsSnapshot(
    at_s=2.0,
    queue=Cumulative(30, 0.5),
    compute_infer=Cumulative(30, 1.34),
    num_inferences=30,
    num_executions=16,
    batches=((1, Cumulative(12, 0.12)), (4, Cumulative(4, 0.12)), (5, Cumulative(0, 0.0))),
    num_pending=3,
)


def test_what_happened_in_between_counts():
    """W of the requests, E of the executions by batch, b of both; k as a request meets it."""
    load = StatisticsLoad()
    assert load.observe(FIRST) is None
    report = load.observe(SECOND)
    assert report.wait_s == pytest.approx(0.02)
    assert report.execution_s == ((1, pytest.approx(0.01)), (4, pytest.approx(0.03)))
    assert report.batch == pytest.approx(20 / 6)
    assert report.num_pending == 3
    assert report.slowdown == pytest.approx(0.84 / 20 / 0.01)
    assert (report.at_s, report.is_polled) == (2.0, True)


def test_a_known_idle_time_is_what_the_slow_down_is_told_by():
    """It was measured, while nothing else ran."""
    load = StatisticsLoad(idle_s=0.005)
    load.observe(FIRST)
    assert load.observe(SECOND).slowdown == pytest.approx(0.84 / 20 / 0.005)


def test_without_batches_the_mean_of_the_requests_counts():
    """Each of which was told the time of its whole batch."""
    load = StatisticsLoad()
    load.observe(replace(FIRST, batches=()))
    report = load.observe(replace(SECOND, batches=()))
    assert report.slowdown == 1.0
    assert report.execution_s == ()
    later = replace(
        SECOND, at_s=3.0, compute_infer=Cumulative(40, 2.18), num_inferences=40, batches=()
    )
    assert load.observe(later).slowdown == pytest.approx(0.084 / 0.042)


def test_where_nothing_ran_only_the_queue_is_told():
    """No mean of nothing."""
    load = StatisticsLoad()
    load.observe(FIRST)
    report = load.observe(replace(FIRST, at_s=2.0, num_pending=7))
    assert (report.wait_s, report.slowdown, report.batch) == (None, None, None)
    assert (report.execution_s, report.num_pending) == ((), 7)


def test_statistics_that_begin_anew_are_no_load():
    """A model that was loaded again counts from zero: told from there on."""
    load = StatisticsLoad()
    load.observe(SECOND)
    assert load.observe(replace(FIRST, at_s=3.0)) is None
    report = load.observe(replace(SECOND, at_s=4.0))
    assert report.wait_s == pytest.approx(0.02)


@pytest.mark.parametrize(
    "lie",
    [
        replace(SECOND, queue=Cumulative(-1, 0.0)),
        replace(SECOND, queue=Cumulative(30, math.nan)),
        replace(SECOND, compute_infer=Cumulative(30, -1.0)),
        replace(SECOND, compute_infer=Cumulative(30, math.inf)),
        replace(SECOND, num_executions=-5),
        replace(SECOND, batches=((1, Cumulative(12, math.nan)),)),
        replace(SECOND, at_s=0.5),
    ],
)
def test_what_cannot_be_true_is_no_report(lie):
    """And the next snapshot that can be is compared with one that could."""
    load = StatisticsLoad()
    load.observe(FIRST)
    assert load.observe(lie) is None
    load.observe(replace(FIRST, at_s=2.0))
    assert load.observe(replace(SECOND, at_s=3.0)).wait_s == pytest.approx(0.02)


COUNTS = st.builds(Cumulative, st.integers(-5, 10**20), st.floats(allow_nan=True))


@given(
    st.lists(
        st.builds(
            StatisticsSnapshot,
            st.floats(0, 1e6),
            COUNTS,
            COUNTS,
            st.integers(-5, 10**20),
            st.integers(-5, 10**20),
            st.lists(st.tuples(st.integers(-2, 64), COUNTS), max_size=3).map(tuple),
            st.none() | st.integers(-5, 10**30),
        ),
        max_size=6,
    )
)
def test_no_statistics_raise_or_make_a_figure_that_cannot_be(snapshots):
    """Whatever is told, a report can be planned with."""
    load = StatisticsLoad()
    for snapshot in snapshots:
        report = load.observe(snapshot)
        if report is not None:
            for each in (report.wait_s, report.slowdown, report.batch, report.num_pending):
                assert each is None or (math.isfinite(each) and each >= 0)


def test_one_execution_that_took_no_time_is_not_what_all_later_ones_are_told_by():
    """The second quickest of many is: else a server would be held for a million times slower."""
    load, count, total_s, at_s = StatisticsLoad(), 0, 0.0, 0.0

    def ran(each_s):
        nonlocal count, total_s, at_s
        count, total_s, at_s = count + 1, total_s + each_s, at_s + 1.0
        run = Cumulative(count, total_s)
        return load.observe(
            StatisticsSnapshot(at_s, Cumulative(count, 0.0), run, count, count, ((1, run),))
        )

    for _ in range(10):
        ran(0.01)
    assert ran(1e-9).slowdown == pytest.approx(1e-7, rel=0.1)
    assert ran(0.02).slowdown == pytest.approx(2.0, rel=0.01)


def test_what_a_server_once_told_for_a_while_is_forgotten():
    """However quick it said it was: told the truth for long enough, the truth counts."""
    load = StatisticsLoad()
    reports = []
    for number in range(1, 2100):
        each_s = 1e-9 if number < 20 else 0.01
        before_s = min(number, 19) * 1e-9 + max(number - 19, 0) * 0.01
        run = Cumulative(number, before_s)
        snapshot = StatisticsSnapshot(
            number, Cumulative(number, 0.0), run, number, number, ((1, run),)
        )
        reports.append((each_s, load.observe(snapshot)))
    assert reports[30][1].slowdown > 1e5
    assert reports[-1][1].slowdown == pytest.approx(1.0, rel=0.01)
