"""A server on the virtual clock: workers behind one bounded queue."""

from collections import deque
from collections.abc import Callable
from functools import partial
from math import inf
from typing import Any

from cutpoint.simulation.load_memory import LoadMemory
from cutpoint.simulation.scenario import ServerSpec
from cutpoint.simulation.virtual_clock import VirtualClock

_PER_WORKER = 2
_LEAST_RETRY_S = 0.01
"""As the server of this package: requests that may wait by default, and its shortest hint."""


class Job:
    """
    One admitted request.

    Parameters
    ----------
    idle_s
        What it takes on the idle server.
    slowdown
        Times which it takes now.
    deadline_s
        When its answer is of no use any more.
    ended
        Told of its end; by then `began_s` and `ended_s` are known.
    failed
        Told that it gets no answer, and why.
    """

    __slots__ = (
        "began_s",
        "came_s",
        "deadline_s",
        "ended",
        "ended_s",
        "failed",
        "idle_s",
        "is_cancelled",
        "slowdown",
    )

    def __init__(
        self,
        idle_s: float,
        slowdown: float = 1.0,
        deadline_s: float = inf,
        ended: "Callable[[Job], None] | None" = None,
        failed: Callable[[str], None] | None = None,
    ) -> None:
        self.idle_s = idle_s
        self.slowdown = slowdown
        self.deadline_s = deadline_s
        self.ended = ended
        self.failed = failed
        self.came_s = self.began_s = self.ended_s = 0.0
        self.is_cancelled = False


class SimulatedServer:
    """
    Runs requests in the order in which they came, one per worker.

    Parameters
    ----------
    clock
        Of the simulation.
    spec
        What it is like.

    Notes
    -----
    Simplified beside the real one: nothing is batched, and what runs is run to its end though
    it was cancelled.
    """

    def __init__(self, clock: VirtualClock, spec: ServerSpec) -> None:
        self._clock = clock
        self._num_workers = spec.num_workers
        waiting = spec.max_waiting
        room = _PER_WORKER * spec.num_workers if waiting is None else waiting
        self._most_pending = spec.num_workers + room
        self._queue: deque[Job] = deque()
        self._running: set[Job] = set()
        self._num_delayed = 0
        self._on_death: list[Callable[[float], None]] = []
        self.num_coming = 0
        self.is_dead = False
        self.num_answered = 0
        self.num_refused = 0
        self.load = LoadMemory()
        for from_s, to_s in spec.down:
            clock.later(from_s, partial(self._die, to_s))
            clock.later(to_s, self._rise)

    def __repr__(self) -> str:
        return f"<SimulatedServer: {len(self._queue)} wait, {len(self._running)} run>"

    def on_death(self, told: Callable[[float], None]) -> None:
        """Tell a connection of each death, and until when it lasts."""
        self._on_death.append(told)

    @property
    def num_pending(self) -> int:
        """Requests that run or wait now."""
        return len(self._queue) + len(self._running) + self._num_delayed

    def retry_after_s(self) -> float | None:
        """Give when to try again if one more request would be refused now; ``None`` for room."""
        pending = sum(not job.is_cancelled for job in self._queue) if self._queue else 0
        if pending + len(self._running) + self._num_delayed + self.num_coming < self._most_pending:
            return None
        self.num_refused += 1
        backlog_s = sum(job.idle_s * job.slowdown for job in (*self._queue, *self._running))
        return max(backlog_s / self._num_workers, _LEAST_RETRY_S)

    def submit(self, job: Job, wait_s: float = 0.0) -> None:
        """
        Queue a request that has room.

        Parameters
        ----------
        wait_s
            For which it waits beside what is simulated.
        """
        job.came_s = self._clock.now_s
        if wait_s > 0:
            self._num_delayed += 1
            self._clock.later(wait_s, partial(self._queue_delayed, job))
        else:
            self._queue.append(job)
            self._take()

    def _queue_delayed(self, job: Job, _: Any) -> None:
        self._num_delayed -= 1
        if self.is_dead:
            return  # who asked was told when it died
        self._queue.append(job)
        self._take()

    def _take(self) -> None:
        now_s = self._clock.now_s
        while self._queue and len(self._running) < self._num_workers:
            job = self._queue.popleft()
            if job.is_cancelled:
                continue
            if now_s + job.idle_s * min(job.slowdown, 1.0) > job.deadline_s:
                if job.failed is not None:
                    job.failed("its answer would be of no use any more")
                continue
            job.began_s = now_s
            self._running.add(job)
            self._clock.later(job.idle_s * job.slowdown, partial(self._end, job))

    def _end(self, job: Job, _: Any) -> None:
        if job not in self._running:
            return  # it died with the server
        self._running.discard(job)
        job.ended_s = self._clock.now_s
        self.num_answered += 1
        wait_s, run_s = job.began_s - job.came_s, job.ended_s - job.began_s
        self.load.observe(job.ended_s, wait_s, run_s, job.idle_s)
        if job.ended is not None and not job.is_cancelled:
            job.ended(job)
        if self._queue:
            self._take()

    def _die(self, to_s: float, _: Any) -> None:
        self.is_dead = True
        self._queue.clear()
        self._running.clear()
        self.num_coming = 0
        self.load.forget()
        for told in self._on_death:
            told(to_s)

    def _rise(self, _: Any) -> None:
        self.is_dead = False
