"""What is true at a time."""

import pytest

from cutpoint.records import Conditions, LinkConditions, LoadConditions
from cutpoint.simulation.load_schedule import LoadSchedule, SlowdownSchedule
from cutpoint.simulation.rate_schedule import RateSchedule
from cutpoint.simulation.world import NOTHING_PASSES, World, true_conditions

BUSY = LoadConditions(0.1, 3.0)
WORLD = World(
    RateSchedule(((1.0, 1000.0), (1.0, 3000.0), (1.0, 0.0)), repeat=True),
    RateSchedule.constant(500.0),
    0.01,
    0.02,
    LoadSchedule(((1.5, LoadConditions()), (1.0, BUSY))),
    SlowdownSchedule(((1.5, 1.0), (1.0, 2.0))),
)


def test_rates_are_means_over_the_window_that_begins() -> None:
    """Load and slow-down are those of the moment."""
    link = LinkConditions(2000.0, 500.0, 0.01, 0.02)
    found = true_conditions(WORLD, 0.5, 1.0)
    assert found == Conditions(link, LoadConditions(), 1.0)
    assert true_conditions(WORLD, 1.6, 0.0).link == LinkConditions(3000.0, 500.0, 0.01, 0.02)
    assert true_conditions(WORLD, 1.6, 0.1).load == BUSY
    assert true_conditions(WORLD, 1.6, 0.1).device_slowdown == 2.0


def test_a_link_that_nothing_passes_is_gone() -> None:
    """There is no bandwidth of zero."""
    found = true_conditions(WORLD, 2.2, 0.5)
    assert (found.link, found.unavailable) == (None, NOTHING_PASSES)
    assert true_conditions(WORLD, 2.2, 1.0).is_server_usable


@pytest.mark.parametrize("delay_s", [-0.1, float("inf"), float("nan")])
def test_a_delay_is_a_time(delay_s: float) -> None:
    """Each way."""
    with pytest.raises(ValueError, match="a delay of"):
        World(RateSchedule.constant(1.0), RateSchedule.constant(1.0), delay_down_s=delay_s)
