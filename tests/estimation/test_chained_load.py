"""Models that a request runs through one after the other: their loads as one."""

import pytest

from cutpoint.estimation import chained_load
from cutpoint.records import LoadReport


def report(**told: object) -> LoadReport:
    """Give a report that tells this much."""
    return LoadReport(at_s=1.0, is_polled=True, **told)  # type: ignore[arg-type]


def test_waits_and_times_are_summed_up() -> None:
    """A request waits before each model, and each runs it."""
    found = chained_load(
        [
            report(wait_s=0.1, slowdown=2.0, execution_s=((1, 0.2),), batch=1.0, num_pending=1),
            report(wait_s=0.3, slowdown=1.0, execution_s=((1, 0.4),), batch=3.0, num_pending=2),
        ]
    )
    assert found.wait_s == pytest.approx(0.4)
    assert dict(found.execution_s)[1] == pytest.approx(0.6)
    assert found.slowdown == pytest.approx(0.6 / (0.1 + 0.4))
    assert (found.batch, found.num_pending, found.is_polled) == (2.0, 3, True)


def test_a_batch_size_that_one_did_not_run_at_counts_with_its_nearest() -> None:
    """A model that never batches runs each request by itself, whatever the others do."""
    found = chained_load(
        [
            report(execution_s=((1, 1.0), (4, 2.0)), batch=2.5),
            report(execution_s=((1, 10.0),), batch=1.0),
        ]
    )
    assert found.execution_s == ((1, 11.0), (4, 12.0))


def test_what_tells_nothing_adds_nothing() -> None:
    """A model that ran for nobody is no reason to know less of the others."""
    silent = report()
    told = report(wait_s=0.1, slowdown=2.0, execution_s=((1, 0.2),), batch=1.0)
    found = chained_load([silent, told])
    assert (found.wait_s, found.slowdown, found.execution_s) == (0.1, 2.0, ((1, 0.2),))
    nothing = chained_load([silent, silent])
    assert (nothing.wait_s, nothing.slowdown, nothing.execution_s) == (None, None, ())


def test_slow_downs_count_by_the_idle_times_where_those_are_known() -> None:
    """A model that takes long on the idle server has the greater say."""
    reports = [
        report(slowdown=4.0, execution_s=((1, 9.0),), batch=1.0),
        report(slowdown=1.0, execution_s=((1, 9.0),), batch=1.0),
    ]
    assert chained_load(reports, [1.0, 3.0]).slowdown == pytest.approx(7.0 / 4.0)


def test_it_is_as_old_as_its_oldest_and_as_late_as_its_latest() -> None:
    """No younger than what it is made of."""
    found = chained_load([LoadReport(at_s=2.0, age_s=0.5), LoadReport(at_s=3.0, is_polled=True)])
    assert (found.at_s, found.age_s, found.is_polled) == (3.0, 0.5, False)
