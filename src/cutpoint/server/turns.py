"""Which requests run next, and how many as one batch: the rule, without clock or thread.

The oldest request that waits goes first, with those that wait for the same stage, as far as
a batch pays. It is held back for others that entered earlier in the model and would catch
up with it, while

- the latencies of all who are here, added up, become smaller by it: running the shared rest
  as one saves time, which is gained by everybody who waits behind; those held back lose the
  time the others need to catch up;
- none of those held back has been held for longer than its whole tail takes by itself on the
  idle server (`Job.held_s`), which bounds what anybody can lose to those that come later;
- nobody's deadline is missed by it.

What came encoded is decoded in a turn of its own, by the worker that would run it next, with all
who are to run with it; so who came encoded meets the same others as who did not.
"""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

from cutpoint.server.job import Job
from cutpoint.server.stage import Stage

LEAST_GAIN = 0.05
"""A batch has to save this share of what its members take one by one: less is noise."""

Jobs = Sequence[Job]


@dataclass(frozen=True)
class Turn:
    """
    What runs next.

    Parameters
    ----------
    jobs
        Run as one.
    held
        Who would have run in their place: they are held back for `held_s` of the idle
        server's time.
    held_s
        What the turn takes on the idle server.
    decodes
        Whether its jobs are decoded, one after the other; else they run as one.
    """

    jobs: tuple[Job, ...]
    held: tuple[Job, ...] = ()
    held_s: float = 0.0
    decodes: bool = False


def next_turn(waiting: Jobs, now_s: float, slowdown: float, max_batch: int) -> Turn | None:
    """
    Choose what runs next.

    Parameters
    ----------
    waiting
        In the order of their admission.
    now_s
        By the clock of the deadlines.
    slowdown
        Time of runs now / on the idle server.
    max_batch
        Requests that may run as one.
    """
    if not waiting:
        return None
    rule = _Rule(now_s, slowdown, max_batch)
    front = first = rule.batch_of(_mates(waiting, waiting[0]))
    if max_batch > 1 and len(waiting) > len(front):
        front = rule.least_advanced(waiting, front)
    if front is first:
        return rule.decoded_first(Turn(front))
    held_s = batch_s(front[0].stage, front)
    if not rule.may_hold(first, held_s + _undecoded_s(front)):
        return rule.decoded_first(Turn(first))
    return rule.decoded_first(Turn(front, first, held_s))


def batch_s(stage: Stage, jobs: Jobs) -> float:
    """Give what jobs take in a stage on the idle server: as one or one by one, as is quicker."""
    alone_s = sum(stage.time_s(job.size) for job in jobs)
    if len(jobs) == 1 or not stage.can_batch:
        return alone_s
    together_s = stage.time_s(sum(job.size for job in jobs))
    return together_s if _pays(together_s, alone_s) else alone_s


def _undecoded_s(jobs: Jobs) -> float:
    return sum(job.undecoded_s for job in jobs)


def _pays(together_s: float, alone_s: float) -> bool:
    return together_s <= (1 - LEAST_GAIN) * alone_s


def _mates(waiting: Iterable[Job], job: Job) -> tuple[Job, ...]:
    """Give the jobs that may run with one, itself among them, oldest first."""
    if job.kin is None:
        return (job,)
    key = _key(job)
    return tuple(each for each in waiting if each.kin is not None and _key(each) == key)


def _key(job: Job) -> tuple[int, Hashable]:
    return id(job.stage), job.kin


