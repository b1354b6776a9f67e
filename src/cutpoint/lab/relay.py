"""The emulated link's loop: accepts connections, and moves their bytes when they are due."""

import logging
import math
import select
import selectors
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from queue import Empty, SimpleQueue

from cutpoint.lab.doorway import Doorway
from cutpoint.lab.drain import drain
from cutpoint.lab.lane import Lane
from cutpoint.lab.pipe import End, Pipe

_LOGGER = logging.getLogger(__name__)

LOOPBACK = "127.0.0.1"
"""The only address the link listens at."""

RECEIVE_BUFFER_BYTES = 64 * 1024
"""SO_RCVBUF of every socket: what the kernel may take in before the link does."""

SEGMENT_MAX_BYTES = 1460
"""TCP_MAXSEG of every socket, Ethernet's: with loopback's own 64 KB segments a sender's kernel
takes in 4.3 MB before the link's queue holds it back, with these 0.9 to 2.2 MB [measured]."""

_WAKE_BYTES = 4096


def prepare_socket(sock: socket.socket) -> None:
    """Set what every socket of the link has; before ``listen`` or ``connect``."""
    sock.setblocking(False)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, SEGMENT_MAX_BYTES)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


@dataclass(frozen=True)
class Target:
    """Where the link leads: a resolved address, fit for `socket.socket` and ``connect``."""

    family: socket.AddressFamily
    address: tuple[str, int]


class Connection:
    """
    An accepted socket, its counterpart at the target, and a pipe each way.

    Parameters
    ----------
    client_sock
        Accepted, non-blocking; this object closes it.
    target
        Where to connect.
    lanes
        From client to target, and back.
    selector
        The loop's.
    on_close
        Called once, with this connection, after both sockets were closed.

    Notes
    -----
    An end (FIN) travels through the link behind the bytes before it. A failure (RST, refused)
    closes both sides at once, with a reset: there is nobody left to talk to.
    """

    def __init__(
        self,
        client_sock: socket.socket,
        target: Target,
        lanes: tuple[Lane, Lane],
        selector: selectors.BaseSelector,
        on_close: Callable[["Connection"], None],
    ) -> None:
        up, down = lanes
        server_sock = socket.socket(target.family, socket.SOCK_STREAM)
        self._client = End(client_sock, selector)
        self._server = End(server_sock, selector)
        self._up = Pipe(self._client, self._server, up.admit, self._on_end, self._on_failure)
        self._down = Pipe(self._server, self._client, down.admit, self._on_end, self._on_failure)
        self._target = target
        self._on_close = on_close
        self._is_closed = False
        self._is_connected = False
        self._is_cut_off = False
        self._has_failed = False

    def connect(self) -> None:
        """Begin to connect to the target; bytes flow once that is done."""
        self._server.on_writable = self._finish_connecting
        try:
            prepare_socket(self._server.sock)
            self._server.sock.connect(self._target.address)
        except BlockingIOError:
            self._server.watch_writing(True)
        except OSError as error:
            self._on_failure(error)
        else:
            self._finish_connecting()

    def cut_off(self, is_on: bool) -> None:
        """Let no failure of one side be seen at the other until this is over."""
        self._is_cut_off = is_on
        if self._has_failed and not is_on:
            self.reset()

    def reset(self) -> None:
        """Close both sides at once; bytes on the link are lost."""
        self._close(End.reset)

    @property
    def pipes(self) -> tuple[Pipe, ...]:
        """Both directions; none until the target took the connection."""
        return (self._up, self._down) if self._is_connected and not self._is_closed else ()

    def _finish_connecting(self) -> None:
        error_code = self._server.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error_code:
            self._on_failure(OSError(error_code, "connecting to the target failed"))
            return
        self._server.watch_writing(False)
        self._is_connected = True
        self._up.start()
        self._down.start()

    def _on_end(self) -> None:
        if self._up.has_ended and self._down.has_ended:
            self._close(End.close)

    def _on_failure(self, error: OSError) -> None:
        _LOGGER.debug("connection to %s ended: %s", self._target.address, error)
        self._has_failed = True
        if self._is_cut_off:
            for pipe in (self._up, self._down):
                pipe.stop()
            for each in (self._client, self._server):
                each.mute()
        else:
            self.reset()

    def _close(self, close_end: Callable[[End], None]) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        for pipe in (self._up, self._down):
            pipe.stop()
        for end in (self._client, self._server):
            close_end(end)
        self._on_close(self)


