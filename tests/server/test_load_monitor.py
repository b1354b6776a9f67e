"""What a server knows of its own load."""

import pytest

from cutpoint.server.load_monitor import LoadMonitor
from cutpoint.server.served_request import ServedRequest


class Clock:
    """Tells the time it is set to."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        """Give it."""
        return self.now_s


def answered(name: str, wait_s: float, tail_s: float, idle_s: float, batch: float = 1.0):
    """Give a request of a model's tail that was answered."""
    model = name.split("/")[0]
    return ServedRequest(
        model, name, "cut", "ok", wait_s=wait_s, tail_s=tail_s, idle_s=idle_s, batch=batch
    )


@pytest.fixture
def clock() -> Clock:
    """Give a clock."""
    return Clock()


@pytest.fixture
def monitor(clock: Clock) -> LoadMonitor:
    """Give a monitor of a queue of three."""
    return LoadMonitor(lambda: 3, clock)


def test_of_a_server_that_served_nothing_the_queue_is_known(monitor: LoadMonitor) -> None:
    """And the time; no figure is made up."""
    told = monitor.told("net")
    assert (told.at_s, told.num_pending) == (100.0, 3)
    assert (told.age_s, told.wait_s, told.slowdown, told.batch) == (None, None, None, None)


def test_wait_and_slow_down_are_of_all_tails_of_a_model(monitor: LoadMonitor, clock) -> None:
    """The mean wait; the time of all over the idle time of all."""
    monitor.observe(answered("net/a", 0.1, 0.4, 0.1))
    clock.now_s += 0.5
    monitor.observe(answered("net/b", 0.3, 0.1, 0.4))
    clock.now_s += 0.25
    told = monitor.told("net/a")
    assert told.wait_s == pytest.approx(0.2)
    assert told.slowdown == pytest.approx(1.0)
    assert told.age_s == pytest.approx(0.25)


def test_a_tail_of_next_to_nothing_says_next_to_nothing(monitor: LoadMonitor) -> None:
    """Microseconds that took milliseconds do not make a server a hundred times slower."""
    monitor.observe(answered("net/a", 0.0, 0.004, 4e-5))
    monitor.observe(answered("net/b", 0.0, 0.1, 0.1))
    assert monitor.told("net").slowdown < 1.05


def test_execution_times_are_told_by_batch_of_what_is_asked_for(monitor: LoadMonitor) -> None:
    """Of this tail alone, the mean of each size."""
    for tail_s, batch in ((0.1, 1.0), (0.3, 1.0), (0.5, 4.2)):
        monitor.observe(answered("net/a", 0.0, tail_s, 0.1, batch))
    monitor.observe(answered("net/b", 0.0, 9.0, 9.0))
    assert monitor.told("net/a").execution_s == ((1, pytest.approx(0.2)), (4, pytest.approx(0.5)))
    assert monitor.told("net").execution_s == ()
    assert monitor.told("net").batch == pytest.approx((1 + 1 + 4.2 + 1) / 4)


def test_a_model_nobody_asked_for_shows_what_others_show(monitor: LoadMonitor) -> None:
    """All models share one queue."""
    monitor.observe(answered("net/a", 0.7, 0.2, 0.1))
    assert monitor.told("other").wait_s == pytest.approx(0.7)
    assert monitor.told().slowdown == pytest.approx(2.0)
    monitor.observe(answered("other", 0.1, 0.1, 0.1))
    assert monitor.told("other").wait_s == pytest.approx(0.1)


def test_what_was_long_ago_is_told_no_more(monitor: LoadMonitor, clock: Clock) -> None:
    """Without requests nothing shows them: a watchdog."""
    monitor.observe(answered("net/a", 0.7, 0.5, 0.1))
    clock.now_s += 5.1
    told = monitor.told("net/a")
    assert (told.wait_s, told.slowdown, told.execution_s) == (None, None, ())
    assert told.num_pending == 3


def test_a_load_that_has_gone_is_soon_told_no_more(monitor: LoadMonitor, clock: Clock) -> None:
    """Only the latest requests count, however many there were before."""
    for _ in range(1000):
        monitor.observe(answered("net/a", 0.5, 0.5, 0.1))
    for _ in range(16):
        monitor.observe(answered("net/a", 0.0, 0.1, 0.1))
    assert (monitor.told("net").wait_s, monitor.told("net").slowdown) == (0.0, 1.0)


def test_requests_without_an_answer_say_nothing(monitor: LoadMonitor) -> None:
    """Refused, late, failed: what they took is no measure."""
    monitor.observe(ServedRequest("net", "net", "cut", "late", wait_s=9.0))
    monitor.observe(ServedRequest("", "nonsense", "", "ok", wait_s=9.0))
    assert monitor.told("net").wait_s is None


def test_names_are_forgotten_before_they_fill_the_memory(monitor: LoadMonitor) -> None:
    """Of versions and tails that are gone."""
    for number in range(3000):
        monitor.observe(answered(f"net{number}/a", 0.1, 0.1, 0.1))
    assert len(monitor._runs) <= 1024
    assert len(monitor._latest) <= 1024
    assert len(monitor._whole) <= 1024
