"""Transfers that share one direction of a link."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.simulation.made_up import rate_schedules

from cutpoint.simulation.rate_curve import RateCurve
from cutpoint.simulation.rate_schedule import RateSchedule
from cutpoint.simulation.shared_lane import SharedLane
from cutpoint.simulation.virtual_clock import VirtualClock


class Road:
    """A lane, and when each transfer on it has passed."""

    def __init__(self, schedule: RateSchedule) -> None:
        self.clock = VirtualClock()
        self.lane = SharedLane(self.clock, RateCurve(schedule))
        self.passed_s: dict[str, float] = {}

    def send(self, name: str, size_bytes: float, at_s: float = 0.0) -> None:
        """Send so much at a time."""
        self.clock.later(at_s, lambda _: self._send(name, size_bytes))

    def _send(self, name: str, size_bytes: float) -> None:
        def passed() -> None:
            self.passed_s[name] = self.clock.now_s

        self.lane.send(size_bytes, passed)


def test_side_by_side_each_gets_its_share() -> None:
    """Two of one size take twice as long; when the short one is through, the long one speeds up."""
    road = Road(RateSchedule.constant(1000.0))
    road.send("long", 1500)
    road.send("short", 500)
    road.clock.run(until=10.0)
    assert road.passed_s == {"short": pytest.approx(1.0), "long": pytest.approx(2.0)}


def test_one_that_comes_later_shares_from_then_on() -> None:
    """What has passed before stays passed."""
    road = Road(RateSchedule.constant(1000.0))
    road.send("first", 1000)
    road.send("second", 1000, at_s=0.5)
    road.clock.run(until=10.0)
    assert road.passed_s == {"first": pytest.approx(1.5), "second": pytest.approx(2.0)}


def test_what_is_dropped_leaves_its_share_to_the_others() -> None:
    """At once; and to drop it again, or when it has passed, changes nothing."""
    road = Road(RateSchedule.constant(1000.0))
    road.send("stays", 1000)
    dropped = road.lane.send(5000, lambda: pytest.fail("it was dropped"))
    road.clock.later(1.0, lambda _: road.lane.drop(dropped))
    road.clock.later(1.2, lambda _: road.lane.drop(dropped))
    road.clock.run(until=10.0)
    assert road.passed_s == {"stays": pytest.approx(1.5)}


def test_nothing_passes_in_an_outage() -> None:
    """Everybody waits, and goes on behind it."""
    road = Road(RateSchedule(((1.0, 1000.0), (5.0, 0.0), (9.0, 1000.0))))
    road.send("one", 1000)
    road.send("other", 1000)
    road.clock.run(until=20.0)
    assert road.passed_s == {"one": pytest.approx(7.0), "other": pytest.approx(7.0)}


@given(
    schedule=rate_schedules(),
    sizes=st.lists(st.integers(0, 10**6), min_size=1, max_size=6),
    starts_s=st.lists(st.floats(0, 5), min_size=6, max_size=6),
)
def test_no_byte_is_carried_twice_or_never(
    schedule: RateSchedule, sizes: list[int], starts_s: list[float]
) -> None:
    """All pass; not before each would alone, and the last when a busy link is through with all."""
    road, curve = Road(schedule), RateCurve(schedule)
    for number, size_bytes in enumerate(sizes):
        road.send(str(number), size_bytes, starts_s[number])
    road.clock.run(until=1e6)
    assert len(road.passed_s) == len(sizes)
    begun = starts_s[: len(sizes)]
    for number, size_bytes in enumerate(sizes):
        alone_s = curve.finish_s(begun[number], size_bytes)
        assert road.passed_s[str(number)] >= alone_s - 1e-6
    latest_s = curve.finish_s(max(begun), sum(sizes))
    assert max(road.passed_s.values()) <= latest_s + 1e-6
