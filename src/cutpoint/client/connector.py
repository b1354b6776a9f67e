"""From an address to an open transport: the handshake, and the first measurement."""

import logging
import time
from collections.abc import Callable, Collection, Sequence
from threading import Lock

from cutpoint.client.foreign_holdings import ForeignHoldings
from cutpoint.client.foreign_tail import ForeignTail, find_tails
from cutpoint.client.framed import FramedTransport
from cutpoint.client.golden_check import GoldenCheck
from cutpoint.client.handshake import Told, check_digest, fetch_holdings, told_by
from cutpoint.client.plain import PlainTransport
from cutpoint.client.reference import Reference
from cutpoint.client.reply_limit import reply_limit
from cutpoint.client.transport import Transport
from cutpoint.client.untold_times import Slow
from cutpoint.estimation import LinkEstimator
from cutpoint.exceptions import (
    ConnectError,
    CutpointError,
    LocalProtocolError,
    OverloadedError,
    TransportError,
)
from cutpoint.graph import Cut, Graph
from cutpoint.records import LoadReport, ProbeSample
from cutpoint.wire.channel import open_channel
from cutpoint.wire.credentials import ClientSecurity
from cutpoint.wire.errors import mapped_errors
from cutpoint.wire.names import TailName
from cutpoint.wire.protocol import CROSSING, messages, services

_log = logging.getLogger(__name__)

_FIRST_PROBES = 3
_ASK_EVERY_S = 1.0
"""How often a tail that is wanted and not there is asked for."""

_MOST_UNANSWERED = 2
"""Questions without an answer that end a round: each waits for a second or more."""

_PROBE_TIMEOUT_S = 2.0
_ASK_TIMEOUT_S, _ROUND_TRIPS = 1.0, 4.0
"""Asking for tails holds up the health checks: no longer than the link explains."""

_REFERENCE_RUNS = 3

_POLLED_S = 0.25
"""gRPC's own thread looks at a watched channel every 0.2 s, and dies aloud of a closed one."""

RECHECK_EVERY_S = 60.0
"""How often a server that tells no digest is checked by its answer while it is connected."""


