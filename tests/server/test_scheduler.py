"""The scheduler: bounded, honest about when to come back, and nothing ever hangs."""

from collections.abc import Callable
from threading import Barrier, Event, Thread
from time import thread_time

import numpy as np
import pytest
from tests.server.fake_stages import GateStage, MadeUpStage

from cutpoint.cost.batch_times import BatchTimes
from cutpoint.exceptions import (
    DeadlineExceededError,
    NotReadyError,
    OverloadedError,
    RemoteExecutionError,
)
from cutpoint.graph import Arrays
from cutpoint.server.cancellation import Cancellation
from cutpoint.server.decode_step import DecodeStep
from cutpoint.server.job import Job
from cutpoint.server.scheduler import Scheduler
from cutpoint.server.stage import Stage


class Asked:
    """A request and what became of it."""

    def __init__(
        self, stages: list[Stage], x: float = 0.0, remaining_s: float | None = None
    ) -> None:
        self.cancelled = Cancellation()
        self.started = Event()
        self.ends: list[BaseException | None] = []
        self._ended = Event()
        self.job = Job(
            stages,
            {"x": np.array([x])},
            self.cancelled.is_set,
            self._note,
            self.started.set,
            remaining_s,
        )

    def queued(self, scheduler: Scheduler) -> "Asked":
        """Queue it."""
        scheduler.submit(self.job)
        self.cancelled.listen(scheduler.look)
        return self

    def answer(self) -> Arrays:
        """Wait for its end; raise what went wrong."""
        assert self._ended.wait(30)
        assert len(self.ends) == 1
        if self.ends[0] is not None:
            raise self.ends[0]
        return self.job.values

    @property
    def is_over(self) -> bool:
        """Whether it was told its end."""
        return bool(self.ends)

    def _note(self, job: Job, error: BaseException | None) -> None:
        assert job is self.job
        self.ends.append(error)
        self._ended.set()


class Clock:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        """Give the time."""
        return self.now_s

    def advance(self, duration_s: float) -> None:
        """Move it."""
        self.now_s += duration_s


@pytest.fixture
def clock() -> Clock:
    """Give a clock that stands still until it is moved."""
    return Clock()


