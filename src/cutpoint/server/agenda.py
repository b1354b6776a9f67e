"""Who runs and who waits: admission, choice and ends, without thread or clock."""

from typing import NamedTuple

from cutpoint.exceptions import (
    CutpointError,
    DeadlineExceededError,
    NotReadyError,
    OverloadedError,
    RemoteExecutionError,
)
from cutpoint.graph import Arrays
from cutpoint.server.job import Job
from cutpoint.server.pace import Pace
from cutpoint.server.turns import Turn, batch_s, next_turn

_PER_WORKER = 2
"""Requests that may wait for each worker where nothing runs together: 94 % of the capacity is
left at three times the load; without a bound, 5 % was (measured)."""


_LEAST_RETRY_S = 0.01
"""A hint at the least: of those that are on their way nobody knows yet what they take."""


class Ended(NamedTuple):
    """A job that left, and why without an answer; ``None`` with one."""

    job: Job
    error: BaseException | None


class Agenda:
    """
    The requests of one server, from their admission to their end.

    Not thread-safe: its owner holds a lock. Jobs that left are given back, never told,
    so that nobody is called with the lock held.

    Parameters
    ----------
    num_workers
        Turns that run at the same time.
    max_waiting
        Requests that may wait; ``None`` for twice the workers, times what batching saves.
    max_batch
        Requests that may run as one.
    """

    def __init__(
        self, num_workers: int = 1, max_waiting: int | None = None, max_batch: int = 8
    ) -> None:
        self.num_workers = num_workers
        self.max_batch = max_batch
        self.pace = Pace()
        self._max_waiting = max_waiting
        self._gain = 1.0
        self._waiting: list[Job] = []
        self._running: set[Job] = set()
        self._turns: set[Turn] = set()
        self._admitted = 0
        self._is_closed = False

    @property
    def max_waiting(self) -> int:
        """Requests that may wait, of the model whose batching saves most of those seen yet."""
        return self._room_for(self._gain)

    @property
    def num_pending(self) -> int:
        """Requests that run or wait and are still wanted."""
        return sum(not job.is_cancelled() for job in (*self._waiting, *self._running))

    @property
    def num_waiting(self) -> int:
        """Requests that wait and are still wanted."""
        return sum(not job.is_cancelled() for job in self._waiting)

    @property
    def num_turns(self) -> int:
        """Turns that run, of one request or of several."""
        return len(self._turns)

    def check_room(self, at_s: float, num_coming: int = 0) -> None:
        """
        Refuse what would be refused now, if it came after so many that are on their way.

        Raises
        ------
        OverloadedError
            If enough run and wait; says when to try again.
        NotReadyError
            If the server is about to end.
        """
        self._check_room(at_s, self.max_waiting, num_coming)

    def _check_room(self, at_s: float, max_waiting: int, num_coming: int = 0) -> None:
        if self._is_closed:
            raise NotReadyError("the server is stopping: ask another, or compute on the device")
        num_pending = self.num_pending + num_coming
        if num_pending >= self.num_workers + max_waiting:
            retry_after_s = max(self._backlog_s(at_s), _LEAST_RETRY_S)
            are = "request is" if num_pending == 1 else "requests are"
            raise OverloadedError(
                f"{num_pending} {are} waiting or running: try again in "
                f"{retry_after_s:.3f} s, or compute on the device",
                retry_after_s,
            )

    def admit(self, job: Job, at_s: float) -> None:
        """
        Take one more request.

        Raises
        ------
        OverloadedError, NotReadyError
            As `check_room`.
        """
        gain = self._gain_of(job)
        self._gain = max(self._gain, gain)
        self._check_room(at_s, self._room_for(gain))
        job.number = self._admitted
        self._admitted += 1
        job.queued_at_s = at_s
        if job.remaining_s is not None:
            job.deadline_s = at_s + job.remaining_s
        self._waiting.append(job)

    def sweep(self, at_s: float) -> list[Ended]:
        """Let go of those that wait and are not wanted, cannot be in time, or have no stage."""
        slowdown = self.pace.slowdown(at_s)
        ended = []
        for job in self._waiting:
            why = self._reason_to_go(job, at_s, slowdown)
            if why is not None or job.is_through:
                job.wait_s += at_s - job.queued_at_s
                ended.append(Ended(job, why))
        if ended:
            gone = {each.job for each in ended}
            self._waiting = [job for job in self._waiting if job not in gone]
        return ended

    def take(self, at_s: float) -> Turn | None:
        """Give what to run next; its jobs run from now on."""
        turn = next_turn(self._waiting, at_s, self.pace.slowdown(at_s), self.max_batch)
        if turn is None:
            return None
        for job in turn.held:
            job.held_s += turn.held_s
        for job in turn.jobs:
            job.has_begun = True
            job.wait_s += at_s - job.queued_at_s
            self._waiting.remove(job)
            self._running.add(job)
        self._turns.add(turn)
        return turn

    def ran(
        self,
        turn: Turn,
        results: "list[Arrays | BaseException]",
        took_s: float,
        at_s: float,
        *,
        together: bool = True,
    ) -> list[Ended]:
        """
        Note that a turn ended; give the jobs that are through, and those that failed.

        Parameters
        ----------
        results
            What was made for each of its jobs, or why nothing was.
        took_s
            How long it ran.
        together
            Whether as one batch.
        """
        jobs = turn.jobs
        self._turns.discard(turn)
        self._note_pace(jobs, took_s, at_s, together=together)
        ended, going_on = [], []
        for job, made in zip(jobs, results, strict=True):
            self._running.remove(job)
            if isinstance(made, BaseException):
                ended.append(Ended(job, made))
                continue
            job.advance(made, took_s, len(jobs) if together else 1)
            if job.is_cancelled():
                ended.append(Ended(job, _stopped()))
            elif job.is_through:
                ended.append(Ended(job, None))
            else:
                job.queued_at_s = at_s
                going_on.append(job)
        if going_on:
            self._waiting = sorted((*self._waiting, *going_on), key=_number)
        return ended

    def decoded(
        self, turn: Turn, results: "list[tuple[Arrays | BaseException, float]]", at_s: float
    ) -> list[Ended]:
        """
        Note that a turn that decodes ended; give the jobs whose bytes were none.

        How fast segments are, codecs do not tell: nothing is learned of the pace.

        Parameters
        ----------
        results
            What became of the tensors of each of its jobs, or why nothing did, and how long that
            took.
        """
        self._turns.discard(turn)
        whole_s = sum(took_s for _, took_s in results)
        ended, going_on = [], []
        for job, (made, took_s) in zip(turn.jobs, results, strict=True):
            self._running.remove(job)
            job.wait_s += whole_s - took_s  # for the others of the turn
            if isinstance(made, BaseException):
                ended.append(Ended(job, made))
                continue
            job.decoded(made, took_s)
            if job.is_cancelled():
                ended.append(Ended(job, _stopped()))
                continue
            job.queued_at_s = at_s
            going_on.append(job)
        self._waiting = sorted((*self._waiting, *going_on), key=_number)
        return ended

    def abandon(self, error: CutpointError, turn: Turn | None = None) -> list[Ended]:
        """Give up a turn, or all that wait, because of a bug: whoever asked is told."""
        jobs = self._waiting if turn is None else list(turn.jobs)
        self._waiting = [job for job in self._waiting if job not in jobs]
        self._running.difference_update(jobs)
        if turn is not None:
            self._turns.discard(turn)
        return [Ended(job, error) for job in jobs]

    def close(self, at_s: float) -> list[Ended]:
        """Take nobody in any more; give those that wait and have not begun, who are let go."""
        self._is_closed = True
        ended = []
        for job in self._waiting:
            if not job.has_begun:
                job.wait_s += at_s - job.queued_at_s
                ended.append(Ended(job, _closing()))
        self._waiting = [job for job in self._waiting if job.has_begun]
        return ended

    @property
    def is_over(self) -> bool:
        """Whether it is closed and nothing waits to be run."""
        return self._is_closed and not self._waiting

    def _reason_to_go(self, job: Job, at_s: float, slowdown: float) -> CutpointError | None:
        if job.is_cancelled():
            return _stopped()
        if job.deadline_s is None:
            return None
        # What has begun goes on while the idle server could still do it.
        pace = min(slowdown, 1.0) if job.has_begun else slowdown
        needed_s = job.left_s * pace if job.is_expected else 0.0
        if at_s + needed_s > job.deadline_s:
            waited_s = job.wait_s + at_s - job.queued_at_s
            return DeadlineExceededError(
                f"waited {waited_s:.3f} s and needs {needed_s:.3f} s more, "
                f"{max(job.deadline_s - at_s, 0.0):.3f} s are left: the answer would be of no use "
                "any more"
            )
        return None

    def _room_for(self, gain: float) -> int:
        """Give how many may wait if so many times as many run in the same time as one."""
        if self._max_waiting is not None:
            return self._max_waiting
        return int(_PER_WORKER * self.num_workers * gain)

    def _backlog_s(self, at_s: float) -> float:
        """Give how long what is here already takes."""
        left_s = sum(job.left_s for job in (*self._waiting, *self._running))
        return left_s * self.pace.slowdown(at_s) * self.pace.share / self.num_workers

    def _gain_of(self, job: Job) -> float:
        """Give how many times as many requests like this run in the same time as one."""
        if self.max_batch <= 1 or job.left_behind_s(0) <= 0:
            return 1.0
        num = self.max_batch
        together_s = sum(
            min(stage.time_s(num * job.size), num * stage.time_s(job.size))
            if stage.can_batch
            else num * stage.time_s(job.size)
            for stage in job.stages
        )
        return num * job.whole_s / (together_s + num * job.undecoded_s)

    def _note_pace(
        self, jobs: tuple[Job, ...], took_s: float, at_s: float, *, together: bool
    ) -> None:
        if not all(job.is_expected for job in jobs):
            return
        stage = jobs[0].stage
        alone_s = sum(stage.time_s(job.size) for job in jobs)
        expected_s = batch_s(stage, jobs) if together else alone_s
        self.pace.note(at_s, took_s, expected_s, alone_s)


def _number(job: Job) -> int:
    return job.number


def _stopped() -> CutpointError:
    return RemoteExecutionError("stopped on request")


def _closing() -> CutpointError:
    return NotReadyError("the server is stopping: ask another, or compute on the device")
