"""An agenda run through made-up time: no thread, no clock, every event in its order."""

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from cutpoint.exceptions import OverloadedError
from cutpoint.server.agenda import Agenda, Ended
from cutpoint.server.decode_step import DecodeStep
from cutpoint.server.job import Job
from cutpoint.server.stage import Stage
from cutpoint.server.turns import Turn, batch_s


@dataclass(eq=False)
class Request:
    """
    A made-up request and what became of it.

    Parameters
    ----------
    at_s
        When it comes.
    stages
        What it needs.
    remaining_s, cancel_s
        Its deadline, and when its caller goes away; both after it came.
    fails_at
        Stage that raises for it, by position.
    oldest_s
        How long it waited while nobody here was older.
    decode_s
        What it is to be decoded at first; ``None`` if it does not come encoded.
    is_corrupt
        Whether it cannot be.
    """

    at_s: float
    stages: Sequence[Stage]
    remaining_s: float | None = None
    cancel_s: float | None = None
    fails_at: int | None = None

    job: Job | None = None
    is_cancelled: bool = False
    is_refused: bool = False
    ends: list[tuple[float, BaseException | None]] = field(default_factory=list)
    oldest_s: float = 0.0
    decode_s: float | None = None
    is_corrupt: bool = False


class AgendaRun:
    """
    Runs requests through an agenda; checks what must hold at every moment.

    Parameters
    ----------
    agenda
        Fresh.
    factor
        How much slower runs are than what was profiled.
    on_end
        Told when a request ends; may add the next one.
    """

    def __init__(
        self,
        agenda: Agenda,
        factor: float = 1.0,
        on_end: Callable[[Request, float], None] = lambda request, at_s: None,
    ) -> None:
        self.agenda = agenda
        self.now_s = 0.0
        self.batches: list[int] = []
        self.turns_s: list[float] = []
        self._factor = factor
        self._on_end = on_end
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0
        self._free = agenda.num_workers
        self._requests: dict[Job, Request] = {}
        self._limit = agenda.num_workers + agenda.max_waiting

    def add(self, request: Request) -> None:
        """Let a request come at its time."""
        self._at(request.at_s, lambda: self._arrive(request))

    def run(self, until_s: float = float("inf")) -> None:
        """Go on until nothing happens any more."""
        while self._events and self._events[0][0] <= until_s:
            at_s, _, event = heapq.heappop(self._events)
            waiting, running = self.agenda._waiting, self.agenda._running
            oldest = min((*waiting, *running), key=lambda job: job.number, default=None)
            if oldest in waiting:
                self._requests[oldest].oldest_s += at_s - self.now_s
            self.now_s = at_s
            event()
            self._fill()
            assert self.agenda.num_pending <= self._limit

    def _at(self, at_s: float, event: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._events, (at_s, self._count, event))

    def _arrive(self, request: Request) -> None:
        request.job = Job(
            request.stages,
            {"x": np.zeros(1)},
            lambda: request.is_cancelled,
            remaining_s=request.remaining_s,
            decoding=None if request.decode_s is None else DecodeStep((), request.decode_s),
        )
        try:
            self.agenda.admit(request.job, self.now_s)
        except OverloadedError:
            assert self.agenda.num_pending == self._limit
            request.is_refused = True
            self._on_end(request, self.now_s)
            return
        self._requests[request.job] = request
        if request.cancel_s is not None:
            self._at(self.now_s + request.cancel_s, lambda: self._cancel(request))

    def _cancel(self, request: Request) -> None:
        before, was_over = self.agenda.num_pending, bool(request.ends)
        request.is_cancelled = True
        assert self.agenda.num_pending == before - (not was_over)
        self._tell(self.agenda.sweep(self.now_s))

    def _fill(self) -> None:
        while self._free:
            self._tell(self.agenda.sweep(self.now_s))
            turn = self.agenda.take(self.now_s)
            if turn is None:
                return
            self._free -= 1
            self._begin(turn)

    def _begin(self, turn: Turn) -> None:
        if turn.decodes:
            self._begin_decoding(turn)
            return
        assert all(job.decoding is None for job in turn.jobs)
        stage = turn.jobs[0].stage
        assert all(job.stage is stage for job in turn.jobs)
        assert len({job.kin for job in turn.jobs}) == 1
        assert len(turn.jobs) == 1 or turn.jobs[0].kin is not None
        assert len(turn.jobs) <= self.agenda.max_batch
        expected_s = batch_s(stage, turn.jobs)
        if len(turn.jobs) > 1:
            assert all(self._meets(job, expected_s + job.left_behind_s(1)) for job in turn.jobs)
        assert all(self._meets(job, turn.held_s + job.left_s) for job in turn.held)
        self.batches.append(len(turn.jobs))
        took_s = self._factor * expected_s
        self.turns_s.append(took_s)
        self._at(self.now_s + took_s, lambda: self._end(turn, took_s))

    def _begin_decoding(self, turn: Turn) -> None:
        assert all(job.decoding is not None and job.position == 0 for job in turn.jobs)
        assert len(turn.jobs) <= self.agenda.max_batch
        expected_s = sum(job.undecoded_s for job in turn.jobs)
        assert all(self._meets(job, expected_s + job.left_s) for job in turn.held)
        took_s = self._factor * expected_s
        self.turns_s.append(took_s)
        self._at(self.now_s + took_s, lambda: self._end_decoding(turn))

    def _end_decoding(self, turn: Turn) -> None:
        self._free += 1
        results = [
            (
                ValueError("corrupt") if self._requests[job].is_corrupt else {},
                self._factor * job.undecoded_s,
            )
            for job in turn.jobs
        ]
        self._tell(self.agenda.decoded(turn, results, self.now_s))

    def _meets(self, job: Job, left_s: float) -> bool:
        slowdown = self.agenda.pace.slowdown(self.now_s)
        return job.deadline_s is None or self.now_s + slowdown * left_s <= job.deadline_s

    def _end(self, turn: Turn, took_s: float) -> None:
        self._free += 1
        results = [self._result(job) for job in turn.jobs]
        self._tell(self.agenda.ran(turn, results, took_s, self.now_s))

    def _result(self, job: Job):
        if self._requests[job].fails_at == job.position:
            return ArithmeticError("made up")
        return {"x": job.values["x"] + 1}

    def _tell(self, ended: list[Ended]) -> None:
        for job, error in ended:
            request = self._requests[job]
            request.ends.append((self.now_s, error))
            self._on_end(request, self.now_s)
