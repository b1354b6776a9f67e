"""What a server knows of its own load, from the requests it has served lately."""

import time
from collections import deque
from collections.abc import Callable, Iterable
from statistics import fmean
from threading import Lock
from typing import NamedTuple

from cutpoint.server.served_request import ServedRequest
from cutpoint.wire.load_text import ToldLoad

_NUM_LATEST = 16
"""Requests of a model that tell of the load."""

_LONGEST_S = 5.0
"""Older ones say nothing of now: where nothing ran lately only the queue is known."""

_NUM_RUNS = 8
"""Latest executions of each batch size whose mean is told."""

_MAX_NAMES = 1024
"""Models and tails that are remembered; those not asked for longest are forgotten first."""


class _Served(NamedTuple):
    at_s: float
    wait_s: float
    tail_s: float
    idle_s: float
    batch: float


class LoadMonitor:
    """
    The server load monitor of DIAMOND, with LoADPart's ``k`` beside it; thread-safe.

    Per model the mean wait ``W`` and ``k``, execution time / execution time on the idle server, of
    the latest requests at any of its tails; per model or tail the mean execution time ``E`` by
    batch size. DIAMOND's own monitor is known by one sentence of a summary ("tracks server-side
    computational latency and gives load status to clients"): which figures it keeps is a
    reconstruction.

    Parameters
    ----------
    num_pending
        Gives the requests that run or wait now.
    clock
        Gives seconds that never go back; nobody else's clock is like it.

    Notes
    -----
    ``k`` is the sum of the times over the sum of the idle times, and not the mean of the
    quotients (Liu et al., ICDCS 2022, as recalled): a tail of some microseconds that was held up
    once would say more than all others. A batch's requests each count its whole time, so that
    what running together costs one of them is in it.

    After `_LONGEST_S` nothing is told of ``W`` and ``k``, which is LoADPart's watchdog: without
    requests nothing shows them.
    """

    def __init__(
        self, num_pending: Callable[[], int], clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._num_pending = num_pending
        self._clock = clock
        self._latest: dict[str, deque[_Served]] = {}
        self._runs: dict[str, dict[int, deque[tuple[float, float]]]] = {}
        self._whole: dict[str, str] = {}
        self._lock = Lock()

    def observe(self, request: ServedRequest) -> None:
        """Take note of one request; only those that were answered tell of the load."""
        if request.outcome != "ok" or not request.model:
            return
        served = _Served(
            self._clock(), request.wait_s, request.tail_s, request.idle_s, request.batch
        )
        batch = max(round(request.batch), 1)
        with self._lock:
            self._of(request.model).append(served)
            runs = self._runs.pop(request.name, {})
            runs.setdefault(batch, deque(maxlen=_NUM_RUNS)).append((served.at_s, served.tail_s))
            self._runs[request.name] = runs  # the latest last
            self._whole[request.name] = request.model
            while len(self._runs) > _MAX_NAMES:
                gone = next(iter(self._runs))
                del self._runs[gone]
                self._whole.pop(gone, None)

    def told(self, name: str = "") -> ToldLoad:
        """
        Give what is known of the load now.

        Parameters
        ----------
        name
            Of a model or tail; of one that nothing was asked of lately, and without one, what
            all models show is given: they share one queue.
        """
        now_s = self._clock()
        with self._lock:
            own = self._latest.get(self._whole.get(name, name), ())
            seen = _recent(own, now_s) or _recent(self._all(), now_s)
            runs = {
                batch: [run_s for at_s, run_s in latest if now_s - at_s <= _LONGEST_S]
                for batch, latest in self._runs.get(name, {}).items()
            }
        execution_s = tuple((batch, fmean(runs[batch])) for batch in sorted(runs) if runs[batch])
        if not seen:
            return ToldLoad(at_s=now_s, num_pending=self._num_pending())
        idle_s = sum(each.idle_s for each in seen)
        ran_s = sum(each.tail_s for each in seen if each.idle_s > 0)
        return ToldLoad(
            at_s=now_s,
            age_s=max(now_s - max(each.at_s for each in seen), 0.0),
            wait_s=fmean(each.wait_s for each in seen),
            slowdown=ran_s / idle_s if idle_s > 0 and ran_s > 0 else None,
            batch=max(fmean(each.batch for each in seen), 1.0),
            num_pending=self._num_pending(),
            execution_s=execution_s,
        )

    def _all(self) -> Iterable[_Served]:
        every = sorted(each for latest in self._latest.values() for each in latest)
        return every[-_NUM_LATEST:]

    def _of(self, model: str) -> deque[_Served]:
        latest = self._latest.pop(model, None)
        if latest is None:
            latest = deque(maxlen=_NUM_LATEST)
        self._latest[model] = latest
        while len(self._latest) > _MAX_NAMES:
            del self._latest[next(iter(self._latest))]
        return latest


def _recent(served: Iterable[_Served], now_s: float) -> list[_Served]:
    return [each for each in served if now_s - each.at_s <= _LONGEST_S]
