"""What probing an idle link costs, and when it may be done."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutpoint.estimation import IDLE_BYTES_PER_S, ProbeBudget, check_pause_s, probe_bytes

RATES = st.floats(2, 9).map(lambda exponent: 10.0**exponent)


@given(rate=RATES)
def test_probes_are_small(rate: float) -> None:
    """A kilobyte at most, however fast the link; those of a new connection 32 KB."""
    assert 256 <= probe_bytes(rate) <= 1024
    assert probe_bytes(rate) <= probe_bytes(rate, is_large=True) <= 32 * 1024
    assert 256 <= probe_bytes(None) <= 1024


@given(rate=RATES)
def test_an_idle_link_costs_no_more_than_it_may(rate: float) -> None:
    """Over a minute of silence, payload alone, the saved seconds included."""
    budget, at_s, spent_bytes, num = ProbeBudget(), 0.0, 0, 0
    while (at_s := budget.next_s(at_s, rate)) < 60.0:
        spent_bytes += budget.payload_bytes(rate) + 450
        budget.spend(at_s, rate)
        num += 1
    assert spent_bytes <= IDLE_BYTES_PER_S * 60
    assert num >= 25


def test_what_was_saved_is_spent_right_after() -> None:
    """After ten busy seconds probes are 0.2 s apart, for a few seconds and no longer."""
    budget = ProbeBudget()
    budget.next_s(0.0, 1e5)
    at_s, times = 10.0, []
    while (at_s := budget.next_s(at_s, 1e5)) < 40.0:
        budget.spend(at_s, 1e5)
        times.append(at_s)
    gaps = [later - sooner for sooner, later in pairwise(times)]
    assert gaps[0] == pytest.approx(0.2)
    assert gaps[-1] == pytest.approx(706 / 1600, rel=0.01)
    assert sum(gap < 0.3 for gap in gaps) < 30


def test_checks_are_rarer_on_slow_links() -> None:
    """Every two seconds, or as often as makes a hundredth of the link."""
    assert check_pause_s(None) == check_pause_s(1e6) == 2.0
    assert check_pause_s(16e3) == pytest.approx(5.0)