class Relay:
    """
    The one thread that moves the bytes: it waits for sockets and for the lanes' next piece.

    Parameters
    ----------
    target
        Where accepted connections are forwarded to.
    lanes
        From client to target, and back.
    listen_port
        Port on loopback; 0 takes any free one.

    Raises
    ------
    OSError
        If the port is taken.
    """

    def __init__(self, target: Target, lanes: tuple[Lane, Lane], listen_port: int) -> None:
        self._target = target
        self._lanes = lanes
        self._calls: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._connections: set[Connection] = set()
        self._is_running = True
        self._listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            # Accepted sockets inherit the receive buffer; later the window is negotiated already.
            prepare_socket(self._listener)
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._listener.bind((LOOPBACK, listen_port))
            self._doorway = Doorway(self._listener)
        except OSError:
            self._listener.close()
            raise
        self._is_cut_off = False
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._run, name="link-relay", daemon=True)
        self._wake_receiver, self._wake_sender = socket.socketpair()
        self._wake_receiver.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ, self._accept)
        self._selector.register(self._wake_receiver, selectors.EVENT_READ, self._take_calls)

    def start(self) -> None:
        """Begin to move bytes."""
        self._thread.start()

    def close(self) -> None:
        """Reset all connections, stop listening, and wait until that is done."""
        if self._thread.is_alive():
            self.call(self._stop)
            self._thread.join()
        self._wake_sender.close()

    def partition(self, up: bool, down: bool) -> None:
        """
        Stop the bytes of these directions, and new connections; on the loop's thread only.

        Nothing is reset: both sides go on believing in their connections, and what they send
        is delivered when the partition ends (neither direction).
        """
        for lane, is_blocked in zip(self._lanes, (up, down), strict=True):
            if is_blocked:
                lane.block()
            else:
                lane.unblock()
        if (up or down) == self._is_cut_off:
            return
        self._is_cut_off = up or down
        if self._is_cut_off:
            self._selector.unregister(self._listener)
            self._doorway.shut()
        else:
            self._doorway.open()
            self._selector.register(self._listener, selectors.EVENT_READ, self._accept)
        for connection in tuple(self._connections):
            connection.cut_off(self._is_cut_off)

    def drain(self) -> None:
        """
        Empty the link; on the loop's thread only.

        What waits in its queues, is on the way, or waits in the kernel to be read is
        delivered at once: bytes of TCP cannot be dropped without breaking their stream.
        While the link is partitioned or stalled nothing is moved.
        """
        if self._is_cut_off or any(lane.is_blocked for lane in self._lanes):
            return
        for lane in self._lanes:
            lane.flush()
        drain(lambda: [pipe for each in tuple(self._connections) for pipe in each.pipes])

    def reset_all(self) -> None:
        """Reset every connection, as a box between that forgot them; on the loop's thread only."""
        for connection in tuple(self._connections):
            connection.reset()

    def call(self, function: Callable[[], None]) -> None:
        """Have ``function`` called on the loop's thread, soon."""
        self._calls.put(function)
        self._wake_sender.send(b"\0")

    def _stop(self) -> None:
        self._is_running = False

    def _run(self) -> None:
        try:
            while self._is_running:
                self._wait()
                for key, events in self._selector.select(0):
                    key.data(events)
                for lane in self._lanes:
                    lane.advance()
        finally:
            self._close_all()

    def _wait(self) -> None:
        due_in_s = min(lane.due_in_s() for lane in self._lanes)
        # The selector itself rounds its timeout up to whole milliseconds; select does not.
        timeout_s = None if math.isinf(due_in_s) else due_in_s
        select.select([self._selector.fileno()], [], [], timeout_s)

    def _accept(self, _events: int) -> None:
        try:
            client_sock = self._doorway.accept()
        except OSError as error:
            _LOGGER.warning("the link could not accept a connection: %s", error)
            return
        if client_sock is None:
            return
        try:
            client_sock.setblocking(False)
            client_sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = Connection(
                client_sock, self._target, self._lanes, self._selector, self._connections.discard
            )
        except OSError as error:
            _LOGGER.warning("the link could not open a socket: %s", error)
            client_sock.close()
            return
        self._connections.add(connection)
        connection.connect()

    def _take_calls(self, _events: int) -> None:
        self._wake_receiver.recv(_WAKE_BYTES)
        while True:
            try:
                function = self._calls.get_nowait()
            except Empty:
                return
            function()

    def _close_all(self) -> None:
        self.reset_all()
        self._selector.close()
        self._doorway.close()
        self._listener.close()
        self._wake_receiver.close()
