"""Conditions: what they tell, and what they refuse."""

import math

import pytest

from cutpoint.exceptions import CostError
from cutpoint.records import Conditions, LinkConditions, LoadConditions

NO_NUMBERS = (-1.0, math.nan, math.inf)


@pytest.mark.parametrize("bandwidth", [0.0, -1.0, math.nan])
def test_a_link_has_a_bandwidth(bandwidth: float) -> None:
    """A link that carries nothing is None, not a link."""
    with pytest.raises(CostError, match="bandwidth is above zero"):
        LinkConditions(bandwidth, 1.0, 0.0, 0.0)
    with pytest.raises(CostError, match="bandwidth is above zero"):
        LinkConditions(1.0, bandwidth, 0.0, 0.0)


@pytest.mark.parametrize("message_s", NO_NUMBERS)
def test_a_message_takes_a_time(message_s: float) -> None:
    """The time of a message is finite and not negative."""
    with pytest.raises(CostError, match="a message takes"):
        LinkConditions(1.0, 1.0, message_s, 0.0)
    with pytest.raises(CostError, match="a message takes"):
        LinkConditions(1.0, 1.0, 0.0, message_s)


@pytest.mark.parametrize("number", NO_NUMBERS)
def test_a_load_is_finite(number: float) -> None:
    """Neither wait nor load factor may be negative, infinite or NaN."""
    with pytest.raises(CostError, match="load factor"):
        LoadConditions(wait_s=number)
    with pytest.raises(CostError, match="load factor"):
        LoadConditions(slowdown=number)


@pytest.mark.parametrize("slowdown", [0.0, *NO_NUMBERS])
def test_a_device_works_at_some_speed(slowdown: float) -> None:
    """The device's slow-down is above zero and finite."""
    with pytest.raises(CostError, match="device slow-down"):
        Conditions(device_slowdown=slowdown)


def test_a_pessimistic_link_is_slower_by_its_spread() -> None:
    """84 % of transfers take no longer than one standard deviation more; the middle is as is."""
    link = LinkConditions(1e6, 2e6, 0.01, 0.02, spread=math.log(2.0))
    slow = link.pessimistic(0.8413447)
    assert slow.bandwidth_up_bytes_per_s == pytest.approx(5e5, rel=1e-3)
    assert slow.bandwidth_down_bytes_per_s == pytest.approx(1e6, rel=1e-3)
    assert (slow.message_up_s, slow.message_down_s, slow.spread) == (0.01, 0.02, math.log(2.0))
    assert link.pessimistic(0.5) == link
    assert link.pessimistic(0.2).bandwidth_up_bytes_per_s > 1e6


@pytest.mark.parametrize("quantile", [0.0, 1.0, -1.0, float("nan")])
def test_a_quantile_lies_between_nothing_and_all(quantile: float) -> None:
    """Of a log-normal spread the ends are endless."""
    with pytest.raises(CostError, match="quantile"):
        LinkConditions(1e6, 1e6, 0.0, 0.0).pessimistic(quantile)
