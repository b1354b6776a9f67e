"""What leaves next: small pieces, never more under way than the link needs.

Bytes that were handed to the sockets cannot be called back: a megabyte in their
buffers holds up a cancel, or the next request, for eight seconds at 1 Mbit/s. So
pieces wait here, and leave as acknowledgements come in.
"""

import time
from collections import deque
from collections.abc import Callable, Iterator
from threading import Condition
from typing import Any

from cutpoint.client.offload import Offload
from cutpoint.estimation import LinkEstimator, ProgressMeter
from cutpoint.wire import frames
from cutpoint.wire.chunks import MAX_CHUNK_BYTES

_CHUNK_S = 0.02
"""A piece takes at most this much link time."""

_SLACK_S = 0.04
"""Under way beyond the round trip: enough to keep the link busy, little enough to wait for."""

_LEAST_CHUNK_BYTES = 1024
_UNKNOWN_CHUNK_BYTES = 8 * 1024
_FIRST_WINDOW_BYTES, _FIRST_WINDOW_STALE_BYTES = 8 * MAX_CHUNK_BYTES, 2 * MAX_CHUNK_BYTES
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
        self._changed = Condition()
        self._control: deque[Any] = deque()
        self._uploads: deque[Offload] = deque()
        self._unacknowledged: dict[int, deque[int]] = {}
        self._window_bytes = float(_FIRST_WINDOW_STALE_BYTES)
        self._is_closed = False

    def __repr__(self) -> str:
        return f"<Outbox: {len(self._uploads)} uploads, {self._meter.under_way_bytes} B under way>"

    def put_control(self, frame: Any) -> None:
        """Send a small frame before anything else."""
        with self._changed:
            self._control.append(frame)
            self._changed.notify_all()

    def put(self, offload: Offload) -> None:
        """Send the tensors of a request."""
        with self._changed:
            self._uploads.append(offload)
            self._changed.notify_all()

    def drop(self, offload: Offload) -> bool:
        """Send no more of a request; gives whether anything of it was left to send."""
        with self._changed:
            if offload not in self._uploads:
                return False
            self._uploads.remove(offload)
            return True

    def acknowledge(self, number: int, at_s: float) -> None:
        """
        Take note that one more piece of a request has reached the server.

        Pieces of a request that was cancelled count too: they were under way.
        """
        with self._changed:
            sizes = self._unacknowledged.get(number)
            if not sizes:
                return
            size_bytes = sizes.popleft()
            if not sizes:
                del self._unacknowledged[number]
            self._meter.acknowledged(size_bytes, at_s, self._link.least_round_trip_s)
            self._window_bytes = min(self._window_bytes + size_bytes, self._widest_bytes())
            self._changed.notify_all()

    def is_sent(self, offload: Offload) -> bool:
        """Tell whether all of a request has left and was acknowledged."""
        with self._changed:
            return offload not in self._uploads and offload.number not in self._unacknowledged

    def note_stall(self, at_s: float) -> None:
        """Learn from a request that came too late."""
        with self._changed:
            self._meter.stalled(at_s)

    def close(self) -> None:
        """End the stream; pieces not sent are dropped."""
        with self._changed:
            self._is_closed = True
            self._uploads.clear()
            self._unacknowledged.clear()
            self._meter.dropped()
            self._changed.notify_all()

    def __next__(self) -> Any:
        """Wait for the next frame that may leave."""
        with self._changed:
            while True:
                if self._is_closed:
                    raise StopIteration
                if self._control:
                    return self._control.popleft()
                if self._uploads and self._may_send():
                    return self._next_piece()
                self._changed.wait()

    def _may_send(self) -> bool:
        under_way_bytes = self._meter.under_way_bytes
        if under_way_bytes == 0:
            is_stale = self._clock() - self._link.up.observed_at_s > _STALE_S
            first_bytes = _FIRST_WINDOW_STALE_BYTES if is_stale else _FIRST_WINDOW_BYTES
            self._window_bytes = min(first_bytes, self._widest_bytes())
        return under_way_bytes < self._window_bytes

    def _next_piece(self) -> Any:
        offload = self._uploads.popleft()
        request = offload.request
        chunk = request.chunker.next(self._chunk_bytes())
        at_s = self._clock()
        extra = request.parameters if offload.first_sent_at_s is None else {}
        if offload.first_sent_at_s is None:
            offload.first_sent_at_s = at_s
        if not request.chunker.is_done:
            self._uploads.append(offload)
        self._meter.sent(len(chunk.payload), at_s)
        self._unacknowledged.setdefault(offload.number, deque()).append(len(chunk.payload))
        return frames.chunk_request(request.model, offload.number, chunk, extra)

    def _chunk_bytes(self) -> int:
        rate = self._link.up.bytes_per_s
        if rate is None:
            return _UNKNOWN_CHUNK_BYTES
        return int(min(max(rate * _CHUNK_S, _LEAST_CHUNK_BYTES), MAX_CHUNK_BYTES))

    def _widest_bytes(self) -> float:
        rate = self._link.up.bytes_per_s
        if rate is None:
            return 2 * _UNKNOWN_CHUNK_BYTES
        return max(rate * ((self._link.round_trip_s or 0.0) + _SLACK_S), 2 * self._chunk_bytes())
