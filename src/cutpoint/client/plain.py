"""Whole requests to any server of the protocol: Triton, KServe, MLServer, ..."""

import logging
from collections.abc import Callable
from threading import Event, Lock
from typing import Any

import grpc

from cutpoint.client.foreign_holdings import ForeignHoldings
from cutpoint.client.foreign_load import ForeignLoad
from cutpoint.client.offload import Offload
from cutpoint.client.plain_request import plain_request
from cutpoint.client.plain_times import PlainTimes
from cutpoint.client.policy_probes import WaitedProbes
from cutpoint.client.untold_times import Slow, UntoldTimes
from cutpoint.client.witness import Witness
from cutpoint.estimation import LinkEstimator, ProbeBudget
from cutpoint.estimation.blame import carried_bytes_per_s
from cutpoint.exceptions import (
    ConnectionLostError,
    CutpointError,
    DeadlineExceededError,
    ModelMismatchError,
    OverloadedError,
    RemoteProtocolError,
    TransportError,
)
from cutpoint.records import LoadReport, ProbeRequest, ProbeSample
from cutpoint.wire.chunks import Chunk
from cutpoint.wire.errors import rpc_error
from cutpoint.wire.protocol import messages, number, services
from cutpoint.wire.tensors import spec_of

_log = logging.getLogger(__name__)

_PROBE_BYTES = 16 * 1024
_EMPTY_TIMEOUT_S, _PROBE_TIMEOUT_S = 1.0, 5.0
_LONGEST_S = 60.0
"""No request is waited for longer, whatever its deadline."""

_READY_S = 2.0
"""How long gRPC may take to tell that the channel is connected."""

_LEAST_S = 1e-4
_NO_ANSWER = (
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.CANCELLED,
    grpc.StatusCode.UNIMPLEMENTED,
)
"""Any other code is the server's word on the question: it has read it to its end."""


