"""How the session stands with one server: connected, suspected, to be asked anew, or not there."""

import logging
from collections.abc import Callable
from threading import Condition, Event

from cutpoint.client.transport import Transport
from cutpoint.exceptions import ConnectError, CutpointError

_log = logging.getLogger(__name__)


class Standing:
    """
    The one place where requests, the I/O threads and the supervisor meet.

    Parameters
    ----------
    address
        For messages.
    clock
        Gives the session's time in seconds.
    changed
        Told when a transport comes or goes, or tells of other tails; may be shared by
        several servers.
    """

    def __init__(self, address: str, clock: Callable[[], float], changed: Condition) -> None:
        self.changed = changed
        self.problem: CutpointError = ConnectError(f"server {address} was not reached yet")
        self._address = address
        self._clock = clock
        self._news = Event()
        self._transport: Transport | None = None
        self._num_opened = 0
        self._said: set[type[CutpointError]] = set()
        self._suspect_since_s: float | None = None
        self._suspicion = ""
        self._is_link_in_doubt = False
        self._stale: CutpointError | None = None
        self._calm_since_s = float("-inf")

    def __repr__(self) -> str:
        return f"<Standing with {self._address}: {self.trouble or 'good'}>"

    @property
    def transport(self) -> Transport | None:
        """The open connection; ``None`` while there is none."""
        return self._transport

    @property
    def trouble(self) -> str | None:
        """Why no request may be sent now; ``None`` when one may."""
        transport, stale = self._transport, self._stale
        if transport is None:
            return str(self.problem)
        if stale is not None:
            return str(stale)
        if transport.ended is not None:
            return transport.ended
        return None if self._suspect_since_s is None else self._suspicion

    @property
    def stale(self) -> CutpointError | None:
        """Why what was agreed on no longer holds; ``None`` while it does."""
        return self._stale

    @property
    def suspect_since_s(self) -> float | None:
        """When the latest doubt arose; ``None`` without any."""
        return self._suspect_since_s

    @property
    def calm_since_s(self) -> float:
        """When the last trouble ended; minus infinity while there was none."""
        return self._calm_since_s

    @property
    def is_link_in_doubt(self) -> bool:
        """Whether what raised doubts may be the link's doing: it is to be measured anew."""
        return self._is_link_in_doubt

    def suspect(self, at_s: float, reason: str, *, is_late: bool) -> None:
        """
        Send nothing more until a check that begins after this moment has passed.

        Parameters
        ----------
        is_late
            Whether something did not come, rather than came and was wrong.
        """
        with self.changed:
            self._is_link_in_doubt |= is_late
            if self._suspect_since_s is None:
                self._suspicion = f"{reason}; it is being checked"
            self._suspect_since_s = max(at_s, self._suspect_since_s or at_s)

    def outdate(self, error: CutpointError) -> None:
        """Agree anew on everything before another request is sent: the server is another one."""
        with self.changed:
            if self._stale is None:
                self._stale = error

    def passed(self, began_s: float) -> None:
        """Take note that a check that began then has passed."""
        with self.changed:
            if self._suspect_since_s is not None and began_s >= self._suspect_since_s:
                self._suspect_since_s = None
                self._is_link_in_doubt = False
                self._calm_since_s = self._clock()

    def opened(self, transport: Transport) -> bool:
        """Take up a transport; gives whether there was one before."""
        with self.changed:
            self._transport = transport
            self._suspect_since_s = self._stale = None
            self._is_link_in_doubt = False
            self._num_opened += 1
            self._said.clear()
            if self._num_opened > 1:
                self._calm_since_s = self._clock()
            self.changed.notify_all()
        _log.info("server %s is ready", self._address)
        return self._num_opened > 1

    def dropped(self, error: CutpointError, *, is_said: bool = True) -> Transport | None:
        """Give up the transport, which the caller ends; gives it, if there was one."""
        with self.changed:
            transport, self._transport = self._transport, None
            if transport is not None:
                self.note(error, is_said=is_said)
                self.changed.notify_all()
        return transport

    def note(self, error: CutpointError, *, is_said: bool = True) -> None:
        """Take note of why there is no transport; each kind of trouble is said once."""
        if is_said and type(error) not in self._said:
            self._said.add(type(error))
            _log.warning("%s; computing without it meanwhile", str(error))
        self.problem = error

    def wake(self) -> None:
        """End the supervisor's pause."""
        self._news.set()

    def wait_for_news(self, timeout_s: float) -> None:
        """Pause, no longer than until a request raises doubts."""
        self._news.wait(timeout_s)
        self._news.clear()
