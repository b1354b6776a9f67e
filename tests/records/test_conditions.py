import pytest

from cutpoint.records import Conditions, LinkConditions, LoadConditions

LINK = LinkConditions(1e6, 2e6, 0.01, 0.02)


def test_a_round_trip_is_there_and_back() -> None:
    """The round trip is the fixed time of a message each way."""
    assert LINK.round_trip_s == pytest.approx(0.03)


@pytest.mark.parametrize(
    ("link", "unavailable", "usable"),
    [(LINK, None, True), (None, None, False), (LINK, "gone", False), (None, "gone", False)],
)
def test_when_the_server_can_be_used(
    link: LinkConditions | None, unavailable: str | None, usable: bool
) -> None:
    """A plan may use the server when its link is known and nothing speaks against it."""
    assert usable == Conditions(link=link, unavailable=unavailable).is_server_usable


def test_without_news_server_and_device_are_as_profiled() -> None:
    """Unless something is known, nothing waits and nothing is slowed down."""
    assert (LoadConditions(0.0, 1.0), 1.0) == (Conditions().load, Conditions().device_slowdown)
"""Conditions refuse what no link, load or device is."""

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
