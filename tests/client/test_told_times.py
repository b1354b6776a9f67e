"""What a server says an answer took, and the load reports made of it."""

import math

import pytest

from cutpoint.client.load_reports import LoadReports
from cutpoint.client.told_times import ToldTimes, told_times
from cutpoint.exceptions import RemoteProtocolError

HONEST = {"wait_s": 0.1, "tail_s": 0.2, "cpu_s": 0.15, "idle_s": 0.05, "decode_s": 0.01}


def test_times_within_the_request_are_believed():
    """All of them; what older servers do not tell is not known."""
    assert told_times(HONEST, 0.5) == ToldTimes(0.1, 0.2, 0.01, 0.15, 0.05)
    assert told_times({"tail_s": 0.2}, 0.5) == ToldTimes(0.0, 0.2, 0.0, None, 0.0)


@pytest.mark.parametrize("key", ["wait_s", "tail_s", "cpu_s", "decode_s", "idle_s"])
@pytest.mark.parametrize("value", [-1.0, math.nan, math.inf, "soon"])
def test_times_that_are_none_are_refused(key, value):
    """One of them is enough: who lies of one is not believed of another."""
    with pytest.raises(RemoteProtocolError):
        told_times({**HONEST, key: value}, 0.5)


@pytest.mark.parametrize("lie", [{"tail_s": 0.6}, {"wait_s": 0.31}, {"cpu_s": 9.0}])
def test_times_longer_than_the_request_are_refused(lie):
    """Each alone, and those together that were spent one after the other."""
    with pytest.raises(RemoteProtocolError):
        told_times({**HONEST, **lie}, 0.5)


def test_no_times_are_refused():
    """What is not told must not pass for no time at all."""
    with pytest.raises(RemoteProtocolError, match="tells no times"):
        told_times({"batch": 1.0}, 0.5)


def test_an_idle_time_longer_than_the_request_is_cut_off():
    """Who profiled on a busy machine is not a liar."""
    assert told_times({**HONEST, "idle_s": 99.0}, 0.5).idle_s == 0.5


def test_a_report_is_as_old_as_it_says_and_as_it_was_under_way():
    """By differences of the server's clock alone, an hour off as it may be."""
    reports = LoadReports()
    first = reports.polled({"load": "at_s=3600.0 age_s=0.5 wait_s=0.2 k=3"}, 10.0)
    assert (first.age_s, first.wait_s, first.slowdown) == (0.5, 0.2, 3.0)
    assert first.is_polled
    late = reports.answered({"load": "at_s=3601.0 age_s=0.1 wait_s=0.1 pending=2"}, 11.7, None)
    assert late.age_s == pytest.approx(0.8, abs=0.01)
    assert (late.num_pending, late.is_polled) == (2, False)


def test_an_older_server_is_reported_by_its_answer():
    """Wait and slow-down of this request are all that is known."""
    report = LoadReports().answered({}, 5.0, ToldTimes(0.1, 0.2, idle_s=0.05))
    assert (report.wait_s, report.slowdown, report.num_pending) == (0.1, pytest.approx(4.0), None)
    assert LoadReports().answered({}, 5.0, None) is None
    assert LoadReports().polled({}, 5.0) is None
