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
