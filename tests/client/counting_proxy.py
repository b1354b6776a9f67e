"""A relay on loopback that counts what passes, connection by connection."""

import selectors
import socket
import threading
from types import TracebackType
from typing import final


@final
class CountingProxy:
    """
    Forwards every connection to a target and counts all bytes of both directions.

    Counted is what TCP carries: frames of HTTP/2 and gRPC, its pings and settings included,
    headers of TCP and IP not.
    """

    def __init__(self, target: str) -> None:
        host, _, port = target.rpartition(":")
        self._target = (host, int(port))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.counts: list[int] = []
        self._ends: dict[socket.socket, tuple[socket.socket, int]] = {}
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._wake, self._closed = socket.socketpair()
        self._selector.register(self._closed, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "CountingProxy":
        self._thread.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._wake.close()
        self._thread.join()
        for end in (*self._ends, self._listener, self._closed):
            end.close()
        self._selector.close()

    @property
    def num_bytes(self) -> int:
        """All that has passed, on whatever connection."""
        return sum(self.counts)

    def _run(self) -> None:
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is self._closed:
                    return
                if key.fileobj is self._listener:
                    self._accept()
                else:
                    self._move(key.fileobj)

    def _accept(self) -> None:
        near, _ = self._listener.accept()
        far = socket.create_connection(self._target)
        number = len(self.counts)
        self.counts.append(0)
        for end, other in ((near, far), (far, near)):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._ends[end] = other, number
            self._selector.register(end, selectors.EVENT_READ)

    def _move(self, end: socket.socket) -> None:
        found = self._ends.get(end)
        if found is None:
            return
        other, number = found
        try:
            taken = end.recv(1 << 16)
            self.counts[number] += len(taken)
            other.sendall(taken)
        except OSError:
            taken = b""
        if not taken:
            for each in (end, other):
                self._selector.unregister(each)
                del self._ends[each]
                each.close()
