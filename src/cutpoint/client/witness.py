"""A connection that says nothing: it ends when the process at its other end does."""

import contextlib
import socket

from cutpoint.exceptions import ConnectError

_WORDS_BYTES = 4096


class Witness:
    """
    Tells whether the process that was there when it was opened still is.

    gRPC opens a lost connection again by itself, and an answer does not tell which one it
    came over. Where a server tells no digest, the process behind the address may be another
    one by then, with another model. When a process ends, its system closes all of its
    connections at once, and this one can be looked at at any moment, without a round trip.

    Parameters
    ----------
    address
        ``HOST:PORT``.
    timeout_s
        For connecting.

    Raises
    ------
    ConnectError
        If nobody takes the connection.
    """

    def __init__(self, address: str, timeout_s: float) -> None:
        host, _, port = address.rpartition(":")
        try:
            self._socket = socket.create_connection((host.strip("[]"), int(port)), timeout_s)
        except OSError as error:
            reason = error.strerror or error
            raise ConnectError(f"server {address} cannot be reached ({reason})") from error
        self._socket.setblocking(False)

    @property
    def is_there(self) -> bool:
        """Whether the connection stands."""
        try:
            while True:
                if not self._socket.recv(_WORDS_BYTES):
                    return False
        except BlockingIOError:
            return True
        except OSError:
            return False

    def close(self) -> None:
        """End the connection."""
        with contextlib.suppress(OSError):
            self._socket.close()
