"""What leaves next: small pieces, never more under way than the link needs.

Bytes that were handed to the sockets cannot be called back: a megabyte in their
buffers holds up a cancel, or the next request, for eight seconds at 1 Mbit/s. So
pieces wait here, and leave as acknowledgements come in.
"""

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from queue import SimpleQueue
from threading import Lock
from typing import Any

from cutpoint.client.offload import Offload
from cutpoint.estimation import LinkEstimator, ProgressMeter
from cutpoint.wire import frames
from cutpoint.wire.chunks import MAX_CHUNK_BYTES
from cutpoint.wire.protocol import PHASES, Parameter

_CHUNK_S = 0.005
"""A piece takes at most this much link time: the smaller it is, the sooner a link that collapses
in the middle of it is noticed."""

_FAST_BYTES_PER_S, _FAST_CHUNK_S = 30e6, 0.01
"""From here on, where no radio link stays for long, each frame costs more time than its bytes:
pieces are larger, a quarter of what may be under way at once, so that little waits for them."""

_MOST_CHUNK_BYTES = 1 << 20
"""Far below the message limit of any server; more would save nothing."""

_SLACK_S = 0.04
"""Under way beyond the round trip: enough to keep the link busy, little enough to wait for."""

LEAST_CHUNK_BYTES = 4 * 1024
"""Each piece has 162 bytes of frame about it, and an acknowledgement: of a kilobyte that is a
sixth, which a slow link pays for dearly."""

_UNKNOWN_CHUNK_BYTES = 8 * 1024
_FIRST_WINDOW_BYTES, _FIRST_WINDOW_STALE_BYTES = _MOST_CHUNK_BYTES, 2 * MAX_CHUNK_BYTES
_STALE_S = 1.0
"""A belief may be old: the first pieces after idle are bounded, acknowledgements open the rest."""


