"""How long reports were under way, by clocks that nobody shares."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutpoint.estimation import ReportAge


@pytest.mark.parametrize("apart_s", [0.0, 3600.0, -3600.0, 1e9])
def test_clocks_may_be_an_hour_apart(apart_s):
    """What counts is how much later than the quickest a report comes."""
    age = ReportAge()
    ages = [
        age.older_s(written_s + apart_s, written_s + way_s)
        for written_s, way_s in ((1.0, 0.2), (2.0, 0.1), (3.0, 0.4), (4.0, 0.1))
    ]
    assert ages == pytest.approx([0.0, 0.0, 0.3, 0.0], abs=0.01)


@pytest.mark.parametrize("jump_s", [3600.0, -3600.0])
def test_a_clock_that_is_set_begins_anew(jump_s):
    """No report is an hour old because a clock was set, and those after it are compared again."""
    age = ReportAge()
    for at_s in range(10):
        age.older_s(float(at_s), at_s + 0.1)
    assert age.older_s(10 + jump_s, 10.1) < 1.0
    assert age.older_s(11 + jump_s, 11.4) == pytest.approx(0.3, abs=0.02)


def test_a_server_that_starts_again_begins_anew():
    """Its clock may begin at zero; nothing is old for that."""
    age = ReportAge()
    age.older_s(5000.0, 10.0)
    assert age.older_s(0.5, 20.0) == 0.0
    assert age.older_s(1.5, 21.25) == pytest.approx(0.25, abs=0.01)


def test_seconds_that_differ_do_not_add_up():
    """A clock that loses a second in a day makes no report old."""
    age, slow = ReportAge(), 1 - 1 / 86_400
    ages = [age.older_s(slow * at_s, at_s + 0.1) for at_s in range(0, 86_400, 5)]
    assert max(ages) < 0.01


def test_nothing_is_known_without_a_time():
    """A server that tells none is not held for late."""
    assert ReportAge().older_s(None, 5.0) == 0.0


@given(st.lists(st.tuples(st.floats(-1e9, 1e9), st.floats(0, 1e6)), max_size=20))
def test_no_age_is_absurd(told):
    """Whatever times a server tells, a report is somewhat older at most, never younger."""
    age, at_s = ReportAge(), 0.0
    for written_s, more_s in told:
        at_s += more_s
        older_s = age.older_s(written_s, at_s)
        assert 0 <= older_s <= 30.0
        assert math.isfinite(older_s)