@pytest.mark.parametrize(
    ("workers", "waiting", "asked"),
    [(1, 2, 10), (1, 0, 5), (2, 3, 20), (1, None, 6), (3, None, 12)],
)
def test_what_would_wait_too_long_is_refused_at_once(
    workers: int, waiting: int | None, asked: int
) -> None:
    """Of N asked at the same time all but those that run or wait are refused while others run."""
    scheduler, gate, start = Scheduler(workers, waiting), GateStage(), Barrier(asked)
    room = workers + (2 * workers if waiting is None else waiting)
    accepted: list[Asked] = []
    refused: list[OverloadedError] = []

    def ask() -> None:
        start.wait()
        try:
            accepted.append(Asked([gate]).queued(scheduler))
        except OverloadedError as error:
            refused.append(error)

    threads = [Thread(target=ask) for _ in range(asked)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert (len(accepted), len(refused)) == (room, asked - room)
    assert not any(each.is_over for each in accepted)
    assert (scheduler.pending, scheduler.max_waiting) == (room, room - workers)
    are = "request is" if room == 1 else "requests are"
    assert all(f"{room} {are} waiting" in str(error) for error in refused)
    with pytest.raises(OverloadedError):
        scheduler.check_room()
    gate.opened.set()
    assert all(each.answer()["x"] == 1 for each in accepted)
    assert scheduler.pending == 0
    scheduler.check_room()
    scheduler.close()


def test_room_is_given_back() -> None:
    """Work that ended, well or not, makes room for the next before its end is told."""
    scheduler = Scheduler(1, 0)
    for _ in range(5):
        assert Asked([MadeUpStage("a", {1: 0.0})], 1.0).queued(scheduler).answer()["x"] == 2
        assert scheduler.pending == 0
    failing = MadeUpStage("bad", {1: 0.0}, lambda _: [][0])
    with pytest.raises(IndexError):
        Asked([failing]).queued(scheduler).answer()
    assert scheduler.pending == 0
    assert Asked([MadeUpStage("a", {1: 0.0})]).queued(scheduler).answer()["x"] == 1
    scheduler.close()


def test_the_refused_are_told_when_to_come_back(clock: Clock) -> None:
    """What is here takes so long on the idle server, times the slow-down lately, by the workers."""
    scheduler, gate = Scheduler(2, 2, clock=clock), GateStage(time_s=4.0)
    held = [Asked([gate]).queued(scheduler) for _ in range(4)]
    with pytest.raises(OverloadedError, match=r"4 requests are .* in 8\.000 s") as caught:
        Asked([gate]).queued(scheduler)
    assert caught.value.retry_after_s == 4 * 4.0 / 2
    gate.opened.set()
    for each in held:
        each.answer()
    scheduler.close()


def test_batching_shortens_the_time_to_come_back(clock: Clock) -> None:
    """What batches took lately beside what their members take one by one is counted in."""
    scheduler = Scheduler(1, 3, clock=clock)
    times_s = {1: 1.0, 4: 1.0}
    gate = GateStage()
    shared = MadeUpStage("shared", times_s, clock.advance)
    first = [Asked([gate, shared]).queued(scheduler) for _ in range(4)]
    gate.opened.set()
    for each in first:
        each.answer()
    assert shared.batches == [4]
    again = GateStage(time_s=1.0)
    held = [Asked([again]).queued(scheduler) for _ in range(4)]
    with pytest.raises(OverloadedError) as caught:
        Asked([again]).queued(scheduler)
    assert caught.value.retry_after_s == pytest.approx(1.0)
    again.opened.set()
    for each in held:
        each.answer()
    scheduler.close()


def test_what_cannot_be_in_time_is_not_begun(clock: Clock) -> None:
    """A request is dropped when its turn comes and less is left than its tail takes."""
    scheduler, gate = Scheduler(1, 4, clock=clock), GateStage(time_s=1.5)
    tail = MadeUpStage("tail", {1: 0.5})
    first = Asked([gate]).queued(scheduler)
    assert gate.began.wait(30)
    late = Asked([tail], remaining_s=1.9).queued(scheduler)
    timely = Asked([tail], remaining_s=2.1).queued(scheduler)
    patient = Asked([tail]).queued(scheduler)
    clock.advance(1.5)
    gate.opened.set()
    first.answer()
    with pytest.raises(DeadlineExceededError, match=r"waited 1\.500 s and needs 0\.500 s"):
        late.answer()
    assert timely.answer()["x"] == patient.answer()["x"] == 1
    assert not late.started.is_set()
    assert timely.started.is_set()
    assert (timely.job.wait_s, late.job.tail_s) == (1.5, 0.0)
    assert tail.batches == [1, 1]
    scheduler.close()


def test_a_slow_server_drops_earlier(clock: Clock) -> None:
    """The tail is expected to take as much longer as runs did lately; the idle forget that."""
    scheduler = Scheduler(1, 4, clock=clock)
    slow = MadeUpStage("slow", {1: 1.0}, lambda time_s: clock.advance(4 * time_s))
    Asked([slow]).queued(scheduler).answer()
    with pytest.raises(DeadlineExceededError):
        Asked([slow], remaining_s=3.0).queued(scheduler).answer()
    Asked([slow], remaining_s=4.5).queued(scheduler).answer()
    clock.advance(60.0)
    Asked([slow], remaining_s=3.0).queued(scheduler).answer()
    scheduler.close()


def test_a_profile_made_on_a_busy_machine_is_found_out(clock: Clock) -> None:
    """Deadlines shorter than a tail was timed are tried again after a quiet time."""
    scheduler = Scheduler(1, 4, clock=clock)
    quick = MadeUpStage("quick", {1: 1.0}, lambda time_s: clock.advance(0.1 * time_s))
    Asked([quick]).queued(scheduler).answer()
    assert Asked([quick], remaining_s=0.5).queued(scheduler).answer()["x"] == 1
    scheduler.close()


@pytest.mark.parametrize("is_plain", [False, True])
def test_a_cancelled_request_leaves_at_once(is_plain: bool) -> None:
    """Its place is free while others still run, it ends once, and is never begun."""
    scheduler, gate = Scheduler(1, 1), GateStage()
    first = Asked([gate]).queued(scheduler)
    assert gate.began.wait(30)
    second = Asked([gate])
    scheduler.submit(second.job)
    with pytest.raises(OverloadedError):
        Asked([gate]).queued(scheduler)
    if not is_plain:
        second.cancelled.listen(scheduler.look)
    second.cancelled.set()
    assert (scheduler.pending, scheduler.waiting) == (1, 0)
    assert second.is_over is not is_plain
    third = Asked([gate]).queued(scheduler)
    gate.opened.set()
    with pytest.raises(RemoteExecutionError, match="stopped on request"):
        second.answer()
    assert first.answer()["x"] == third.answer()["x"] == 1
    assert not second.started.is_set()
    assert gate.batches == [1, 1]
    scheduler.close()


def test_a_request_stops_between_two_stages() -> None:
    """One that is cancelled while it runs does not begin its next stage."""
    scheduler, gate, rest = Scheduler(1), GateStage(), MadeUpStage("rest", {1: 0.0})
    asked = Asked([gate, rest]).queued(scheduler)
    assert gate.began.wait(30)
    asked.cancelled.set()
    assert not asked.is_over
    gate.opened.set()
    with pytest.raises(RemoteExecutionError):
        asked.answer()
    assert rest.batches == []
    scheduler.close()


def test_a_mate_that_is_cancelled_in_a_batch_harms_nobody() -> None:
    """The others of its batch are answered, and go on as a smaller one."""
    scheduler, before = Scheduler(1, 8), GateStage("before")
    gate = GateStage()
    gate.times = MadeUpStage("", {1: 1.0, 8: 1.0}).times
    rest = MadeUpStage("rest", {1: 1.0, 8: 1.0})
    asked = [Asked([before, gate, rest], float(n)).queued(scheduler) for n in range(4)]
    before.opened.set()
    assert gate.began.wait(30)
    asked[2].cancelled.set()
    gate.opened.set()
    with pytest.raises(RemoteExecutionError):
        asked[2].answer()
    assert [asked[n].answer()["x"][0] for n in (0, 1, 3)] == [3.0, 4.0, 6.0]
    assert (gate.batches, rest.batches) == ([4], [3])
    assert asked[0].job.batch == pytest.approx((1 + 4 + 3) / 3)
    scheduler.close()


class PoisonedStage(MadeUpStage):
    """A stage that fails for every batch with a request of x = 13 in it."""

    def run(self, batch: list[Arrays], is_stopped: Callable[[], bool]) -> list[Arrays]:
        """Fail of the poison."""
        if any(values["x"] == 13 for values in batch):
            self.batches.append(len(batch))
            raise RemoteExecutionError("poison")
        return super().run(batch, is_stopped)


def test_poison_fails_alone() -> None:
    """If a batch fails its members run one by one: the guilty one fails, nobody else."""
    scheduler, gate = Scheduler(1, 8), GateStage()
    stage = PoisonedStage("stage", {1: 1.0, 8: 1.0})
    asked = [Asked([gate, stage], x).queued(scheduler) for x in (1.0, 12.0, 5.0)]
    gate.opened.set()
    assert (asked[0].answer()["x"], asked[2].answer()["x"]) == (3, 7)
    with pytest.raises(RemoteExecutionError, match="poison"):
        asked[1].answer()
    assert stage.batches == [3, 1, 1, 1]
    scheduler.close()


def test_a_listener_that_fails_ends_no_worker() -> None:
    """Whoever is told may raise: the next request is computed all the same."""
    scheduler, stage = Scheduler(1), MadeUpStage("stage", {1: 0.0})

    def fail(*_: object) -> None:
        raise RuntimeError("listener")

    scheduler.submit(Job([stage], {"x": np.zeros(1)}, bool, fail, fail))
    assert Asked([stage]).queued(scheduler).answer()["x"] == 1
    scheduler.close()


def test_closing_finishes_what_has_begun_and_answers_the_rest() -> None:
    """What runs is answered, what waits is told that the server is stopping, and so is the next."""
    scheduler, gate = Scheduler(1, 2), GateStage()
    rest = MadeUpStage("rest", {1: 0.0})
    running = Asked([gate, rest]).queued(scheduler)
    assert gate.began.wait(30)
    waiting = [Asked([gate]).queued(scheduler) for _ in range(2)]
    closing = Thread(target=scheduler.close)
    closing.start()
    for each in waiting:
        with pytest.raises(NotReadyError, match="stopping"):
            each.answer()
    with pytest.raises(NotReadyError):
        Asked([gate]).queued(scheduler)
    assert not running.is_over
    gate.opened.set()
    closing.join(30)
    assert running.answer()["x"] == 2
    assert scheduler.pending == 0
    assert repr(scheduler) == "<Scheduler: 0 pending, 1 workers>"


def test_all_workers_come_when_there_is_work_for_them() -> None:
    """Requests that come one right after the other run side by side."""
    scheduler = Scheduler(3, 0)
    for _ in range(3):
        gates = [GateStage(str(number)) for number in range(3)]
        asked = [Asked([gate]).queued(scheduler) for gate in gates]
        assert all(gate.began.wait(30) for gate in gates)
        for gate in gates:
            gate.opened.set()
        for each in asked:
            each.answer()
    scheduler.close()


def test_a_batch_keeps_one_worker_busy() -> None:
    """Requests that run as one are many to those who wait, and one to those who count workers."""
    scheduler, first, shared = Scheduler(1, 8), GateStage(), GateStage()
    shared.times = BatchTimes({1: 1.0, 4: 1.1})
    try:
        before = Asked([first]).queued(scheduler)
        assert first.began.wait(30)
        together = [Asked([shared]).queued(scheduler) for _ in range(3)]
        assert (scheduler.busy, scheduler.waiting) == (1, 3)
        first.opened.set()
        assert shared.began.wait(30)
        assert (scheduler.busy, scheduler.pending, scheduler.waiting) == (1, 3, 0)
        shared.opened.set()
        for each in (before, *together):
            each.answer()
        assert scheduler.busy == 0
    finally:
        first.opened.set()
        shared.opened.set()
        scheduler.close()


def _burn(cpu_s: float) -> None:
    """Compute until this thread has taken so much CPU time."""
    until_s = thread_time() + cpu_s
    while thread_time() < until_s:
        pass


class BusyDecoding(DecodeStep):
    """Decodes nothing, and takes CPU time for it."""

    def run(self) -> Arrays:
        """Take some milliseconds."""
        _burn(0.003)
        return {}


def test_a_job_is_told_the_cpu_time_of_its_worker() -> None:
    """In its stages and in decoding; waiting takes none."""
    stages = [MadeUpStage(name, {1: 0.004}, _burn) for name in "ab"]
    asked = Asked(stages)
    asked.job.decoding = BusyDecoding(())
    scheduler = Scheduler(1)
    asked.queued(scheduler).answer()
    scheduler.close()
    assert asked.job.cpu_s >= 0.011
    assert asked.job.cpu_s <= asked.job.tail_s + asked.job.decode_s + 0.001
