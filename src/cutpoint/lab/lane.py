"""One direction of an emulated link, shared by all connections."""

import heapq
import itertools
import math
import time
from collections import deque

import numpy as np

from cutpoint.lab.bottleneck import Bottleneck
from cutpoint.lab.disturbance import Disturbance
from cutpoint.lab.pipe import Pipe
from cutpoint.simulation.rate_schedule import RateSchedule


class Lane:
    """
    One direction of the link, shared by all connections: bottleneck, then delay.

    Parameters
    ----------
    schedule
        The rate over time; None for no limit.
    delay_s
        From leaving the bottleneck to delivery, in seconds.
    queue_s
        Bottleneck queue, in seconds at the present rate.
    seed
        Of what a `Disturbance` does.

    Raises
    ------
    ValueError
        If ``delay_s`` or ``queue_s`` is negative or not finite.

    Notes
    -----
    However pieces are delayed, those of one connection arrive in order, as TCP hands
    them over.
    """

    def __init__(
        self, schedule: RateSchedule | None, delay_s: float, queue_s: float, seed: int = 0
    ) -> None:
        self._bottleneck: Bottleneck[tuple[Pipe, bytes]] = Bottleneck(schedule, queue_s)
        self.set_delay(delay_s)
        self._disturbance = Disturbance()
        self._rng = np.random.default_rng(seed)
        self._numbers = itertools.count()
        self._travelling: list[tuple[float, int, Pipe, bytes]] = []
        self._waiting: deque[Pipe] = deque()
        self._blocked_until_s = -math.inf
        self._epoch_s = time.perf_counter()

    def begin(self) -> None:
        """Let the schedule begin now."""
        self._epoch_s = time.perf_counter()

    def now_s(self) -> float:
        """Seconds since the schedule began."""
        return time.perf_counter() - self._epoch_s

    def set_schedule(self, schedule: RateSchedule | None) -> None:
        """Go on with another rate from now on, also for what waits in the queue."""
        now_s = self.now_s()
        self._depart(now_s)
        self._bottleneck.change_schedule(now_s, schedule)

    def play(self, schedule: RateSchedule | None, position_s: float) -> None:
        """Go on with a schedule that stands at a position now."""
        now_s = self.now_s()
        self._depart(now_s)
        self._bottleneck.change_schedule(now_s, schedule, position_s)

    def flush(self) -> None:
        """Deliver at once what waits in the queue and what is on the way."""
        left = [(pipe, data) for _, _, pipe, data in sorted(self._travelling, key=_due)]
        self._travelling.clear()
        for pipe, data in (*left, *self._bottleneck.pop_all()):
            pipe.due_s = 0.0
            pipe.deliver(data)

    def set_delay(self, delay_s: float) -> None:
        """
        Let pieces that leave the bottleneck from now on take another time.

        Raises
        ------
        ValueError
            If it is negative or not finite.
        """
        if not 0 <= delay_s < math.inf:
            raise ValueError(f"delay_s must be at least 0 and finite, got {delay_s}")
        self._delay_s = delay_s

    def set_disturbance(self, disturbance: Disturbance) -> None:
        """Delay pieces unevenly from now on."""
        self._disturbance = disturbance

    def block(self, duration_s: float = math.inf) -> None:
        """Take and deliver nothing for a time; what is on the link is kept, not lost."""
        self._blocked_until_s = self.now_s() + duration_s

    def unblock(self) -> None:
        """Go on; what was kept is delivered at once."""
        self._blocked_until_s = -math.inf

    def admit(self, pipe: Pipe) -> None:
        """Take one piece of a pipe that has bytes, or let it wait for its turn."""
        now_s = self.now_s()
        if self._waiting or self._is_blocked(now_s) or not self._bottleneck.has_room(now_s):
            pipe.is_waiting = True
            pipe.update_reading()
            self._waiting.append(pipe)
        else:
            self._read(pipe, now_s)

    def advance(self) -> None:
        """Do all that is due: let pieces leave, deliver, and read into the room they made."""
        now_s = self.now_s()
        if self._is_blocked(now_s):
            return
        self._blocked_until_s = -math.inf
        self._depart(now_s)
        while self._travelling and self._travelling[0][0] <= now_s:
            _, _, pipe, data = heapq.heappop(self._travelling)
            pipe.deliver(data)
        while self._waiting and self._bottleneck.has_room(now_s):
            pipe = self._waiting.popleft()
            # One piece each in turn: then each gets its share of a full queue.
            if pipe.can_read and self._read(pipe, now_s) and pipe.can_read:
                self._waiting.append(pipe)
            else:
                pipe.is_waiting = False
                pipe.update_reading()

    def due_in_s(self) -> float:
        """Seconds until `advance` has something to do; not below 0, perhaps infinite."""
        due_s = self._bottleneck.departure_s
        if self._travelling:
            due_s = min(due_s, self._travelling[0][0])
        if self._blocked_until_s > -math.inf:
            # What waits has no time of its own: `advance` is needed when the block ends.
            due_s = self._blocked_until_s
        return max(due_s - self.now_s(), 0.0)

    @property
    def is_blocked(self) -> bool:
        """Whether nothing is taken or delivered now."""
        return self._is_blocked(self.now_s())

    def _is_blocked(self, now_s: float) -> bool:
        return now_s < self._blocked_until_s

    def _depart(self, now_s: float) -> None:
        for left_s, (pipe, data) in self._bottleneck.pop_departed(now_s):
            due_s = left_s + self._delay_s + self._disturbance.extra_s(self._rng)
            pipe.due_s = max(pipe.due_s, due_s)
            piece = (pipe.due_s, next(self._numbers), pipe, data)
            heapq.heappush(self._travelling, piece)

    def _read(self, pipe: Pipe, now_s: float) -> bool:
        """Whether the pipe filled its piece, and so has probably more."""
        size_bytes = self._bottleneck.piece_bytes(now_s)
        data = pipe.read(size_bytes)
        if data is None:
            return False
        self._bottleneck.push(now_s, len(data), (pipe, data))
        return len(data) == size_bytes


def _due(piece: tuple[float, int, Pipe, bytes]) -> tuple[float, int]:
    return piece[:2]
