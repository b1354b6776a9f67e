"""The thread that connects to one server, watches over it, and gives it up."""

import logging
from collections.abc import Callable
from threading import Event, Thread, current_thread

import numpy as np

from cutpoint.client.connector import Connector
from cutpoint.client.health import HealthCheck
from cutpoint.client.outbox import LEAST_CHUNK_BYTES
from cutpoint.client.standing import Standing
from cutpoint.client.transport import Transport
from cutpoint.estimation import LinkEstimator, check_pause_s
from cutpoint.exceptions import (
    ConnectionLostError,
    CutpointError,
    DeadlineExceededError,
    LocalProtocolError,
    ModelMismatchError,
    NotReadyError,
    RefusedError,
    TlsError,
    TransportError,
)
from cutpoint.records import ProbeRequest

_log = logging.getLogger(__name__)

_WATCH_EVERY_S = 0.25
_LEAST_PAUSE_S = 0.01

_MISSES = 3
"""Health checks in a row that must fail before a silent server is given up."""

_LEAST_TIMEOUT_S, _LONGEST_TIMEOUT_S = 0.4, 4.0
_ROUND_TRIPS = 4.0
"""A health check may have to connect first: three round trips with TLS, and its own."""

_FIRST_TIMEOUT_S, _PATIENCE_GROWS, _LONGEST_FIRST_S = 0.5, 1.5, 5.0
"""Before the round trip is known; longer each time, for there are links of satellites."""

_LONGEST_AGAIN_S = 2.0
"""Where it is known, unless it explains more: an attempt may begin just before a link heals."""

_SILENT_S = 0.75
"""So long the stream may be silent while the server is healthy; then it is opened anew."""

_STALL_S = 0.1
"""A server that is merely slow answers a health check sooner."""

_LONGEST_PIECES_S = 1.0
"""Two pieces of a link that is believed to be slower than that say nothing more of it."""

_DOUBT_S = 0.02
"""Pause between checks of a server that is suspected: every one keeps requests back."""

_FIRST_RETRY_S, _LONGEST_RETRY_S = 0.2, 1.0
_REFUSED_RETRY_S = 5.0
_ANSWERED_RETRY_S = 0.4
"""A server that is there and says no (warming, another model) may say yes at any moment."""


