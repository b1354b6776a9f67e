"""The narrowest place of an emulated link: a serial queue of pieces.

Pure: time is an argument, counted in seconds from when the link was started.
"""

import math
from collections import deque
from collections.abc import Iterator
from typing import Generic, TypeVar

from cutpoint.simulation.rate_schedule import RateSchedule

T = TypeVar("T")

PIECE_S = 2e-3
"""Link time of one piece, in seconds: short, so that a new rate shows at once."""

PIECE_MIN_BYTES = 1500
"""Smallest piece asked for: one Ethernet frame, as a real link would serve."""

PIECE_MAX_BYTES = 16 * 1024
"""Largest piece at any finite rate."""

UNLIMITED_PIECE_BYTES = 64 * 1024
"""Piece of a link without a bottleneck: only the cost per system call counts there."""

QUEUE_MIN_BYTES = 4 * 1024
"""The queue never holds less than this: two frames and some room."""

UNLIMITED_QUEUE_BYTES = 16 * UNLIMITED_PIECE_BYTES
"""Queue of a link without a bottleneck; bounds what one round of reading may take."""


class Bottleneck(Generic[T]):
    """
    The narrowest place of a link: pieces leave one after another, in arrival order.

    Parameters
    ----------
    schedule
        The rate over time; None for no limit.
    queue_s
        How much may wait here, in seconds at the present rate; at least
        `QUEUE_MIN_BYTES` and two pieces may always wait.

    Raises
    ------
    ValueError
        If ``queue_s`` is negative or not finite.

    Notes
    -----
    Whoever fills the queue asks `has_room` first; nothing is dropped here.
    A piece that arrived while the link was idle starts on arrival; others
    start when the piece before them left, however late that was noticed, so
    a late caller costs latency and never bandwidth.
    """

    def __init__(self, schedule: RateSchedule | None, queue_s: float = 0.05) -> None:
        if not 0 <= queue_s < math.inf:
            raise ValueError(f"queue_s must be at least 0 and finite, got {queue_s}")
        self._schedule = schedule
        self._origin_s = 0.0
        self._queue_s = queue_s
        self._pieces: deque[tuple[float, float, T]] = deque()
        self._head_start_s = 0.0
        self._head_left_bytes = 0.0
        self.queued_bytes = 0.0
        """Bytes in the queue, the piece being served included."""
        self.departure_s = math.inf
        """When the piece at the head leaves; infinite if there is none, or in an outage."""

    def piece_bytes(self, now_s: float) -> int:
        """Size of the pieces to work in at the present rate."""
        if self._schedule is None:
            return UNLIMITED_PIECE_BYTES
        wanted_bytes = int(self._schedule.bandwidth_at(now_s - self._origin_s) * PIECE_S)
        return min(max(wanted_bytes, PIECE_MIN_BYTES), PIECE_MAX_BYTES)

    def queue_max_bytes(self, now_s: float) -> float:
        """Most bytes that may wait here at the present rate."""
        if self._schedule is None:
            return UNLIMITED_QUEUE_BYTES
        wanted_bytes = self._queue_s * self._schedule.bandwidth_at(now_s - self._origin_s)
        return max(wanted_bytes, QUEUE_MIN_BYTES, 2 * self.piece_bytes(now_s))

    def has_room(self, now_s: float) -> bool:
        """Whether one more piece may come."""
        return self.queued_bytes + self.piece_bytes(now_s) <= self.queue_max_bytes(now_s)

    def push(self, now_s: float, size_bytes: int, payload: T) -> None:
        """Add a piece that arrives now; a size of 0 is fine, and waits its turn."""
        self._pieces.append((now_s, size_bytes, payload))
        self.queued_bytes += size_bytes
        if len(self._pieces) == 1:
            self._serve_head(now_s)

    def pop_departed(self, now_s: float) -> Iterator[tuple[float, T]]:
        """Yield, and forget, each piece that left by ``now_s``, with the time it left."""
        while self.departure_s <= now_s:
            left_s = self.departure_s
            _, size_bytes, payload = self._pieces.popleft()
            self.queued_bytes -= size_bytes
            self._serve_head(left_s)
            yield left_s, payload

    def pop_all(self) -> Iterator[T]:
        """Yield, and forget, everything that waits here, in order."""
        while self._pieces:
            _, size_bytes, payload = self._pieces.popleft()
            self.queued_bytes -= size_bytes
            yield payload
        self._set_departure()

    def change_schedule(
        self, now_s: float, schedule: RateSchedule | None, position_s: float | None = None
    ) -> None:
        """
        Go on with another rate from now on, also for what waits here already.

        Take `pop_departed` first; a piece that should have left by then is kept
        and leaves now.

        Parameters
        ----------
        position_s
            Where the new schedule stands now, in seconds from its beginning; by default
            where it would, had it begun with the link.
        """
        if self._schedule is None:
            self._head_left_bytes = 0.0
        elif self._pieces and self._head_start_s < now_s:
            served_bytes = self._schedule.sent_bytes(
                self._head_start_s - self._origin_s, now_s - self._origin_s
            )
            self._head_left_bytes = max(self._head_left_bytes - served_bytes, 0.0)
        self._schedule = schedule
        self._origin_s = 0.0 if position_s is None else now_s - position_s
        self._head_start_s = max(self._head_start_s, now_s)
        self._set_departure()

    def _serve_head(self, free_s: float) -> None:
        if self._pieces:
            arrival_s, self._head_left_bytes, _ = self._pieces[0]
            self._head_start_s = max(arrival_s, free_s)
        self._set_departure()

    def _set_departure(self) -> None:
        if not self._pieces:
            self.departure_s = math.inf
        elif self._schedule is None:
            self.departure_s = self._head_start_s
        else:
            # Rounding may put a start a hair before the schedule's own.
            start_s = max(self._head_start_s - self._origin_s, 0.0)
            end_s = self._schedule.finish_s(start_s, self._head_left_bytes)
            self.departure_s = end_s + self._origin_s
