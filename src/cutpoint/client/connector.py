"""From an address to an open transport: the handshake, and the first measurement."""

import logging
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from cutpoint.client.framed import FramedTransport
from cutpoint.client.handshake import check_digest, fetch_holdings, server_costs
from cutpoint.client.offload import Offload, OffloadRequest
from cutpoint.client.plain import PlainTransport
from cutpoint.client.transport import Transport
from cutpoint.cost import HostCosts
from cutpoint.estimation import LinkEstimator
from cutpoint.exceptions import (
    ConnectError,
    CutpointError,
    LocalProtocolError,
    ModelMismatchError,
    TransportError,
)
from cutpoint.graph import TEXT, Arrays, Cut, Graph, server_only
from cutpoint.inference import Answered, OffloadFailed
from cutpoint.wire.channel import open_channel
from cutpoint.wire.chunks import Assembly, Chunker
from cutpoint.wire.datatypes import is_standard
from cutpoint.wire.errors import mapped_errors
from cutpoint.wire.holdings import Holdings
from cutpoint.wire.names import TailName
from cutpoint.wire.protocol import CROSSING, messages, services
from cutpoint.wire.specs import output_specs

_log = logging.getLogger(__name__)

_FIRST_PROBES = 3
_ASK_EVERY_S = 1.0
"""How often a tail that is wanted and not there is asked for."""

_MOST_UNANSWERED = 2
"""Questions without an answer that end a round: each waits for seconds."""

_PROBE_TIMEOUT_S = 2.0
_REFERENCE_TIMEOUT_S = 30.0
_REFERENCE_RUNS = 3
_SAME = 1e-3
"""Largest difference from the device's outputs, relative to their largest: other runtimes
and processors round differently, other weights differ by far more."""