class Connector:
    """
    Opens transports to one server.

    Parameters
    ----------
    address, graph, cuts, reference, security
        As for `ServerConnection`.
    link
        Told what the first probes measure.
    clock
        Gives the session's time in seconds.
    on_failure
        Handed to the transport.
    typed
        Codecs in which values may travel to tails that undo them, at a server that is not ours.
    on_probe
        Told of the answers to the probes of a policy.
    on_load
        Told what the server tells of its load.
    on_slow
        Told of late answers of one that tells no times.
    """

    def __init__(
        self,
        address: str,
        graph: Graph,
        cuts: Sequence[Cut],
        link: LinkEstimator,
        clock: Callable[[], float],
        on_failure: Callable[[CutpointError, float], None],
        reference: Callable[[], Reference],
        security: ClientSecurity | None = None,
        typed: Collection[str] = (),
        on_load: Callable[[LoadReport], None] = lambda report: None,
        on_probe: Callable[[ProbeSample], None] = lambda sample: None,
        on_slow: Slow = lambda at_s, began_s, tail_s, idle_s: None,
    ) -> None:
        self._address = address
        self._graph = graph
        self._cuts = tuple(cuts)
        self._on_load = on_load
        self._on_probe = on_probe
        self._on_slow = on_slow
        self._link = link
        self._clock = clock
        self._on_failure = on_failure
        self._typed = frozenset(typed)
        self._golden = GoldenCheck(address, graph, clock, reference)
        self._checked_at_s = float("-inf")
        self._security = security
        self._is_closed = False
        self._lock = Lock()  # gRPC crashes where a stub is made of a channel that was closed
        self._asked_at_s = float("-inf")
        self._asked_for: set[str] = set()
        self._troubled: set[str] = set()
        self._watched: PlainTransport | None = None
        self._options = reply_limit(graph)
        self._channel = open_channel(address, security, self._options)
        self._stub = services.GRPCInferenceServiceStub(self._channel)

    def connect(self) -> Transport:
        """
        Open a transport to a server that is ready.

        Raises
        ------
        CutpointError
            If it is not reached, holds another file, or answers wrongly.
        """
        self._link.forget()
        self._asked_for.clear()
        self._troubled.clear()
        holdings = fetch_holdings(self._stub, self._address, self._graph.name)
        if holdings is None:
            return self._connect_plain()
        check_digest(holdings, self._graph, self._address)
        told = told_by(self._graph, holdings, self._cuts)
        transport = FramedTransport(
            self._channel,
            self._address,
            costs=told.costs,
            tails=told.tails,
            decoding=told.decoding,
            link=self._link,
            clock=self._clock,
            on_failure=self._on_failure,
            on_load=self._on_load,
            on_probe=self._on_probe,
        )
        try:
            self.measure(transport, _PROBE_TIMEOUT_S)
        except CutpointError as error:
            transport.close(transport.ended or str(error))
            raise
        return transport

    def measure(self, transport: Transport, timeout_s: float) -> None:
        """
        Measure the link as if nothing were known of it.

        Raises
        ------
        CutpointError
            If a probe is not answered in time.
        """
        for _ in range(_FIRST_PROBES):
            transport.measure()
            if isinstance(transport, FramedTransport) and not transport.prober.answered.wait(
                timeout_s
            ):
                raise ConnectError(f"server {self._address} did not answer a probe of the link")

    def renewed(self, transport: Transport) -> Told | None:
        """
        Ask for wanted tails the server does not hold; give what it tells once one is there.

        Of a server that is not ours: check again what was checked, and look for tails again.

        Raises
        ------
        CutpointError
            If the server is not reached.
        """
        if isinstance(transport, PlainTransport):
            return self._checked_again(transport)
        if self._clock() - self._asked_at_s < _ASK_EVERY_S:
            return None
        self._asked_at_s = self._clock()
        if not self._has_arrived([cut for cut in self._cuts if cut.id not in transport.tails]):
            return None
        holdings = fetch_holdings(self._stub, self._address, self._graph.name)
        if holdings is None:
            return None
        return told_by(self._graph, holdings, self._cuts)

    def reset(self) -> None:
        """Begin with a fresh connection next time."""
        with self._lock:
            self._close_channel()
            if self._is_closed:
                return
            self._channel = open_channel(self._address, self._security, self._options)
            self._stub = services.GRPCInferenceServiceStub(self._channel)

    def close(self) -> None:
        """Close the connection, for good; a call under way fails."""
        with self._lock:
            self._is_closed = True
            self._close_channel()

    def _close_channel(self) -> None:
        watched, self._watched = self._watched, None
        if watched is not None:
            watched.unwatch()
            time.sleep(_POLLED_S)
        self._channel.close()

    def _has_arrived(self, missing: Sequence[Cut]) -> bool:
        """Ask for each of these tails; one in trouble hides no other, and comes last next time."""
        num_ready = num_unanswered = 0
        for cut in sorted(missing, key=lambda cut: cut.id in self._troubled):
            name = str(TailName(self._graph.name, self._graph.sha256, cut.id))
            try:
                num_ready += self._is_ready(name, cut)
            except LocalProtocolError:
                raise  # the channel is closed: no tail's trouble
            except CutpointError as error:
                if cut.id not in self._troubled:
                    self._troubled.add(cut.id)
                    _log.warning("tail %s: %s", name, error)
                num_unanswered += isinstance(error, TransportError)
                if num_unanswered >= _MOST_UNANSWERED:
                    break
        return num_ready > 0

    def _is_ready(self, name: str, cut: Cut) -> bool:
        with mapped_errors(self._address):
            request = messages.ModelReadyRequest(name=name)
            if self._stub.ModelReady(request, timeout=self._ask_timeout_s()).ready:
                return True
        if cut.id not in self._asked_for:
            self._ask_for(name, cut)
            self._asked_for.add(cut.id)
        return False

    def _ask_for(self, name: str, cut: Cut) -> None:
        """
        Name the values: a cut of the device's own table is none of the server's candidates.

        Raises
        ------
        TransportError, OverloadedError
            If there was no answer, or none yet; a refusal is one.
        """
        request = messages.RepositoryModelLoadRequest(model_name=name)
        request.parameters[CROSSING].string_param = "\n".join(cut.crossing)
        try:
            with mapped_errors(self._address):
                self._stub.RepositoryModelLoad(request, timeout=self._ask_timeout_s())
        except (TransportError, LocalProtocolError, OverloadedError):
            raise
        except CutpointError as error:
            _log.warning("tail %s is not to be had: %s", name, error)

    def _ask_timeout_s(self) -> float:
        return _ASK_TIMEOUT_S + _ROUND_TRIPS * (self._link.round_trip_s or 0.0)

    def _connect_plain(self) -> Transport:
        self._golden.refuse_what_none_knows()
        transport = PlainTransport(
            self._channel,
            self._address,
            self._graph.name,
            link=self._link,
            clock=self._clock,
            on_failure=self._on_failure,
            on_probe=self._on_probe,
            on_load=self._on_load,
            on_slow=self._on_slow,
        )
        self._watched = transport
        try:
            transport.wait_until_watched()
            self.measure(transport, _PROBE_TIMEOUT_S)
            whole_s = self._tail_s(transport)
            transport.hold(ForeignHoldings(whole_s, self._graph.sizes))
            self._look_for_tails(transport)
            transport.look_into()
        except BaseException as error:
            transport.close(f"not connected: {error}")
            raise
        self._checked_at_s = self._clock()
        return transport

    def _look_for_tails(self, transport: PlainTransport) -> None:
        """Take up each tail that is there and answers as this device's own does."""
        for tail in find_tails(self._stub, self._graph, self._cuts, self._typed):
            if tail.name not in transport.holdings.tails:
                self._take_up(transport, tail)

    def _take_up(self, transport: PlainTransport, tail: ForeignTail) -> None:
        try:
            tail_s = self._tail_s(transport, tail)
        except CutpointError as error:
            if transport.ended is not None:
                raise
            _log.warning("tail %s is not used: %s", tail.name, error)
        else:
            transport.hold(transport.holdings.with_tail(tail, tail_s))

    def _tail_s(self, transport: PlainTransport, tail: ForeignTail | None = None) -> float:
        """Compare the server's answers with the device's; give the server's time."""
        took_s = min(self._golden.took_s(transport, tail) for _ in range(_REFERENCE_RUNS))
        link = self._link.conditions()
        if link is None:
            raise ConnectError(f"server {self._address}: the link could not be measured")
        upload_s = self._golden.up_bytes(tail) / link.bandwidth_up_bytes_per_s
        return max(took_s - link.round_trip_s - upload_s, 1e-4)

    def _checked_again(self, transport: PlainTransport) -> Told | None:
        """Ask the same once more: a server may take up other models while it runs."""
        if self._clock() - self._checked_at_s < RECHECK_EVERY_S:
            return None
        transport.renew_witness()
        self._golden.took_s(transport)
        before = transport.holdings
        for tail in before.tails.values():
            self._check_tail(transport, tail)
        self._look_for_tails(transport)
        transport.look_into()
        self._checked_at_s = self._clock()
        if transport.holdings is before:
            return None
        return Told(transport.costs, transport.tails, transport.decoding)

    def _check_tail(self, transport: PlainTransport, tail: ForeignTail) -> None:
        try:
            self._golden.took_s(transport, tail)
        except CutpointError as error:
            if transport.ended is not None:
                raise
            transport.withdraw(tail.name, str(error))
