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
