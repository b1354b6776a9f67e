"""DIAMOND's wait and execution time by batch."""

import pytest

from cutpoint.estimation import MonitoredLoad
from cutpoint.records import LoadConditions, LoadReport

RUNS = ((1, 0.01), (4, 0.022), (8, 0.04))


def test_nothing_told_is_an_idle_server():
    """No wait, one at a time, and no execution time known."""
    load = MonitoredLoad()
    assert load.conditions(0.0) == LoadConditions()
    assert (load.batch, load.wait_s(0.0), load.execution_s(1)) == (1.0, 0.0, None)


def test_wait_and_execution_add_up():
    """W + E(b), E grown from the time of one as the server's own figures show."""
    load = MonitoredLoad()
    load.observe(LoadReport(0.0, wait_s=0.05, batch=4.0, execution_s=RUNS))
    assert load.predicted_s(0.1, 0.0) == pytest.approx(0.05 + 2.2 * 0.1)


def test_what_the_server_tells_of_its_idle_time_counts_before():
    """K is E(b) over the idle time, where the server knows that."""
    load = MonitoredLoad()
    load.observe(LoadReport(0.0, wait_s=0.0, slowdown=3.0, batch=4.0, execution_s=RUNS))
    assert load.conditions(0.0).slowdown == 3.0


def test_between_the_sizes_told_it_is_interpolated():
    """And beyond them the nearest one counts."""
    load = MonitoredLoad()
    load.observe(LoadReport(0.0, execution_s=RUNS))
    found = [load.execution_s(batch) for batch in (0.5, 1, 2.5, 6, 8, 99)]
    assert found == pytest.approx([0.01, 0.01, 0.016, 0.031, 0.04, 0.04])


def test_what_was_told_long_ago_counts_no_more():
    """Neither for a plan, nor among what is told after."""
    load = MonitoredLoad()
    load.observe(LoadReport(0.0, wait_s=0.05, slowdown=5.0, execution_s=RUNS))
    assert load.conditions(20.0) == LoadConditions()
    load.observe(LoadReport(30.0, wait_s=0.01))
    assert load.conditions(30.0) == LoadConditions(0.01, 1.0)


def test_an_empty_queue_is_no_wait():
    """Though nothing ran that tells of one."""
    load = MonitoredLoad()
    load.observe(LoadReport(0.0, wait_s=0.05))
    load.observe(LoadReport(1.0, num_pending=0))
    assert load.wait_s(1.0) == 0.0
