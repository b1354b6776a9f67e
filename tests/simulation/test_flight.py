"""Uploads under way in an exact run teach while they are under way."""

import numpy as np
import pytest

from cutpoint.simulation.flight import Flights
from cutpoint.simulation.learner import Learner
from cutpoint.simulation.rate_schedule import RateSchedule
from cutpoint.simulation.world import World

FAST = RateSchedule.constant(1e9)


def world(*phases: tuple[float, float]) -> World:
    """Give a link whose rate changes, 10 ms each way."""
    return World(RateSchedule(phases, repeat=False), FAST, 0.01, 0.01)


def test_acknowledgements_are_heard_when_they_come() -> None:
    """Half of an upload through is half of it heard, and the rate is known by then."""
    learner = Learner(world((1.0, 1e6), (100.0, 1e5)), 0.0)
    flights = Flights(learner)
    flights.begin(1.0, 100_000)
    heard = list(flights.until(1.6))
    assert heard
    assert max(heard) <= 1.6
    assert 1e5 < learner.link.up.bytes_per_s < 2e5
    assert list(flights.until(1.6)) == []
    assert len(list(flights.until(9.0))) > 0
    assert flights.most_bytes_per_s(9.0) is None


def test_silence_bounds_the_rate() -> None:
    """A link that stops in the middle of an upload is known to have stopped before it ends."""
    learner = Learner(world((1.1, 1e6), (5.0, 0.0), (9.0, 1e6)), 0.0)
    flights = Flights(learner)
    flights.begin(1.0, 1_000_000)
    list(flights.until(3.0))
    assert flights.most_bytes_per_s(3.0) < 1e5
    assert (
        learner.conditions(
            3.0, most_bytes_per_s=flights.most_bytes_per_s(3.0)
        ).link.bandwidth_up_bytes_per_s
        < 1e5
    )
    list(flights.until(20.0))
    assert flights.most_bytes_per_s(20.0) is None


def test_two_uploads_do_not_mix() -> None:
    """Side by side on a steady link each tells its rate, for each is alone in its world."""
    learner = Learner(world((100.0, 1e5)), 0.0)
    flights = Flights(learner)
    for begun_s in np.arange(1.0, 3.0, 0.1):
        flights.begin(float(begun_s), 50_000)
    list(flights.until(10.0))
    assert learner.link.up.bytes_per_s == pytest.approx(1e5, rel=0.05)


def test_of_an_upload_that_is_called_off_no_more_is_heard_than_had_left() -> None:
    """A link that comes back later is not shown by the rest of it, which never left."""
    learner = Learner(world((1.2, 1e6), (2.0, 1e3), (100.0, 1e6)), 0.0)
    flights = Flights(learner)
    flights.begin(1.0, 1_000_000, until_s=1.5)
    heard = list(flights.until(50.0))
    assert max(heard) < 3.4  # the piece that was under way; all of it would come until 4.0
    assert flights.most_bytes_per_s(50.0) is None
    assert learner.meter.under_way_bytes == 0
