"""The load of a server that tells cumulative statistics, as Triton does."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from heapq import nsmallest
from math import isfinite

from cutpoint.records import LoadReport

_LONGEST_S = 86_400.0
_MOST = 1 << 62
_HIGHEST_SLOWDOWN = 1e6

_NUM_LATEST, _NUM_TELLING = 2000, 8
"""Of so many snapshots, some ten minutes', the second quickest execution is taken for idle; of
fewer than the latter the quickest. One that took no time, or a server that told lies for a while,
would else make everything after it look slow for ever."""


@dataclass(frozen=True)
class Cumulative:
    """
    Something that is counted from the start of a server, with what it took in all.

    Parameters
    ----------
    count
        Times.
    total_s
        Seconds in all.
    """

    count: int = 0
    total_s: float = 0.0

    @property
    def is_possible(self) -> bool:
        """Whether both are numbers that something can have been counted to."""
        return 0 <= self.count <= _MOST and isfinite(self.total_s) and self.total_s >= 0

    def since(self, before: "Cumulative") -> "Cumulative | None":
        """Give what came since; ``None`` if it went back, as after a restart."""
        count, total_s = self.count - before.count, self.total_s - before.total_s
        return Cumulative(count, total_s) if count >= 0 and total_s >= 0 else None

    @property
    def mean_s(self) -> float | None:
        """Mean of each; ``None`` where there was none, or one that no request takes."""
        mean_s = self.total_s / self.count if self.count else None
        return mean_s if mean_s is not None and mean_s <= _LONGEST_S else None


@dataclass(frozen=True)
class StatisticsSnapshot:
    """
    Statistics of one model, as they were at a moment.

    Parameters
    ----------
    at_s
        When they arrived, on the session's clock.
    queue, compute_infer
        Of requests.
    num_inferences, num_executions
        Requests that were computed, and executions in which they were.
    batches
        Pairs of batch size and the time of its executions; empty where they are not told.
    num_pending
        Requests that wait now; ``None`` where that is not told.
    """

    at_s: float
    queue: Cumulative
    compute_infer: Cumulative
    num_inferences: int = 0
    num_executions: int = 0
    batches: tuple[tuple[int, Cumulative], ...] = ()
    num_pending: int | None = None

    @property
    def is_possible(self) -> bool:
        """Whether it can be true."""
        counts = (self.num_inferences, self.num_executions)
        durations = (self.queue, self.compute_infer, *(each for _, each in self.batches))
        return all(0 <= count <= _MOST for count in counts) and all(
            each.is_possible for each in durations
        )


class StatisticsLoad:
    """
    Wait, execution time by batch, and slow-down between two snapshots of a model's statistics.

    Triton documents its statistics (extension "statistics": cumulative counts and nanoseconds)
    as made for averages between two samples: W = Δqueue / Δcount, E = Δcompute_infer /
    Δexecutions, batch = Δinferences / Δexecutions.

    Parameters
    ----------
    idle_s
        What one execution takes on the idle server; ``None`` takes about the least that was seen
        of late.

    Notes
    -----
    Of requests, Triton counts the time of the whole batch for each: over the executions they
    would be taken ``batch`` times too long. So E comes from the statistics by batch size, which
    count executions. The slow-down is what a request meets: the mean over requests, of which
    more are in large batches than in small ones.

    Statistics begin anew when a model is loaded again: what went back is where the next
    difference begins. Nothing that a server tells raises here.
    """

    def __init__(self, idle_s: float | None = None) -> None:
        self._idle_s = idle_s
        self._seen_s: deque[float] = deque(maxlen=_NUM_LATEST)
        self._before: StatisticsSnapshot | None = None

    def __repr__(self) -> str:
        return f"<StatisticsLoad: one takes {self.idle_s} s at least>"

    @property
    def idle_s(self) -> float | None:
        """What the slow-down is told by: the time given, or about the least that was seen."""
        if self._idle_s is not None or not self._seen_s:
            return self._idle_s
        return nsmallest(1 if len(self._seen_s) < _NUM_TELLING else 2, self._seen_s)[-1]

    def observe(self, snapshot: StatisticsSnapshot) -> LoadReport | None:
        """
        Take a snapshot.

        Returns
        -------
        LoadReport or None
            What happened since the one before; ``None`` of the first, after a reset, and of one
            that cannot be true. Where nothing was computed since, it tells the queue alone.
        """
        if not snapshot.is_possible:
            return None
        before, self._before = self._before, snapshot
        if before is None or snapshot.at_s < before.at_s:
            return None
        queue = snapshot.queue.since(before.queue)
        compute = snapshot.compute_infer.since(before.compute_infer)
        num_inferences = snapshot.num_inferences - before.num_inferences
        num_executions = snapshot.num_executions - before.num_executions
        batches = _batches(dict(snapshot.batches), dict(before.batches))
        if queue is None or compute is None or batches is None:
            return None
        if num_inferences < 0 or num_executions < 0:
            return None
        execution_s = _means_s(batches)
        # Triton counts a batch's time for each of its requests: that is what a request meets.
        mean_s = compute.mean_s
        batch = num_inferences / num_executions if num_executions else None
        return LoadReport(
            at_s=snapshot.at_s,
            age_s=0.0,
            wait_s=queue.mean_s,
            slowdown=self._slowdown(mean_s, execution_s),
            execution_s=execution_s,
            batch=None if batch is None else max(batch, 1.0),
            num_pending=_pending(snapshot.num_pending),
            is_polled=True,
        )

    def _slowdown(
        self, mean_s: float | None, execution_s: tuple[tuple[int, float], ...]
    ) -> float | None:
        """Give the mean execution time over that of one on the idle server."""
        if mean_s is None or mean_s <= 0:
            return None
        if self._idle_s is None:
            singles = [each_s for batch, each_s in execution_s if batch == 1 and each_s > 0]
            self._seen_s.append(min(singles, default=mean_s))
        idle_s = self.idle_s
        return min(mean_s / idle_s, _HIGHEST_SLOWDOWN) if idle_s else None


def _batches(
    now: Mapping[int, Cumulative], before: Mapping[int, Cumulative]
) -> dict[int, Cumulative] | None:
    """Give what ran since, by batch size; ``None`` if anything went back."""
    found = {}
    for size, total in now.items():
        since = total.since(before.get(size, Cumulative()))
        if since is None:
            return None
        if size > 0 and since.count:
            found[size] = since
    return found


def _means_s(batches: Mapping[int, Cumulative]) -> tuple[tuple[int, float], ...]:
    means = ((size, batches[size].mean_s) for size in sorted(batches))
    return tuple((size, mean_s) for size, mean_s in means if mean_s)


def _pending(num: int | None) -> int | None:
    return num if num is not None and 0 <= num <= _MOST else None