class Outbox(Iterator[Any]):
    """
    The frames of one stream, in the order in which they leave.

    gRPC's sending thread takes them one by one; `next` waits until one may leave.
    Control frames go first; the pieces of requests side by side take turns.

    Parameters
    ----------
    link
        What is believed of the link, and learns from the acknowledgements.
    clock
        Gives the session's time in seconds.
    """

    def __init__(self, link: LinkEstimator, clock: Callable[[], float] = time.perf_counter) -> None:
        self._link = link
        self._meter = ProgressMeter(link.up)
        self._clock = clock
        self._lock = Lock()
        self._awake: SimpleQueue[None] = SimpleQueue()
        self._control: deque[Any] = deque()
        self._uploads: deque[Offload] = deque()
        self._unacknowledged: dict[int, deque[int]] = {}
        self._window_bytes = float(_FIRST_WINDOW_STALE_BYTES)
        self._is_stale = True
        self._is_closed = False

    def __repr__(self) -> str:
        return f"<Outbox: {len(self._uploads)} uploads, {self._meter.under_way_bytes} B under way>"

    def put_control(self, frame: Any) -> None:
        """Send a small frame before anything else."""
        with self._lock:
            self._control.append(frame)
        self._awake.put(None)

    def put(self, offload: Offload) -> None:
        """Send the tensors of a request."""
        with self._lock:
            self._uploads.append(offload)
        self._awake.put(None)

    def wake(self) -> None:
        """Look again: more of a request that is encoded while it leaves may be ready."""
        self._awake.put(None)

    def drop(self, offload: Offload) -> bool:
        """Send no more of a request; gives whether anything of it was left to send."""
        with self._lock:
            if offload not in self._uploads:
                return False
            self._uploads.remove(offload)
            return True

    def acknowledge(self, number: int, at_s: float) -> None:
        """
        Take note that one more piece of a request has reached the server.

        Pieces of a request that was cancelled count too: they were under way.
        """
        with self._lock:
            sizes = self._unacknowledged.get(number)
            if not sizes:
                return
            size_bytes = sizes.popleft()
            if not sizes:
                del self._unacknowledged[number]
            self._meter.acknowledged(size_bytes, at_s, self._link.least_round_trip_s)
            self._is_stale = False
            self._window_bytes = min(self._window_bytes + size_bytes, self._widest_bytes())
            is_waited_for = bool(self._uploads)
        if is_waited_for:
            self._awake.put(None)

    def is_sent(self, offload: Offload) -> bool:
        """Tell whether all of a request has left and was acknowledged."""
        with self._lock:
            return offload.number not in self._unacknowledged and offload not in self._uploads

    def note_stall(self, at_s: float) -> None:
        """Learn from a request that came too late."""
        with self._lock:
            self._meter.stalled(at_s)

    def most_bytes_per_s(self, at_s: float) -> float | None:
        """Give what the link carries at most by what is under way, if that says anything."""
        with self._lock:
            return self._meter.most_bytes_per_s(at_s, self._link.round_trip_s or 0.0)

    def remaining_s(self, offload: Offload, at_s: float) -> float | None:
        """
        Give what is left of a request's upload at the rate now seen, at least.

        Returns
        -------
        float or None
            ``None`` where it is all through, or nothing can be said yet.
        """
        with self._lock:
            rate = self._meter.most_bytes_per_s(at_s, self._link.round_trip_s or 0.0)
            if rate is None:
                return None
            if offload not in self._uploads:
                return sum(self._unacknowledged.get(offload.number, ())) / rate
            # Those side by side take turns until this one has had all of its own.
            own_bytes = _left_bytes(offload)
            turns_bytes = sum(min(_left_bytes(each), own_bytes) for each in self._uploads)
            return (self._meter.under_way_bytes + turns_bytes) / rate

    def close(self) -> None:
        """End the stream; pieces not sent are dropped."""
        with self._lock:
            self._is_closed = True
            self._control.clear()
            self._uploads.clear()
            self._unacknowledged.clear()
            self._meter.dropped()
        self._awake.put(None)

    def __next__(self) -> Any:
        """Wait for the next frame that may leave."""
        while True:
            with self._lock:
                if self._is_closed:
                    raise StopIteration
                if self._control:
                    return self._control.popleft()
                if self._uploads and self._may_send():
                    piece = self._next_piece()
                    if piece is not None:
                        return piece
            self._awake.get()

    def _may_send(self) -> bool:
        under_way_bytes = self._meter.under_way_bytes
        if under_way_bytes == 0:
            self._is_stale = self._clock() - self._link.up.observed_at_s > _STALE_S
            first_bytes = _FIRST_WINDOW_STALE_BYTES if self._is_stale else _FIRST_WINDOW_BYTES
            self._window_bytes = min(first_bytes, self._widest_bytes())
        return under_way_bytes < self._window_bytes

    def _next_piece(self) -> bytes | None:
        """Give the next piece of whose turn it is; ``None`` if no one's is encoded yet."""
        size_bytes = self._chunk_bytes()
        for _ in range(len(self._uploads)):
            if self._uploads[0].request.chunker.is_ready(size_bytes):
                return self._piece(self._uploads.popleft(), size_bytes)
            self._uploads.rotate(-1)
        return None

    def _piece(self, offload: Offload, size_bytes: int) -> bytes:
        request = offload.request
        chunk = request.chunker.next(size_bytes)
        at_s = self._clock()
        extra: Mapping[str, Parameter] = {}
        if offload.first_sent_at_s is None:
            offload.first_sent_at_s = at_s
            extra = {**request.parameters, PHASES: True}
        if not request.chunker.is_done:
            self._uploads.append(offload)
        self._meter.sent(len(chunk.payload), at_s)
        self._unacknowledged.setdefault(offload.number, deque()).append(len(chunk.payload))
        return frames.chunk_request_bytes(request.model, offload.number, chunk, extra)

    def _chunk_bytes(self) -> int:
        rate = self._link.up.bytes_per_s
        if rate is None:
            return _UNKNOWN_CHUNK_BYTES
        is_fast = rate >= _FAST_BYTES_PER_S and not self._is_stale
        if is_fast:
            return int(min(rate * _FAST_CHUNK_S, _MOST_CHUNK_BYTES))
        return int(min(max(rate * _CHUNK_S, LEAST_CHUNK_BYTES), MAX_CHUNK_BYTES))

    def _widest_bytes(self) -> float:
        rate = self._link.up.bytes_per_s
        if rate is None:
            return 2 * _UNKNOWN_CHUNK_BYTES
        return max(rate * ((self._link.round_trip_s or 0.0) + _SLACK_S), 2 * self._chunk_bytes())


def _left_bytes(offload: Offload) -> int:
    chunker = offload.request.chunker
    return chunker.size_bytes - chunker.given_bytes
