"""The server's own bounded queue and its workers: admission counts requests here, never RPCs."""

import logging
import time
from collections.abc import Callable
from threading import Condition, Thread

from cutpoint.exceptions import RemoteExecutionError
from cutpoint.graph import Arrays
from cutpoint.server.agenda import Agenda, Ended
from cutpoint.server.job import Job
from cutpoint.server.methods import BUG, log_bug
from cutpoint.server.tracebacks import forget_frames
from cutpoint.server.turns import Turn

_log = logging.getLogger(__name__)


class Scheduler:
    """
    Runs the stages of requests on a few threads, several requests as one where that pays.

    A bounded queue with an immediate refusal keeps 94 % of the capacity at three
    times the load; without one, 5 % was left (measured). Between two stages a worker
    looks again at who waits: a request that was cancelled leaves, one that came
    meanwhile may catch up (`cutpoint.server.turns` has the rule).

    Parameters
    ----------
    num_workers
        Stages that run at the same time.
    max_waiting
        Requests that may wait; one more is refused. ``None`` for twice the workers, times
        what batching saves.
    max_batch
        Requests that may run as one; 1 for none together.
    clock
        Seconds.
    """

    def __init__(
        self,
        num_workers: int = 1,
        max_waiting: int | None = None,
        *,
        max_batch: int = 8,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.num_workers = num_workers
        self._clock = clock
        self._agenda = Agenda(num_workers, max_waiting, max_batch)
        self._changed = Condition()
        self._num_idle = 0
        self._threads: list[Thread] = []

    def __repr__(self) -> str:
        return f"<Scheduler: {self.pending} pending, {self.num_workers} workers>"

    @property
    def pending(self) -> int:
        """Requests that run or wait."""
        with self._changed:
            return self._agenda.num_pending

    @property
    def waiting(self) -> int:
        """Requests that wait, before their first stage or between two."""
        with self._changed:
            return self._agenda.num_waiting

    @property
    def busy(self) -> int:
        """Workers that compute, for one request or for several at once."""
        with self._changed:
            return self._agenda.num_turns

    @property
    def max_waiting(self) -> int:
        """Requests that may wait."""
        return self._agenda.max_waiting

    def check_room(self, num_coming: int = 0) -> None:
        """
        Refuse what would be refused now, without queueing it.

        Parameters
        ----------
        num_coming
            Requests that were let in and are on their way.

        Raises
        ------
        OverloadedError
            If the queue is full; says when to try again.
        NotReadyError
            If the server is about to end.
        """
        with self._changed:
            self._agenda.check_room(self._clock(), num_coming)

    def submit(self, job: Job) -> None:
        """
        Queue a request.

        Raises
        ------
        OverloadedError, NotReadyError
            As `check_room`; nobody is told of the job's end then.
        """
        ended: list[Ended] = []
        try:
            with self._changed:
                now_s = self._clock()
                ended += self._agenda.sweep(now_s)  # who cannot be in time makes room
                self._agenda.admit(job, now_s)
                self._call_in()
        finally:
            _tell(ended)

    def look(self) -> None:
        """Let go of requests that are not wanted any more; to be called when one was cancelled."""
        with self._changed:
            ended = self._agenda.sweep(self._clock())
        _tell(ended)

    def close(self) -> None:
        """Finish what has begun, answer what waits that the server is stopping."""
        with self._changed:
            ended = self._agenda.close(self._clock())
            self._changed.notify_all()
        _tell(ended)
        for thread in self._threads:
            thread.join()

    def _call_in(self) -> None:
        """Wake a worker; start one where none rests: a process may fork before it has work."""
        if self._num_idle:
            self._changed.notify()
        elif len(self._threads) < self.num_workers:
            self._start()

    def _start(self) -> None:
        name = f"cutpoint-worker_{len(self._threads)}"
        thread = Thread(target=self._work, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _work(self) -> None:
        ended: list[Ended] = []
        while True:
            turn = None
            try:
                with self._changed:
                    turn = self._next(ended)
                    is_over = self._agenda.is_over
                _tell(ended)
                ended = []
                if turn is not None:
                    ended = self._run(turn)
                elif is_over:
                    return
            except Exception as error:  # without this worker the server would take and not answer
                log_bug(error)
                with self._changed:
                    # With those that had left by then, and were not told yet.
                    ended += self._agenda.abandon(RemoteExecutionError(BUG), turn)

    def _next(self, ended: list[Ended]) -> Turn | None:
        """Wait for something to run or to tell; those that left meanwhile are added to a list."""
        while True:
            now_s = self._clock()
            ended += self._agenda.sweep(now_s)
            turn = self._agenda.take(now_s)
            if turn is not None or ended or self._agenda.is_over:
                if self._agenda.num_waiting:
                    self._call_in()
                return turn
            self._num_idle += 1
            try:
                self._changed.wait()
            finally:
                self._num_idle -= 1

    def _run(self, turn: Turn) -> list[Ended]:
        jobs = turn.jobs
        for job in jobs:
            if not job.has_told:
                job.has_told = True
                _call(job.on_started)
        if turn.decodes:
            decoded = [self._decoded(job) for job in jobs]
            with self._changed:
                return self._agenda.decoded(turn, decoded, self._clock())
        began_s, cpu_began_s = self._clock(), time.thread_time()
        together, results = _results(jobs)
        now_s, cpu_s = self._clock(), time.thread_time() - cpu_began_s
        for job in jobs:
            job.cpu_s += cpu_s
        with self._changed:
            return self._agenda.ran(turn, results, now_s - began_s, now_s, together=together)

    def _decoded(self, job: Job) -> "tuple[Arrays | BaseException, float]":
        """Decode what came encoded; gives what it became, or why nothing, and how long it took."""
        step = job.decoding
        assert step is not None
        began_s, cpu_began_s = self._clock(), time.thread_time()
        made: Arrays | BaseException
        try:
            made = {} if job.is_cancelled() else step.run()
        except BaseException as error:
            made = error
        took_s = self._clock() - began_s
        job.cpu_s += time.thread_time() - cpu_began_s
        return made, took_s


def _results(jobs: tuple[Job, ...]) -> tuple[bool, "list[Arrays | BaseException]"]:
    """Run jobs as one; if that fails one by one, so that only the guilty ones do."""
    stage = jobs[0].stage

    def is_stopped() -> bool:
        return all(job.is_cancelled() for job in jobs)

    try:
        return True, [*stage.run([job.values for job in jobs], is_stopped)]
    except BaseException as error:
        if len(jobs) == 1:
            return True, [error]
    return False, [_result(job) for job in jobs]


def _result(job: Job) -> "Arrays | BaseException":
    try:
        return job.stage.run([job.values], job.is_cancelled)[0]
    except BaseException as error:
        return error


def _tell(ended: list[Ended]) -> None:
    for job, error in ended:
        forget_frames(error)
        _call(lambda job=job, error=error: job.on_ended(job, error))  # type: ignore[misc]


def _call(listener: Callable[[], None]) -> None:
    """Call somebody whose mistakes must not end a worker."""
    try:
        listener()
    except Exception:
        _log.exception("a listener of the scheduler failed")
