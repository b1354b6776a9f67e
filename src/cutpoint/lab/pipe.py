"""One direction of one connection through an emulated link, and the sockets at its ends.

Everything here runs on the one thread of `cutpoint.lab.relay.Relay`.
"""

import selectors
import socket
import struct
from collections import deque
from collections.abc import Callable

IN_FLIGHT_MAX_BYTES = 64 * 1024 * 1024
"""Most bytes of one connection and direction that are on the link at once, like a window."""

DRAIN_BYTES = 256 * 1024
"""Most that is read at once when a link is emptied."""

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class End:
    """
    One socket of a connection, and what the selector calls for it.

    Parameters
    ----------
    sock
        Non-blocking; this object closes it.
    selector
        The loop's.
    """

    def __init__(self, sock: socket.socket, selector: selectors.BaseSelector) -> None:
        self.sock = sock
        self.on_readable: Callable[[], None] = _ignore
        self.on_writable: Callable[[], None] = _ignore
        self._selector = selector
        self._events = 0

    def watch_reading(self, is_on: bool) -> None:
        """Have `on_readable` called, or not."""
        self._watch(selectors.EVENT_READ, is_on)

    def watch_writing(self, is_on: bool) -> None:
        """Have `on_writable` called, or not."""
        self._watch(selectors.EVENT_WRITE, is_on)

    def handle(self, events: int) -> None:
        """Call what the selector saw; a callback may switch the other one off."""
        if events & self._events & selectors.EVENT_WRITE:
            self.on_writable()
        if events & self._events & selectors.EVENT_READ:
            self.on_readable()

    def mute(self) -> None:
        """Have nothing called any more; the socket stays open."""
        self._watch(selectors.EVENT_READ | selectors.EVENT_WRITE, False)

    def close(self) -> None:
        """Leave the selector and close the socket."""
        self.mute()
        self.sock.close()

    def reset(self) -> None:
        """Close so that the peer sees a reset, as from a host that is gone."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self.close()

    def _watch(self, event: int, is_on: bool) -> None:
        events = self._events | event if is_on else self._events & ~event
        if events == self._events:
            return
        if not events:
            self._selector.unregister(self.sock)
        elif not self._events:
            self._selector.register(self.sock, events, self.handle)
        else:
            self._selector.modify(self.sock, events, self.handle)
        self._events = events


class Pipe:
    """
    One direction of one connection.

    Parameters
    ----------
    source, sink
        Where bytes are read, and where they are delivered.
    admit
        Called with this pipe when it has bytes, or its end, to be read.
    on_end
        Called once, when everything up to the source's end was delivered.
    on_failure
        Called when a socket fails.
    """

    def __init__(
        self,
        source: End,
        sink: End,
        admit: Callable[["Pipe"], None],
        on_end: Callable[[], None],
        on_failure: Callable[[OSError], None],
    ) -> None:
        self.is_waiting = False
        """Whether the pipe stands in its lane's line."""
        self.has_ended = False
        """Whether the sink was told that no more bytes come."""
        self.due_s = 0.0
        """When the last piece taken is due at the sink; none behind it may be sooner."""
        self._source = source
        self._sink = sink
        self._admit = admit
        self._on_end = on_end
        self._on_failure = on_failure
        self._outbox: deque[memoryview | bytes] = deque()
        self._in_flight_bytes = 0
        self._is_read_out = False
        self._is_stopped = False

    @property
    def can_read(self) -> bool:
        """Whether there may be more to read, and the sink takes what it is given."""
        is_window_open = not self._outbox and self._in_flight_bytes < IN_FLIGHT_MAX_BYTES
        return is_window_open and not self._is_read_out and not self._is_stopped

    def start(self) -> None:
        """Begin to read."""
        self._source.on_readable = lambda: self._admit(self)
        self._sink.on_writable = self._flush
        self.update_reading()

    def stop(self) -> None:
        """Take part in nothing any more; the sockets are about to be closed."""
        self._is_stopped = True

    def update_reading(self) -> None:
        """Watch the source exactly while a piece may be taken from it."""
        if not self._is_stopped:
            self._source.watch_reading(self.can_read and not self.is_waiting)

    def read(self, size_bytes: int) -> bytes | None:
        """Up to ``size_bytes`` from the source; empty at its end, None if there is nothing."""
        try:
            data = self._source.sock.recv(size_bytes)
        except BlockingIOError:
            return None
        except OSError as error:
            self._on_failure(error)
            return None
        self._is_read_out = not data
        self._in_flight_bytes += len(data)
        self.update_reading()
        return data

    @property
    def awaited(self) -> tuple[socket.socket | None, socket.socket | None]:
        """The socket to be readable, or to be writable, before more can be moved; or neither."""
        if self._is_stopped:
            return None, None
        if self._outbox:
            return None, self._sink.sock
        return (self._source.sock if self.can_read else None), None

    def move(self) -> bool:
        """Deliver what can be read now, past the link; tell whether anything was moved."""
        if self._outbox and not self._is_stopped:
            num_before = len(self._outbox)
            self._flush()
            return len(self._outbox) < num_before
        data = self.read(DRAIN_BYTES) if self.can_read else None
        if data is None:
            return False
        self.deliver(data)
        return True

    def deliver(self, data: bytes) -> None:
        """Give ``data`` to the sink, empty for the source's end."""
        if self._is_stopped:
            return
        self._outbox.append(data)
        if len(self._outbox) == 1:
            self._flush()

    def _flush(self) -> None:
        try:
            self._send_outbox()
        except OSError as error:
            self._on_failure(error)
            return
        self._sink.watch_writing(bool(self._outbox))
        self.update_reading()
        if self.has_ended:
            self._on_end()

    def _send_outbox(self) -> None:
        while self._outbox:
            data = self._outbox[0]
            if not data:
                self._sink.sock.shutdown(socket.SHUT_WR)
                self.has_ended = True
            else:
                try:
                    sent_bytes = self._sink.sock.send(data)
                except BlockingIOError:
                    return
                self._in_flight_bytes -= sent_bytes
                if sent_bytes < len(data):
                    self._outbox[0] = memoryview(data)[sent_bytes:]
                    return
            self._outbox.popleft()


def _ignore() -> None:
    """Stand in until a connection says what to call."""