class PlainTransport:
    """
    Sends the inputs of models by ModelInfer and nothing of our own.

    Such a server tells neither digest nor times: it was checked by its answer to
    one input, and its time is what the wire took minus the fitted link. What was checked
    holds for one connection: with it the transport ends, and no answer that comes after
    its end is trusted, for it may be another server's.

    A tail is one more model of its own there. One that fails is no longer used; the server and
    its other models are.

    Parameters
    ----------
    channel
        The connection; closed by whoever opened it.
    address
        For messages.
    model
        Name of the whole model at the server.
    link
        What is believed of the link.
    clock
        Gives the session's time in seconds.
    on_failure
        Told when a request fails, before the request is.
    on_probe
        Told of the answers to the probes of a policy.
    on_load
        Told what the server's statistics say of its load, where it has any.
    on_slow
        Told of late answers of one that has none, once the link was found not to blame.
    """

    takes_pieces = False

    def __init__(
        self,
        channel: Any,
        address: str,
        model: str,
        *,
        link: LinkEstimator,
        clock: Callable[[], float],
        on_failure: Callable[[CutpointError, float], None],
        on_probe: Callable[[ProbeSample], None] = lambda sample: None,
        on_load: Callable[[LoadReport], None] = lambda report: None,
        on_slow: Slow = lambda at_s, began_s, tail_s, idle_s: None,
    ) -> None:
        self.hold(ForeignHoldings())
        self._channel = channel
        self._stub = services.GRPCInferenceServiceStub(channel)
        self._address = address
        self._model = model
        self._link = link
        self._clock = clock
        self._on_failure = on_failure
        self._lock = Lock()
        self._calls: dict[int, Any] = {}
        self._changing = Lock()
        self._last_used_s = self.last_heard_s = clock()
        self._ended: str | None = None
        self._was_ready = Event()
        self._former = self._witness = Witness(address, _EMPTY_TIMEOUT_S)
        self._versions: dict[str, str] = {}
        self._budget = ProbeBudget()
        self._untold = UntoldTimes(link, _PROBE_BYTES, on_slow)
        self._load = ForeignLoad(self._stub, model, clock=clock, on_load=on_load)
        self._times = PlainTimes(link, self._load, self._untold)
        self._policy_probes = WaitedProbes(self._ask, clock, on_probe)
        channel.subscribe(self._connectivity)

    def __repr__(self) -> str:
        return f"<PlainTransport {self._address}: {self._ended or 'open'}>"

    @property
    def ended(self) -> str | None:
        """Why the connection is over; ``None`` while it is open."""
        return self._ended

    @property
    def waits_since_s(self) -> float | None:
        """Since when something under way was not heard of; ``None`` while nothing is."""
        with self._lock:
            is_idle = not self._calls
        return None if is_idle else max(self._last_used_s, self.last_heard_s)

    def wait_until_watched(self) -> None:
        """
        Wait until the end of the connection would be noticed: what is checked after holds.

        Raises
        ------
        ConnectionLostError
            If it is not connected any more.
        """
        if not self._was_ready.wait(_READY_S) or self._ended is not None:
            raise ConnectionLostError(self._ended or f"no connection to {self._address}")

    def unwatch(self) -> None:
        """Look at the connection no longer; the channel may be closed a moment later."""
        self._channel.unsubscribe(self._connectivity)

    def renew_witness(self) -> None:
        """
        Open another witness before a check; servers end connections that say nothing.

        Raises
        ------
        ConnectionLostError
            If the one before has ended: who is there now may be another process.
        ConnectError
            If nobody takes the connection.
        """
        if not self._witness.is_there:
            self._end(f"server {self._address} ended the connection")
            raise ConnectionLostError(f"server {self._address} has ended since it was checked")
        newer = Witness(self._address, _EMPTY_TIMEOUT_S)
        self._former.close()  # the one before is perhaps being looked at
        self._former, self._witness = self._witness, newer

    def hold(self, holdings: ForeignHoldings) -> None:
        """Take up what was found at the server, and what that takes when idle."""
        self.holdings = holdings
        self.tails = holdings.cut_ids
        self.decoding = holdings.decoding
        self.costs = holdings.costs  # last: whoever sees them compiles a table of all three

    def look_into(self) -> None:
        """Find out which models what is held is made of, to tell their load together."""
        self._load.follow((self._model, *self.holdings.tails))

    def withdraw(self, name: str, reason: str) -> None:
        """Use a tail no longer."""
        with self._changing:
            if name in self.holdings.tails:
                _log.warning("tail %s is left alone: %s", name, reason)
                self.hold(self.holdings.without(name))

    def send(self, offload: Offload) -> None:
        """Send a whole request."""
        try:
            request = plain_request(offload, self._model, self.holdings, self._address)
        except CutpointError as error:
            offload.fail(self._clock(), error)
            return
        remaining_s = number(offload.request.parameters, "remaining_s", _LONGEST_S)
        offload.began_at_s = offload.first_sent_at_s = self._last_used_s = self._clock()
        try:
            call = self._stub.ModelInfer.future(request, timeout=min(remaining_s, _LONGEST_S))
        except ValueError:  # gRPC's word for a channel that was closed meanwhile
            reason = self._ended or f"no connection to {self._address}"
            offload.fail(self._clock(), ConnectionLostError(reason))
            return
        with self._lock:
            self._calls[offload.number] = call
        name = request.model_name
        self._load.asked(name, offload.request.chunker.size_bytes)
        call.add_done_callback(lambda done: self._done(offload, name, done))

    def more(self, offload: Offload) -> None:
        """Do nothing: a whole request leaves at once."""

    def cancel(self, offload: Offload, at_s: float, *, is_late: bool = True) -> None:
        """Drop a request here and at the server; its lateness says something of either."""
        with self._lock:
            call = self._calls.pop(offload.number, None)
        if call is None:
            return
        call.cancel()
        if is_late:
            self._untold.given_up(offload, at_s)

    def remaining_s(self, offload: Offload, at_s: float) -> float | None:
        """Tell nothing: of a whole request nothing is heard before its answer."""
        return None

    def most_bytes_per_s(self, at_s: float) -> float | None:
        """Tell nothing, for the same reason."""
        return None

    def probe(self) -> None:
        """Ask for the load, and measure the link if nothing was sent for a while."""
        self._load.poll()
        now_s = self._clock()
        with self._lock:
            rate = self._link.up.bytes_per_s
            is_idle = not self._calls and now_s >= self._budget.next_s(self._last_used_s, rate)
            size_bytes = self._budget.payload_bytes(rate)
            if is_idle:
                self._budget.spend(now_s, rate)
        if is_idle or self._untold.wants_probe:
            self._last_used_s = now_s
            self._measure(_PROBE_BYTES if self._untold.wants_probe else size_bytes)

    def measure(self) -> None:
        """
        Measure the link now.

        Asks whether a model of a very long name is ready: every server of the protocol
        reads the whole question and answers in a few bytes.
        """
        self._measure(_PROBE_BYTES)

    def _measure(self, size_bytes: int) -> None:
        empty_s = self._ask(0)
        held_up_s = max(empty_s - (self._link.least_round_trip_s or empty_s), 0.0)
        self._link.observe_round_trip(empty_s)
        padded_s = self._ask(size_bytes)
        spacing_s = max(padded_s - empty_s, _LEAST_S)
        self._link.observe_probe(size_bytes, spacing_s, self.last_heard_s)
        carried = carried_bytes_per_s(size_bytes, spacing_s, held_up_s)
        self._untold.probed(carried, self.last_heard_s)

    def probe_for(self, request: ProbeRequest) -> None:
        """Send the probes that a policy asks for, one after the other."""
        self._policy_probes.begin(request)

    def is_probing(self) -> bool:
        """Tell whether those of an earlier request are under way."""
        return self._policy_probes.is_busy

    def close(self, reason: str) -> None:
        """End it; what is under way fails."""
        self._end(reason)
        self.unwatch()
        for witness in (self._former, self._witness):
            witness.close()
        with self._lock:
            calls = tuple(self._calls.values())
        for call in calls:
            call.cancel()

    def _end(self, reason: str) -> None:
        if self._ended is None:
            self._ended = reason

    def _connectivity(self, state: grpc.ChannelConnectivity) -> None:
        """Take gRPC's word on the connection; it opens a lost one again without asking."""
        if state is grpc.ChannelConnectivity.READY:
            self._was_ready.set()
        elif self._was_ready.is_set():
            self._end(f"server {self._address} ended the connection")

    def _ask(self, size_bytes: int) -> float:
        request = messages.ModelReadyRequest(name="x" * max(size_bytes, 1))
        timeout_s = _PROBE_TIMEOUT_S if size_bytes else _EMPTY_TIMEOUT_S
        began_s = self._clock()
        try:
            self._stub.ModelReady(request, timeout=timeout_s)
        except grpc.RpcError as error:
            if error.code() == grpc.StatusCode.UNAVAILABLE:
                self._end(str(rpc_error(error, self._address)))
            if error.code() in _NO_ANSWER:
                raise rpc_error(error, self._address) from error
        self.last_heard_s = self._clock()
        return self.last_heard_s - began_s

    def _done(self, offload: Offload, model: str, call: Any) -> None:
        at_s = self._clock()
        with self._lock:
            if self._calls.pop(offload.number, None) is None:
                return
        try:
            self._take(offload, model, call, at_s)
        except Exception as error:  # a bug of ours: gRPC would swallow it, and nobody hear of it
            _log.exception("reading from %s", self._address)
            told = f"server {self._address}: an answer could not be read: {error!r}"
            self._failed(offload, model, RemoteProtocolError(told), at_s)

    def _take(self, offload: Offload, model: str, call: Any, at_s: float) -> None:
        try:
            response = call.result()
            self._check_is_trusted(response, model, is_check=offload.number == 0)
            self.last_heard_s = at_s
            for chunk in _pieces(response):
                offload.request.assembly.add(chunk)
            if not offload.request.assembly.is_complete:
                raise RemoteProtocolError(f"server {self._address} answered with fewer tensors")
            arrays = offload.request.assembly.arrays()
        except grpc.RpcError as error:
            self._failed(offload, model, rpc_error(error, self._address), at_s)
        except grpc.FutureCancelledError:
            offload.fail(at_s, ConnectionLostError(self._ended or "cancelled"))
        except CutpointError as error:
            self._failed(offload, model, error, at_s)
        else:
            holdings = self.holdings
            if holdings.sizes:
                offload.idle_s = self._times.not_on_link_s(offload, at_s)
                offload.answer(at_s, arrays, 0.0, offload.idle_s)
            else:
                idle_s = holdings.whole_s if model == self._model else holdings.tail_s.get(model, 0)
                offload.idle_s = idle_s
                wait_s, tail_s = self._times.learned(offload, idle_s, at_s)
                offload.answer(at_s, arrays, wait_s, tail_s)

    def _check_is_trusted(self, response: Any, model: str, *, is_check: bool) -> None:
        """Refuse an answer that may be of another process, or of another version, than checked."""
        if not self._witness.is_there:
            self._end(f"server {self._address} has ended since it was checked")
        if self._ended is not None:
            raise ConnectionLostError(f"{self._ended}: its answer is not trusted")
        if is_check:
            self._versions[model] = response.model_version
        elif response.model_version != self._versions.get(model):
            raise ModelMismatchError(
                f"server {self._address} answers with version {response.model_version!r} of "
                f"{model!r}, and version {self._versions.get(model)!r} was checked"
            )

    def _failed(self, offload: Offload, model: str, error: CutpointError, at_s: float) -> None:
        if model != self._model and self._is_the_tails(error):
            self.withdraw(model, str(error))
            offload.fail(at_s, error)
            return
        if isinstance(error, TransportError) and not isinstance(error, DeadlineExceededError):
            self._end(str(error))  # gRPC connects again by itself, to whoever is there then
        self._on_failure(error, at_s)
        offload.fail(at_s, error)

    def _is_the_tails(self, error: CutpointError) -> bool:
        """Tell whether a tail alone is in trouble: a model that is gone is UNAVAILABLE at some."""
        if isinstance(error, OverloadedError | DeadlineExceededError):
            return False
        if isinstance(error, TransportError):
            return self._ended is None and self._witness.is_there
        return True


def _pieces(response: Any) -> list[Chunk]:
    contents = list(response.raw_output_contents)
    if len(contents) != len(response.outputs):
        raise RemoteProtocolError("the server did not answer with raw contents")
    return [
        Chunk(spec_of(t.name, t.datatype, t.shape), index, len(contents), 0, raw, len(raw))
        for index, (t, raw) in enumerate(zip(response.outputs, contents, strict=True))
    ]
