"""What a simulated server tells of its load."""

import pytest

from cutpoint.simulation.load_memory import LoadMemory


def test_it_tells_the_means_of_the_latest_requests() -> None:
    """Waits by the request, slow-down by the time; sixteen of them."""
    memory = LoadMemory()
    for number in range(20):
        memory.observe(0.1 * number, wait_s=1.0 if number < 4 else 0.2, run_s=0.3, idle_s=0.1)
    told = memory.told(2.0, num_pending=3)
    assert (told.wait_s, told.slowdown) == (pytest.approx(0.2), pytest.approx(3.0))
    assert (told.age_s, told.num_pending) == (pytest.approx(0.1), 3)


def test_it_tells_nothing_of_the_future_nor_of_long_ago() -> None:
    """At each time what had ended by then, and not more than five seconds before."""
    memory = LoadMemory()
    memory.observe(1.0, 0.1, 0.2, 0.1)
    assert memory.told(0.9).wait_s is None
    assert memory.told(1.5).wait_s == pytest.approx(0.1)
    assert memory.told(6.5).slowdown is None


def test_a_process_that_died_knows_nothing() -> None:
    """It begins anew; a tail that takes no time tells of waits alone."""
    memory = LoadMemory()
    memory.observe(1.0, 0.1, 0.2, 0.0)
    assert (memory.told(1.0).wait_s, memory.told(1.0).slowdown) == (pytest.approx(0.1), None)
    memory.forget()
    assert memory.told(1.0).wait_s is None