class Supervisor:
    """
    Connects, agrees on the model, checks health, and probes the link while nothing is sent.

    Health is asked for where something is awaited on the stream and does not come, and now and
    then beside. A check that fails makes the server suspect at once: no more requests leave until
    one has passed. The third in a row ends the connection. It counts for nothing while the
    stream is heard: a health check waits behind a long upload at the link's bottleneck.

    Parameters
    ----------
    address
        For messages and the thread's name.
    standing
        Where what was found is written down.
    health, connector
        How to ask, and how to connect; ended with this object.
    link
        Its round trip sets how long an answer is waited for.
    clock
        Gives the session's time in seconds.
    on_reopened
        Told at what time a server that was lost is there again.
    on_recovered
        Told at what time a server goes on that had stood still, or whose link had.
    rng
        Source of the jitter.
    next_probe
        Gives what a policy wants to be sent now, beside the probes of the session.
    """

    def __init__(
        self,
        address: str,
        standing: Standing,
        health: HealthCheck,
        connector: Connector,
        *,
        link: LinkEstimator,
        clock: Callable[[], float],
        on_reopened: Callable[[float], None],
        on_recovered: Callable[[float], None] = lambda at_s: None,
        rng: np.random.Generator,
        next_probe: Callable[[float], ProbeRequest | None] = lambda at_s: None,
    ) -> None:
        self._address = address
        self._standing = standing
        self._health = health
        self._connector = connector
        self._link = link
        self._clock = clock
        self._on_reopened = on_reopened
        self._on_recovered = on_recovered
        self._rng = rng
        self._next_probe = next_probe
        self._misses = 0
        self._checked_at_s = float("-inf")
        self._num_attempts = 0
        self._longest_attempt_s = _LONGEST_FIRST_S
        self._closing = Event()
        self._thread = Thread(target=self._run, name=f"cutpoint-watch-{address}", daemon=True)
        self._thread.start()

    def __repr__(self) -> str:
        return f"<Supervisor of {self._address}: {self._standing!r}>"

    def end(self) -> None:
        """Ask the thread to end, without waiting: calls under way fail at once."""
        self._closing.set()
        self._standing.wake()
        self._health.close()
        self._connector.close()

    def close(self) -> None:
        """End the thread, the connections and what is under way on them."""
        self.end()
        if current_thread() is not self._thread:  # where an unclosed session is collected
            self._thread.join(timeout=5.0)
        self._drop(ConnectionLostError("the session was closed"))

    def _run(self) -> None:
        pause_s = 0.0
        while True:
            self._standing.wait_for_news(pause_s)
            if self._closing.is_set():
                return
            try:
                pause_s = self._step()
            except Exception as error:  # a bug must not end the supervision without a word
                if self._closing.is_set():
                    return
                _log.exception("supervising %s", self._address)
                self._standing.note(LocalProtocolError(f"server {self._address}: {error!r}"))
                pause_s = _LONGEST_RETRY_S

    def _step(self) -> float:
        """Connect, or look after the connection; gives how long to pause."""
        transport = self._standing.transport
        if transport is not None:
            stale = self._standing.stale
            if stale is not None:
                self._drop(stale)
            elif transport.ended is not None:
                self._drop(ConnectionLostError(transport.ended))
            else:
                return self._watch(transport)
        return self._connect()

    def _connect(self) -> float:
        began_s = self._clock()
        try:
            grown = _PATIENCE_GROWS ** min(self._num_attempts, 10)
            timeout_s = grown * max(_FIRST_TIMEOUT_S, self._timeout_s())
            self._health.check(min(timeout_s, self._longest_attempt_s))
            transport = self._connector.connect()
        except CutpointError as error:
            if self._closing.is_set():
                return 0.0
            self._standing.note(error)
            if isinstance(error, TransportError):
                # What was on its way is lost, and TCP waits twice as long each time: a fresh
                # connection is there as soon as the server is.
                self._health.reopen()
                self._connector.reset()
            self._num_attempts += 1
            return max(self._retry_s(error) - (self._clock() - began_s), _LEAST_PAUSE_S)
        if self._closing.is_set():
            transport.close("the session was closed")
            return 0.0
        self._misses = self._num_attempts = 0
        self._longest_attempt_s = max(_LONGEST_AGAIN_S, self._timeout_s())
        if self._standing.opened(transport):
            self._on_reopened(self._clock())
        return _WATCH_EVERY_S

    def _retry_s(self, error: CutpointError) -> float:
        """Give the pause before another attempt, with jitter: devices do not come in step."""
        doubled = 2.0 ** min(self._num_attempts - 1, 10)
        if isinstance(error, RefusedError | TlsError):
            return min(_FIRST_RETRY_S * doubled, _REFUSED_RETRY_S) * self._jitter()
        if isinstance(error, TransportError):
            return min(_FIRST_RETRY_S * doubled, _LONGEST_RETRY_S) * self._jitter()
        return _ANSWERED_RETRY_S * self._jitter()

    def _jitter(self) -> float:
        return float(self._rng.uniform(0.5, 1.0))

    def _timeout_s(self) -> float:
        round_trip_s = self._link.round_trip_s or 0.0
        return min(_LEAST_TIMEOUT_S + _ROUND_TRIPS * round_trip_s, _LONGEST_TIMEOUT_S)

    def _stall_s(self) -> float:
        return _STALL_S + _ROUND_TRIPS * (self._link.round_trip_s or 0.0)

    def _watch(self, transport: Transport) -> float:
        began_s = self._clock()
        try:
            if self._is_check_due(transport, began_s):
                self._checked_at_s = began_s
                self._health.check(self._timeout_s())
                doubts_s = self._standing.suspect_since_s
                if doubts_s is not None and transport.last_heard_s < doubts_s:
                    return self._listen(transport, began_s, doubts_s)
                self._passed(transport, began_s, is_in_doubt=doubts_s is not None)
            transport.probe()
            self._probe_for_policy(transport)
            self._renew(transport)
        except ModelMismatchError as error:
            self._drop(error)
            return _ANSWERED_RETRY_S
        except CutpointError as error:
            return self._missed(transport, error, began_s)
        return max(_WATCH_EVERY_S - (self._clock() - began_s), _LEAST_PAUSE_S)

    def _is_check_due(self, transport: Transport, at_s: float) -> bool:
        """
        Tell whether to ask for the server's health.

        A stream that is heard is a better sign of it, and costs nothing. Where something is
        awaited and does not come, and in doubt, it is asked each time.
        """
        if self._misses or self._standing.suspect_since_s is not None:
            return True
        if at_s - self._checked_at_s >= check_pause_s(self._link.up.bytes_per_s):
            return True
        waits_since_s = transport.waits_since_s
        return waits_since_s is not None and at_s - waits_since_s >= self._quiet_s()

    def _quiet_s(self) -> float:
        """Give how long a stream may be quiet: on a slow link pieces come in singly."""
        rate = self._link.up.bytes_per_s
        piece_s = 0.0 if rate is None else 2 * LEAST_CHUNK_BYTES / rate
        return self._stall_s() + min(piece_s, _LONGEST_PIECES_S)

    def _passed(self, transport: Transport, began_s: float, *, is_in_doubt: bool) -> None:
        """Take note that a check that began then has passed."""
        has_stalled = self._misses > 0 or self._clock() - began_s > self._stall_s()
        self._misses = 0
        if is_in_doubt and has_stalled:
            self._on_recovered(self._clock())
        if self._standing.is_link_in_doubt:
            # A stall, and what was held up by it, is no measure of the link that is back.
            self._connector.measure(transport, self._timeout_s())
        self._standing.passed(began_s)

    def _probe_for_policy(self, transport: Transport) -> None:
        if not transport.is_probing():
            request = self._next_probe(self._clock())
            if request is not None:
                transport.probe_for(request)

    def _listen(self, transport: Transport, began_s: float, doubts_s: float) -> float:
        """Ask for a word on the stream itself: it may be dead while the server is healthy."""
        transport.measure()
        allowed_s = _SILENT_S + _ROUND_TRIPS * (self._link.round_trip_s or 0.0)
        if transport.last_heard_s < doubts_s and began_s - doubts_s > allowed_s:
            self._drop(
                ConnectionLostError(
                    f"server {self._address} is healthy and its stream is silent: opened anew"
                )
            )
        return _DOUBT_S

    def _missed(self, transport: Transport, error: CutpointError, began_s: float) -> float:
        left_s = max(_WATCH_EVERY_S - (self._clock() - began_s), _LEAST_PAUSE_S)
        if transport.last_heard_s >= began_s or self._closing.is_set():
            return left_s  # it speaks: the check was slow, not the server dead
        self._standing.suspect(self._clock(), str(error), is_late=True)
        if isinstance(error, DeadlineExceededError):
            self._health.reopen()
        if not isinstance(error, NotReadyError):
            # One that says it is not ready lets what is under way end.
            self._misses += 1
        if self._misses >= _MISSES:
            self._drop(error)
        return left_s

    def _renew(self, transport: Transport) -> None:
        renewed = self._connector.renewed(transport)
        if renewed is not None:
            # Costs last: whoever sees new costs compiles a table with these tails.
            with self._standing.changed:
                transport.tails, transport.decoding = renewed.tails, renewed.decoding
                transport.costs = renewed.costs
                self._standing.changed.notify_all()

    def _drop(self, error: CutpointError) -> None:
        transport = self._standing.dropped(error, is_said=not self._closing.is_set())
        if transport is None:
            return
        transport.close(str(error))
        self._misses = 0
        if not self._closing.is_set():
            self._health.reopen()
            self._connector.reset()
