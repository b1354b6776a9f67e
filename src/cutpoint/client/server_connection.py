"""One server as the session sees it: connected, watched, left alone and taken up again."""

import itertools
import logging
from collections.abc import Callable, Iterable, Sequence
from threading import Condition, Event, Thread, current_thread

import numpy as np

from cutpoint.client.breaker import Breaker
from cutpoint.client.connector import Connector
from cutpoint.client.health import HealthCheck
from cutpoint.client.offload import Offload, OffloadRequest
from cutpoint.client.transport import Transport
from cutpoint.cost import HostCosts
from cutpoint.estimation import LinkEstimator, LoadEstimator
from cutpoint.exceptions import (
    ConnectError,
    ConnectionLostError,
    CutpointError,
    DeadlineExceededError,
    LocalProtocolError,
    OverloadedError,
)
from cutpoint.graph import SERVER_ONLY, Arrays, Cut, Graph
from cutpoint.records import LinkConditions, LoadConditions
from cutpoint.wire.chunks import Assembly, Chunker
from cutpoint.wire.names import TailName
from cutpoint.wire.protocol import Parameter
from cutpoint.wire.specs import output_specs

_log = logging.getLogger(__name__)

_WATCH_EVERY_S = 0.25
_LONGEST_RETRY_S = 0.5
_LEAST_PAUSE_S = 0.05
"""A server that refuses and does not say for how long is left alone for this."""

_MISSES = 3
"""Health checks in a row that must fail before a silent server is given up."""