@dataclass(frozen=True)
class _Rule:
    now_s: float
    slowdown: float
    max_batch: int

    def batch_of(self, mates: Jobs) -> tuple[Job, ...]:
        """Give as many of these, the oldest first, as it is best to run as one."""
        best, least_s = 1, float("inf")
        stage, size, alone_s = mates[0].stage, 0.0, 0.0
        mates = [each for each in mates if each is mates[0] or _is_worth_decoding(each, mates[0])]
        for number, job in enumerate(mates[: self.max_batch], 1):
            size += job.size
            alone_s += stage.time_s(job.size)
            together_s = stage.time_s(size)
            if number > 1 and not _pays(together_s, alone_s):
                continue
            if together_s / size < least_s and self._is_in_time(mates[:number], together_s):
                best, least_s = number, together_s / size
        return tuple(mates[:best])

    def decoded_first(self, turn: Turn) -> Turn:
        """Give what decodes those of a turn that came encoded, or the turn where none did."""
        decoded = tuple(job for job in turn.jobs if job.decoding is None)
        if len(decoded) == len(turn.jobs):
            return turn
        oldest, left_s = turn.jobs[0], _undecoded_s(turn.jobs)
        if not self.may_hold(decoded, left_s):  # they run without those
            if oldest.decoding is None:
                return Turn(decoded, turn.held, batch_s(oldest.stage, decoded))
            return Turn((oldest,), turn.held, oldest.undecoded_s, decodes=True)
        undecoded = tuple(job for job in turn.jobs if job.decoding is not None)
        return Turn(undecoded, (*turn.held, *decoded), left_s, decodes=True)

    def least_advanced(self, waiting: Jobs, front: tuple[Job, ...]) -> tuple[Job, ...]:
        """Give who is to catch up with the front, or with who catches up with it, and so on."""
        groups = _groups(waiting)
        while True:
            better = next((g for g in groups if self._is_worth_waiting_for(g, front, waiting)), ())
            if not better:
                return front
            front = self.batch_of(better)

    def may_hold(self, jobs: Jobs, later_s: float) -> bool:
        """Tell whether all of these may be held back for so long."""
        return all(
            job.held_s + later_s <= job.whole_s and self._meets(job, later_s + job.left_s)
            for job in jobs
        )

    def _is_worth_waiting_for(self, group: Jobs, front: Jobs, waiting: Jobs) -> bool:
        """Tell whether the front gains more by being held for a group than it loses."""
        target, room = front[0], self.max_batch - len(front)
        behind = group[: max(room, 0)]
        if not behind or target.kin is None:
            return False
        way, rest = _way(behind[0], target)
        if not way or any(_way(job, target)[1] != rest for job in (*behind[1:], *front[1:])):
            return False
        way_s = sum(batch_s(stage, behind) for stage in way) + _undecoded_s(behind)
        both = (*front, *behind)
        front_s, behind_s, both_s = (
            sum(batch_s(stage, jobs) for stage in rest) for jobs in (front, behind, both)
        )
        saved_s = front_s + behind_s - both_s
        num_gaining = len(waiting) - len(front)
        lost_s = way_s + behind_s - saved_s
        if num_gaining * saved_s <= len(front) * lost_s:
            return False
        # They also end later for running with more others.
        return self.may_hold(front, way_s) and all(
            self._meets(job, way_s + both_s) for job in front
        )

    def _is_in_time(self, jobs: Jobs, together_s: float) -> bool:
        """Tell whether all meet their deadlines if their next stage takes so long."""
        next_s = together_s + _undecoded_s(jobs)
        return all(self._meets(job, next_s + job.left_behind_s(1)) for job in jobs)

    def _meets(self, job: Job, left_s: float) -> bool:
        """Tell whether a job ends in time that needs so much more of the idle server's time."""
        if job.deadline_s is None or not job.is_expected:
            return True
        return self.now_s + self.slowdown * left_s <= job.deadline_s


def _is_worth_decoding(job: Job, oldest: Job) -> bool:
    """Tell whether running with the oldest saves more, in all stages, than waiting for it costs."""
    if job.decoding is None:
        return True
    stage = job.stage
    alone_s = stage.time_s(job.size) + stage.time_s(oldest.size)
    if alone_s <= 0:
        return False
    saved_share = 1 - stage.time_s(job.size + oldest.size) / alone_s
    rest_s = job.left_s - job.undecoded_s + oldest.left_s - oldest.undecoded_s
    return job.undecoded_s < saved_share * rest_s


def _groups(waiting: Jobs) -> list[list[Job]]:
    """Give those that may run together, in the order of the oldest of each."""
    groups: dict[tuple[int, Hashable], list[Job]] = {}
    for job in waiting:
        key = (id(job), None) if job.kin is None else _key(job)
        groups.setdefault(key, []).append(job)
    return list(groups.values())


def _way(job: Job, target: Job) -> tuple[tuple[Stage, ...], tuple[Stage, ...]]:
    """Give the stages up to where another job waits, and those that both then have to go."""
    rest = tuple(target.stages[target.position :])
    left = tuple(job.stages[job.position :])
    if len(left) < len(rest) or left[len(left) - len(rest) :] != rest:
        return (), ()
    return left[: len(left) - len(rest)], rest
