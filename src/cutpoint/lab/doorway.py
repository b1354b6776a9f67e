"""A listening socket that can be made deaf: who connects then hangs, as behind a partition."""

import socket

_BACKLOG = 128
_STUFFING = 2
"""A backlog of 0 holds one connection; with it full, the kernel drops what asks for another."""


class Doorway:
    """
    Listens, and on request lets nobody in without telling anybody.

    Closing the socket would have connections refused, which a partition does not do. So
    the accept queue is made one place long and filled: the kernel then drops what asks for
    a connection, and the asker's asks again, as over a link that carries nothing.

    Parameters
    ----------
    listener
        Bound; this object has it listen.
    """

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._stuffing: list[socket.socket] = []
        self._own_ports: set[int] = set()
        listener.listen(_BACKLOG)

    def accept(self) -> socket.socket | None:
        """
        Take the next connection; ``None`` for one of the doorway's own.

        Raises
        ------
        OSError
            If there is none, or no file is left for it.
        """
        sock, (_, port, *_) = self._listener.accept()
        if port in self._own_ports:
            self._own_ports.discard(port)
            sock.close()
            return None
        return sock

    def shut(self) -> None:
        """Let whoever connects hang."""
        self._listener.listen(0)
        for _ in range(_STUFFING):
            sock = socket.socket(self._listener.family, socket.SOCK_STREAM)
            sock.setblocking(False)
            sock.connect_ex(self._listener.getsockname())
            self._stuffing.append(sock)
            self._own_ports.add(sock.getsockname()[1])

    def open(self) -> None:
        """Let them in again."""
        self._listener.listen(_BACKLOG)
        self.close()

    def close(self) -> None:
        """Close the doorway's own connections; the listener is its owner's to close."""
        for sock in self._stuffing:
            sock.close()
        self._stuffing.clear()