class ServerConnection:
    """
    Connects in the background, watches the server's health, and offloads to it.

    One thread supervises: it connects, agrees on the digest, checks health on a
    connection of its own, and probes the link while nothing is sent.

    Parameters
    ----------
    address
        ``HOST:PORT``.
    graph
        The model; its digest must be the server's.
    cuts
        Interior cuts whose tails are wanted.
    reference
        Gives a feed and the model's outputs for it, computed on the device: a server
        that tells no digest is checked by its answer.
    clock
        Gives the session's time in seconds.
    seed
        Of the jitter.
    """

    def __init__(
        self,
        address: str,
        graph: Graph,
        cuts: Sequence[Cut],
        *,
        reference: Callable[[], tuple[Arrays, Arrays]],
        clock: Callable[[], float],
        seed: int = 0,
    ) -> None:
        self.address = address
        self._graph = graph
        self._clock = clock
        self._link = LinkEstimator()
        self._load = LoadEstimator()
        self._breaker = Breaker(np.random.default_rng(seed))
        self._health = HealthCheck(address)
        self._connector = Connector(
            address, graph, cuts, self._link, clock, self._request_failed, reference
        )
        self._numbers = itertools.count(1)
        self._changed = Condition()
        self._transport: Transport | None = None
        self._problem: CutpointError = ConnectError(f"server {address} was not reached yet")
        self._closing = Event()
        self._misses = 0
        self._retry_s = _WATCH_EVERY_S / 2
        self._supervisor = Thread(
            target=self._supervise, name=f"cutpoint-watch-{address}", daemon=True
        )
        self._supervisor.start()

    def __repr__(self) -> str:
        return f"<ServerConnection {self.address}: {self.unavailable or 'ready'}>"

    @property
    def unavailable(self) -> str | None:
        """Why the server cannot be used now; ``None`` when it can."""
        transport = self._transport
        if transport is None or transport.ended is not None:
            return str(self._problem) if transport is None else transport.ended
        return self._breaker.reason(self._clock())

    @property
    def costs(self) -> HostCosts | None:
        """What the server's tails take when idle; ``None`` while there is no connection."""
        transport = self._transport
        return None if transport is None else transport.costs

    @property
    def tails(self) -> frozenset[str]:
        """Ids of the cuts whose tails it holds."""
        transport = self._transport
        return frozenset() if transport is None else transport.tails

    def link(self) -> LinkConditions | None:
        """Give the link as believed now."""
        return self._link.conditions()

    def load(self, at_s: float) -> LoadConditions:
        """Give the load as believed at a time."""
        return self._load.conditions(at_s)

    def offload(self, cut: Cut, values: Arrays, remaining_s: float | None) -> Offload:
        """
        Send the crossing values of a cut.

        Raises
        ------
        ConnectionLostError
            If there is no connection now.
        """
        transport = self._transport
        if transport is None:
            raise ConnectionLostError(str(self._problem))
        parameters: dict[str, Parameter] = {"sha256": self._graph.sha256}
        if remaining_s is not None:
            parameters["remaining_s"] = float(remaining_s)
        tensors = tuple((name, values[name]) for name in cut.crossing)
        expected = output_specs(self._graph, cut)
        request = OffloadRequest(
            self._served_name(cut), parameters, Chunker(tensors), Assembly(expected, self.address)
        )
        offload = Offload(next(self._numbers), request)
        transport.send(offload)
        return offload

    def cancel(self, offload: Offload, at_s: float) -> None:
        """Drop a request that is late."""
        transport = self._transport
        if transport is not None:
            transport.cancel(offload, at_s)
        self._breaker.failed(at_s, f"server {self.address} answers late: left alone for a while")

    def answered(self, at_s: float, wait_s: float, tail_s: float, idle_s: float) -> None:
        """Learn from an answer that came in time."""
        self._breaker.succeeded()
        self._load.observe(wait_s, tail_s, idle_s, at_s)

    def wait_until_ready(self, timeout_s: float) -> None:
        """
        Wait until the server can be used.

        Raises
        ------
        CutpointError
            Why it cannot, when the time has passed.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._transport is not None, timeout_s)
            if self._transport is None:
                raise self._problem

    def wait_for_tails(self, cuts: Iterable[Cut], timeout_s: float) -> None:
        """
        Wait until the server has built the tails behind cuts.

        Raises
        ------
        ConnectError
            If it has not when the time has passed; names one.
        """
        wanted = {cut.id: cut for cut in cuts}
        with self._changed:
            self._changed.wait_for(lambda: wanted.keys() <= self.tails, timeout_s)
            missing = [cut for cut in wanted.values() if cut.id not in self.tails]
        if missing:
            raise ConnectError(
                f"server {self.address} has no tail behind {', '.join(missing[0].crossing)} yet: "
                "wait longer, or serve the model with a table that has this cut"
            )

    def close(self) -> None:
        """End every thread and socket."""
        self._closing.set()
        if current_thread() is not self._supervisor:  # where an unclosed session is collected
            self._supervisor.join(timeout=5.0)
        self._drop(ConnectionLostError("the session was closed"))
        self._health.close()
        self._connector.close()

    def _served_name(self, cut: Cut) -> str:
        if cut.id == SERVER_ONLY:
            return self._graph.name
        return str(TailName(self._graph.name, self._graph.sha256, cut.id))

    def _supervise(self) -> None:
        delay_s = 0.0
        while not self._closing.wait(delay_s):
            transport = self._transport
            if transport is not None and transport.ended is not None:
                self._drop(ConnectionLostError(transport.ended))
                transport = None
            try:
                delay_s = self._connect() if transport is None else self._watch(transport)
            except Exception as error:  # a bug must not end the supervision without a word
                _log.exception("supervising %s", self.address)
                self._note_problem(LocalProtocolError(f"server {self.address}: {error!r}"))
                delay_s = _LONGEST_RETRY_S

    def _connect(self) -> float:
        try:
            self._health.check()
            transport = self._connector.connect()
        except CutpointError as error:
            self._note_problem(error)
            if isinstance(error, DeadlineExceededError):
                self._health.reopen()
                self._connector.reset()
            self._retry_s = min(2 * self._retry_s, _LONGEST_RETRY_S)
            return self._retry_s
        with self._changed:
            self._transport = transport
            self._changed.notify_all()
        self._breaker.succeeded()
        self._misses = 0
        self._retry_s = _WATCH_EVERY_S / 2
        _log.info("server %s is ready", self.address)
        return _WATCH_EVERY_S

    def _watch(self, transport: Transport) -> float:
        try:
            self._health.check()
            self._misses = 0
            transport.probe()
            renewed = self._connector.renewed(transport)
            if renewed is not None:
                # Costs last: whoever sees new costs compiles a table with these tails.
                with self._changed:
                    costs, transport.tails = renewed
                    transport.costs = costs
                    self._changed.notify_all()
        except CutpointError as error:
            self._misses += 1
            if self._misses >= _MISSES:
                self._drop(error)
        return _WATCH_EVERY_S

    def _note_problem(self, error: CutpointError) -> None:
        if str(error) != str(self._problem):
            _log.warning("%s; computing on the device meanwhile", str(error))
        self._problem = error

    def _drop(self, error: CutpointError) -> None:
        transport = self._transport
        if transport is None:
            return
        self._note_problem(error)
        with self._changed:
            self._transport = None
            self._changed.notify_all()
        transport.close(str(error))
        self._health.reopen()
        self._connector.reset()
        self._misses = 0

    def _request_failed(self, error: CutpointError, at_s: float) -> None:
        if isinstance(error, OverloadedError):
            pause_s = max(error.retry_after_s, _LEAST_PAUSE_S)
            self._breaker.hold(at_s, pause_s, f"server {self.address} is overloaded")
        else:
            self._breaker.failed(at_s, str(error))
