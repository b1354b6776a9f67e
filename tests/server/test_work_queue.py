"""The work queue: bounded, and honest about when to come back."""

from concurrent.futures import Future
from threading import Barrier, Event, Thread
from types import SimpleNamespace

import pytest

from cutpoint.exceptions import DeadlineExceededError, OverloadedError
from cutpoint.server import work_queue
from cutpoint.server.work_queue import WorkQueue


class Gate:
    """Work that runs until it is let go."""

    def __init__(self) -> None:
        self.began = Event()
        self.opened = Event()

    def work(self, wait_s: float) -> float:
        """Wait for the gate; give how long this waited in the queue."""
        self.began.set()
        assert self.opened.wait(30)
        return wait_s


class Clock:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        """Give the time."""
        return self.now_s


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Give the queue a clock that stands still until it is moved."""
    clock = Clock()
    monkeypatch.setattr(work_queue, "time", SimpleNamespace(perf_counter=clock))
    return clock


@pytest.mark.parametrize(
    ("workers", "waiting", "asked"),
    [(1, 2, 10), (1, 0, 5), (2, 3, 20), (1, None, 6), (3, None, 12)],
)
def test_what_would_wait_too_long_is_refused_at_once(
    workers: int, waiting: int | None, asked: int
) -> None:
    """Of N asked at the same time all but those that run or wait are refused while others run."""
    queue, gate, start = WorkQueue(workers, waiting), Gate(), Barrier(asked)
    room = workers + (2 * workers if waiting is None else waiting)
    accepted: list[Future[float]] = []
    refused: list[OverloadedError] = []

    def ask() -> None:
        start.wait()
        try:
            accepted.append(queue.submit(gate.work))
        except OverloadedError as error:
            refused.append(error)

    threads = [Thread(target=ask) for _ in range(asked)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert (len(accepted), len(refused)) == (room, asked - room)
    assert not any(future.done() for future in accepted)
    assert queue.pending == room
    assert all(f"{room} requests are waiting" in str(error) for error in refused)
    gate.opened.set()
    assert all(future.result(30) >= 0 for future in accepted)
    queue.close()
    assert queue.pending == 0


def test_room_is_given_back(clock: Clock) -> None:
    """Work that ended, well or not, makes room for the next."""
    queue = WorkQueue(1, 0)
    for _ in range(5):
        done = Event()
        future = queue.submit(lambda wait_s: wait_s)
        future.add_done_callback(lambda _, done=done: done.set())  # after the queue's own
        assert future.result(30) == 0.0
        assert done.wait(30)
    done = Event()
    failing = queue.submit(lambda _: 1 / 0)
    failing.add_done_callback(lambda _: done.set())
    assert done.wait(30)
    with pytest.raises(ZeroDivisionError):
        failing.result(30)
    assert queue.pending == 0
    assert queue.submit(lambda _: "still here").result(30) == "still here"
    queue.close()


def test_the_refused_are_told_when_to_come_back(clock: Clock) -> None:
    """The mean time of work so far, times those before, by the number of workers."""
    queue, gate = WorkQueue(1, 2), Gate()

    def four_seconds(_: float) -> None:
        clock.now_s += 4.0

    done = Event()
    queue.submit(four_seconds).add_done_callback(lambda _: done.set())
    assert done.wait(30)
    futures = [queue.submit(gate.work) for _ in range(3)]
    with pytest.raises(OverloadedError, match=r"try again in 12\.000 s") as caught:
        queue.submit(gate.work)
    assert caught.value.retry_after_s == 3 * 4.0
    gate.opened.set()
    assert all(future.result(30) == 0.0 for future in futures)
    queue.close()


def test_a_fresh_queue_that_is_full_asks_to_come_back_at_once() -> None:
    """Before anything was measured the time to come back is zero, not made up."""
    queue, gate = WorkQueue(1, 0), Gate()
    future = queue.submit(gate.work)
    with pytest.raises(OverloadedError) as caught:
        queue.submit(gate.work)
    assert caught.value.retry_after_s == 0.0
    gate.opened.set()
    future.result(30)
    queue.close()


def test_what_is_of_no_use_any_more_is_dropped(clock: Clock) -> None:
    """Work whose time has passed when its turn comes is not begun; the rest is told its wait."""
    queue, gate = WorkQueue(1, 3), Gate()
    begun: list[str] = []

    def named(name: str):
        def work(wait_s: float) -> float:
            begun.append(name)
            return wait_s

        return work

    first = queue.submit(gate.work)
    assert gate.began.wait(30)
    late = queue.submit(named("late"), remaining_s=1.0)
    timely = queue.submit(named("timely"), remaining_s=2.0)
    patient = queue.submit(named("patient"))
    clock.now_s += 1.5
    gate.opened.set()
    assert first.result(30) == 0.0
    with pytest.raises(DeadlineExceededError, match=r"waited 1\.500 s"):
        late.result(30)
    assert (timely.result(30), patient.result(30)) == (1.5, 1.5)
    assert begun == ["timely", "patient"]
    queue.close()


def test_closing_finishes_what_runs_and_drops_what_waits() -> None:
    """A queue that is closed ends with its current work, and counts nothing afterwards."""
    queue, gate = WorkQueue(1, 2), Gate()
    running = queue.submit(gate.work)
    assert gate.began.wait(30)
    waiting = [queue.submit(gate.work) for _ in range(2)]
    dropped = Event()
    waiting[-1].add_done_callback(lambda _: dropped.set())
    closing = Thread(target=queue.close)
    closing.start()
    assert dropped.wait(30)
    assert not running.done()
    gate.opened.set()
    closing.join(30)
    assert running.result(0) >= 0
    assert all(future.cancelled() for future in waiting)
    assert queue.pending == 0
    assert repr(queue) == "<WorkQueue: 0 pending, 1 workers>"
