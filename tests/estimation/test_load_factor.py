"""LoADPart's factor, and the wait of its follow-on."""

import pytest

from cutpoint.estimation import LoadFactor
from cutpoint.records import LoadConditions, LoadReport


def test_nothing_told_is_an_idle_server():
    """K is 1 before the first report."""
    assert LoadFactor().conditions(5.0) == LoadConditions()


def test_the_mean_of_a_window_counts():
    """Of the latest reports alone, each as much as any other."""
    load = LoadFactor(window=4)
    for number, slowdown in enumerate((100.0, 1.0, 2.0, 3.0, 4.0)):
        load.observe(LoadReport(float(number), slowdown=slowdown, wait_s=9.0))
    assert load.conditions(4.0) == LoadConditions(0.0, 2.5)


def test_the_follow_on_counts_the_wait_too():
    """Additively, and as the mean of the same window."""
    load = LoadFactor(window=2, counts_wait=True)
    for number, wait_s in enumerate((8.0, 0.1, 0.3)):
        load.observe(LoadReport(float(number), wait_s=wait_s, slowdown=2.0))
    believed = load.conditions(2.0)
    assert (believed.wait_s, believed.slowdown) == (pytest.approx(0.2), 2.0)


def test_the_watchdog_sets_it_back():
    """What was told long ago is believed no more, and does not count among what is told then."""
    load = LoadFactor(watchdog_s=10.0)
    load.observe(LoadReport(0.0, slowdown=9.0))
    assert load.conditions(10.0).slowdown == 9.0
    assert load.conditions(10.1).slowdown == 1.0
    load.observe(LoadReport(20.0, slowdown=3.0))
    assert load.conditions(20.0).slowdown == 3.0


def test_a_report_that_tells_no_factor_keeps_none_alive():
    """A queue that is empty says nothing of execution."""
    load = LoadFactor(watchdog_s=10.0)
    load.observe(LoadReport(0.0, slowdown=9.0))
    load.observe(LoadReport(9.0, num_pending=0))
    assert load.conditions(11.0).slowdown == 1.0


def test_what_is_believed_can_be_planned_with():
    """A factor beyond all reason is cut off."""
    load = LoadFactor()
    load.observe(LoadReport(0.0, slowdown=1e300))
    assert load.conditions(0.0).slowdown <= 1e6
