"""The servers of one session, in order of preference, and which of them is used now."""

from collections.abc import Callable, Iterator, Sequence
from threading import Condition, Lock

from cutpoint.client.retry_budget import RetryBudget
from cutpoint.client.server_connection import ServerConnection
from cutpoint.exceptions import ConnectError
from cutpoint.wire.channel import checked_address

_CALM_S = 1.0
"""A server that was in trouble is preferred again when it was without for this long."""

_GRACE_S = 0.5
"""How long the preferred server is waited for where another is ready."""


class Servers:
    """
    Holds a connection to each, and gives the first that can be used.

    Every one is connected and watched all the time, so that another is at hand when the
    one in use fails. The choice is made in `chosen` alone: who wants to choose by what
    each would take replaces that method and nothing else.

    Parameters
    ----------
    addresses
        In order of preference, one at least.
    connect
        Opens the connection to an address; told of changes is the condition.
    clock
        Gives the session's time in seconds.
    budget
        Of second attempts.
    """

    def __init__(
        self,
        addresses: Sequence[str],
        connect: Callable[[str, Condition], ServerConnection],
        *,
        clock: Callable[[], float],
        budget: RetryBudget,
    ) -> None:
        self.budget = budget
        self._clock = clock
        self._changed = Condition()
        self._lock = Lock()
        opened: list[ServerConnection] = []
        try:
            opened.extend(connect(address, self._changed) for address in addresses)
        except BaseException:  # a certificate that cannot be read: the others' threads end, too
            for connection in opened:
                connection.close()
            raise
        self._connections = tuple(opened)
        self._current = self._connections[0]

    def __repr__(self) -> str:
        return f"<Servers {', '.join(map(repr, self._connections))}>"

    def __iter__(self) -> Iterator[ServerConnection]:
        return iter(self._connections)

    def __len__(self) -> int:
        return len(self._connections)

    @property
    def addresses(self) -> tuple[str, ...]:
        """In order of preference."""
        return tuple(connection.address for connection in self._connections)

    def at(self, address: str) -> ServerConnection:
        """
        Give the connection to an address.

        Raises
        ------
        KeyError
            If it is none of this session's.
        """
        for connection in self._connections:
            if connection.address == address:
                return connection
        raise KeyError(address)

    def chosen(self, at_s: float) -> ServerConnection:
        """
        Give the server to use now; the first if none can be used.

        The one in use stays in use while it can be used, until one that is preferred to it
        was without trouble for a while: a server that comes and goes is not followed.
        """
        with self._lock:
            for connection in self._connections:
                if connection.unavailable is not None:
                    continue
                if connection is self._current or at_s - connection.calm_since_s >= _CALM_S:
                    break
            else:
                connection = self.other_than("", at_s) or self._connections[0]
            if connection.unavailable is None:
                self._current = connection
            return connection

    def unavailable(self, connection: ServerConnection) -> str | None:
        """Give why a server cannot be used, and why none of the others; ``None`` if it can."""
        reason = connection.unavailable
        if reason is None or len(self._connections) == 1:
            return reason
        others = (each.unavailable for each in self._connections if each is not connection)
        return "; ".join([reason, *(other for other in others if other is not None)])

    def other_than(self, address: str, at_s: float) -> ServerConnection | None:
        """Give the next server that can be used, beside one; ``None`` if there is none."""
        for connection in self._connections:
            if connection.address != address and connection.unavailable is None:
                return connection
        return None

    def wait_until_ready(self, timeout_s: float) -> ServerConnection:
        """
        Wait until a server can be used; gives it.

        Raises
        ------
        CutpointError
            Why the preferred one cannot, when the time has passed.
        """
        until_s = self._clock() + timeout_s
        with self._changed:
            self._changed.wait_for(self._is_any_connected, timeout_s)
            if not self._is_any_connected():
                raise self._connections[0].problem
            # All are being connected to side by side: the preferred one need not be the first.
            grace_s = min(_GRACE_S, max(until_s - self._clock(), 0.0))
            self._changed.wait_for(lambda: self._connections[0].is_connected, grace_s)
        return self.chosen(self._clock())

    def close(self) -> None:
        """End every thread and socket, side by side."""
        for connection in self._connections:
            connection.end()
        for connection in self._connections:
            connection.close()

    def _is_any_connected(self) -> bool:
        return any(connection.is_connected for connection in self._connections)


def addresses_of(server: str | Sequence[str]) -> tuple[str, ...]:
    """
    Give the addresses of one or several servers.

    Parameters
    ----------
    server
        ``HOST:PORT``, several joined by commas, or a sequence of either.

    Raises
    ------
    ConnectError
        If one is not ``HOST:PORT``, is named twice, or there is none.
    """
    texts = [server] if isinstance(server, str) else list(server)
    found = [checked_address(part.strip()) for text in texts for part in str(text).split(",")]
    if not found:
        raise ConnectError("no server is named: write HOST:PORT, for example edge:8001")
    twice = next((address for address in found if found.count(address) > 1), None)
    if twice is not None:
        raise ConnectError(f"server {twice} is named twice: name each server once")
    return tuple(found)
