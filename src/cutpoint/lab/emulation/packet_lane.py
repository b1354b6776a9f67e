"""One direction of an emulated link of packets: rate, drop-tail queue, loss, delay and jitter.

Pure: time is an argument, counted in seconds from when the link was started.
"""

import math
from collections import deque
from collections.abc import Iterator

import numpy as np

from cutpoint.lab.bottleneck import Bottleneck
from cutpoint.lab.disturbance import Disturbance
from cutpoint.simulation.rate_schedule import RateSchedule

HEADER_BYTES = 52
"""IPv4 (20), TCP (20) and its time stamps (12): not counted, so that a rate means the bytes of a
program, as on the link in user space. An acknowledgement costs nothing, as there."""


class PacketLane:
    """
    Where packets wait, are lost, and travel.

    Parameters
    ----------
    schedule
        The rate over time; ``None`` for no limit.
    delay_s
        From leaving the queue to delivery.
    queue_bytes
        What may wait; a packet that finds no room is dropped.
    disturbance
        Packets arrive in order, each up to ``jitter_s`` later; the share ``loss`` is dropped,
        and sent again by whoever cares.
    seed
        Of jitter and loss.
    """

    def __init__(
        self,
        schedule: RateSchedule | None,
        delay_s: float,
        queue_bytes: float,
        disturbance: Disturbance,
        seed: int = 0,
    ) -> None:
        self._bottleneck: Bottleneck[bytes] = Bottleneck(schedule)
        self._queue_bytes = queue_bytes
        self._travelling: deque[tuple[float, bytes]] = deque()
        self._rng = np.random.default_rng(seed)
        self._last_due_s = 0.0
        self._blocked_until_s = -math.inf
        self.delay_s = delay_s
        self.disturbance = disturbance
        self.is_cut = False
        """Whether everything that comes is dropped."""
        self.num_dropped = 0
        """Packets that found no room."""

    def push(self, now_s: float, packet: bytes) -> None:
        """Take a packet, or drop it."""
        loss = self.disturbance.loss
        if self.is_cut or (loss and self._rng.random() < loss):
            return
        size_bytes = max(len(packet) - HEADER_BYTES, 0)
        self._depart(now_s)
        if size_bytes and self._bottleneck.queued_bytes + size_bytes > self._queue_bytes:
            self.num_dropped += 1
            return
        self._bottleneck.push(now_s, size_bytes, packet)

    def pop_due(self, now_s: float) -> Iterator[bytes]:
        """Yield, and forget, what arrives by ``now_s``."""
        if now_s < self._blocked_until_s:
            return
        self._blocked_until_s = -math.inf
        self._depart(now_s)
        while self._travelling and self._travelling[0][0] <= now_s:
            yield self._travelling.popleft()[1]

    def pop_all(self) -> Iterator[bytes]:
        """Yield, and forget, everything, in order."""
        while self._travelling:
            yield self._travelling.popleft()[1]
        yield from self._bottleneck.pop_all()
        self._last_due_s = 0.0

    def play(
        self, now_s: float, schedule: RateSchedule | None, position_s: float | None = None
    ) -> None:
        """Go on with a schedule that stands at a position now; see `Bottleneck`."""
        self._depart(now_s)
        self._bottleneck.change_schedule(now_s, schedule, position_s)

    def block(self, now_s: float, duration_s: float) -> None:
        """Deliver nothing for a time; what comes is kept."""
        self._blocked_until_s = now_s + duration_s

    def unblock(self) -> None:
        """End a block."""
        self._blocked_until_s = -math.inf

    def due_s(self) -> float:
        """When `pop_due` has something next; perhaps infinite."""
        if self._blocked_until_s > -math.inf:
            return self._blocked_until_s
        due_s = self._bottleneck.departure_s
        return min(due_s, self._travelling[0][0]) if self._travelling else due_s

    def _depart(self, now_s: float) -> None:
        for left_s, packet in self._bottleneck.pop_departed(now_s):
            jitter_s = self.disturbance.jitter_s
            extra_s = float(self._rng.uniform(0.0, jitter_s)) if jitter_s else 0.0
            self._last_due_s = max(self._last_due_s, left_s + self.delay_s + extra_s)
            self._travelling.append((self._last_due_s, packet))