class Connector:
    """
    Opens transports to one server.

    Parameters
    ----------
    address, graph, cuts, reference
        As for `ServerConnection`.
    link
        Told what the first probes measure.
    clock
        Gives the session's time in seconds.
    on_failure
        Handed to the transport.
    """

    def __init__(
        self,
        address: str,
        graph: Graph,
        cuts: Sequence[Cut],
        link: LinkEstimator,
        clock: Callable[[], float],
        on_failure: Callable[[CutpointError, float], None],
        reference: Callable[[], tuple[Arrays, Arrays]],
    ) -> None:
        self._address = address
        self._graph = graph
        self._cuts = tuple(cuts)
        self._link = link
        self._clock = clock
        self._on_failure = on_failure
        self._reference = reference
        self._asked_at_s = float("-inf")
        self._asked_for: set[str] = set()
        self._troubled: set[str] = set()
        self._channel = open_channel(address)
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
        costs, tails = self._told(holdings)
        transport = FramedTransport(
            self._stub,
            self._address,
            costs=costs,
            tails=tails,
            link=self._link,
            clock=self._clock,
            on_failure=self._on_failure,
        )
        for _ in range(_FIRST_PROBES):
            transport.measure()
            if not transport.prober.answered.wait(_PROBE_TIMEOUT_S):
                transport.close(transport.ended or "no answer to the first probe")
                raise ConnectError(f"server {self._address} did not answer the first probe")
        return transport

    def renewed(self, transport: Transport) -> tuple[HostCosts, frozenset[str]] | None:
        """
        Ask for wanted tails the server does not hold; give what it tells once one is there.

        Raises
        ------
        CutpointError
            If the server is not reached.
        """
        if isinstance(transport, PlainTransport):
            return None
        if self._clock() - self._asked_at_s < _ASK_EVERY_S:
            return None
        self._asked_at_s = self._clock()
        if not self._has_arrived([cut for cut in self._cuts if cut.id not in transport.tails]):
            return None
        holdings = fetch_holdings(self._stub, self._address, self._graph.name)
        if holdings is None:
            return None
        return self._told(holdings)

    def reset(self) -> None:
        """Begin with a fresh connection next time."""
        self._channel.close()
        self._channel = open_channel(self._address)
        self._stub = services.GRPCInferenceServiceStub(self._channel)

    def close(self) -> None:
        """Close the connection."""
        self._channel.close()

    def _told(self, holdings: Holdings) -> tuple[HostCosts, frozenset[str]]:
        return server_costs(self._graph, holdings, self._cuts), frozenset(holdings.tails)

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
            if self._stub.ModelReady(request, timeout=_PROBE_TIMEOUT_S).ready:
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
        TransportError
            If there was no answer; a refusal is one.
        """
        request = messages.RepositoryModelLoadRequest(model_name=name)
        request.parameters[CROSSING].string_param = "\n".join(cut.crossing)
        try:
            with mapped_errors(self._address):
                self._stub.RepositoryModelLoad(request, timeout=_PROBE_TIMEOUT_S)
        except (TransportError, LocalProtocolError):
            raise
        except CutpointError as error:
            _log.warning("tail %s is not to be had: %s", name, error)

    def _connect_plain(self) -> Transport:
        self._check_is_standard()
        transport = PlainTransport(
            self._stub,
            self._address,
            self._graph.name,
            link=self._link,
            clock=self._clock,
            on_failure=self._on_failure,
        )
        for _ in range(_FIRST_PROBES):
            transport.measure()
        transport.set_tail_s(self._check_by_answer(transport), self._graph.sizes)
        return transport

    def _check_is_standard(self) -> None:
        """Refuse to send what no other server of the protocol knows."""
        for name in self._graph.inputs:
            dtype = self._graph.values[name].dtype
            if dtype is not None and not is_standard(dtype):
                raise ConnectError(
                    f"server {self._address} is no cutpoint server and the protocol has no name "
                    f"for {dtype}, the type of input {name!r}: run `cutpoint serve` there"
                )

    def _check_by_answer(self, transport: PlainTransport) -> float:
        """Compare the server's answer with the device's; give the server's time."""
        feed, outputs = self._reference()
        took_s = min(self._ask(transport, feed, outputs) for _ in range(_REFERENCE_RUNS))
        link = self._link.conditions()
        if link is None:
            raise ConnectError(f"server {self._address}: the link could not be measured")
        up_bytes = sum(array.nbytes for array in feed.values())
        return max(took_s - link.round_trip_s - up_bytes / link.bandwidth_up_bytes_per_s, 1e-4)

    def _ask(self, transport: PlainTransport, feed: Arrays, outputs: Arrays) -> float:
        graph = self._graph
        expected = output_specs(graph, server_only(graph))
        request = OffloadRequest(
            graph.name, {}, Chunker(tuple(feed.items())), Assembly(expected, self._address)
        )
        offload = Offload(0, request)
        began_s = self._clock()
        transport.send(offload)
        event = offload.next_event(began_s + _REFERENCE_TIMEOUT_S, began_s)
        if isinstance(event, OffloadFailed):
            raise ConnectError(f"server {self._address} did not answer: {event.reason}")
        if not isinstance(event, Answered):
            raise ConnectError(f"server {self._address} did not answer in time")
        for name, wanted in outputs.items():
            if not _are_alike(offload.outputs[name], wanted):
                raise ModelMismatchError(
                    f"server {self._address} gives another {name!r} for {graph.name!r} than this "
                    "device: give both the same model file"
                )
        return event.at_s - began_s


def _are_alike(given: NDArray[np.generic], wanted: NDArray[np.generic]) -> bool:
    """Tell whether an answer is the device's, but for rounding."""
    if given.shape != wanted.shape:
        return False
    if str(wanted.dtype) == TEXT or not wanted.size:
        return bool(np.array_equal(given, wanted))
    difference = np.max(np.abs(given.astype(float) - wanted.astype(float)))
    return bool(difference <= _SAME * np.max(np.abs(wanted.astype(float))))
