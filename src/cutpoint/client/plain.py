"""Whole requests to any server of the protocol: Triton, KServe, MLServer, ..."""

from collections.abc import Callable
from threading import Lock
from typing import Any

import grpc

from cutpoint.client.offload import Offload
from cutpoint.client.transport import PROBE_IDLE_S
from cutpoint.cost import HostCosts
from cutpoint.estimation import LinkEstimator
from cutpoint.exceptions import CutpointError, RemoteProtocolError
from cutpoint.graph import SERVER_ONLY, Sizes
from cutpoint.wire.chunks import Chunk
from cutpoint.wire.errors import rpc_error
from cutpoint.wire.protocol import messages
from cutpoint.wire.tensors import spec_of

_PROBE_BYTES = 16 * 1024
_PROBE_TIMEOUT_S = 5.0
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
    Sends the model's inputs by ModelInfer and nothing of our own.

    Such a server tells neither digest nor times: it was checked by its answer to
    one input, and its time is what the wire took minus the fitted link.

    Parameters
    ----------
    stub
        Of the server's service.
    address
        For messages.
    model
        Name of the model at the server.
    link
        What is believed of the link.
    clock
        Gives the session's time in seconds.
    on_failure
        Told when a request fails, before the request is.
    """

    tails = frozenset({SERVER_ONLY})

    def __init__(
        self,
        stub: Any,
        address: str,
        model: str,
        *,
        link: LinkEstimator,
        clock: Callable[[], float],
        on_failure: Callable[[CutpointError, float], None],
    ) -> None:
        self.costs = HostCosts(0.0, {}, {SERVER_ONLY: 0.0}, frozenset())
        self._stub = stub
        self._address = address
        self._model = model
        self._link = link
        self._clock = clock
        self._on_failure = on_failure
        self._lock = Lock()
        self._calls: dict[int, Any] = {}
        self._last_used_s = clock()
        self._ended: str | None = None

    @property
    def ended(self) -> str | None:
        """Why the connection is over; ``None`` while it is open."""
        return self._ended

    def set_tail_s(self, tail_s: float, sizes: Sizes) -> None:
        """Set what the whole model takes there when idle, at these sizes of open dimensions."""
        self.costs = HostCosts(tail_s, {}, {SERVER_ONLY: tail_s}, frozenset(), sizes)

    def send(self, offload: Offload) -> None:
        """Send a whole request."""
        request = messages.ModelInferRequest(model_name=self._model, id=str(offload.number))
        for chunk in offload.request.chunker.all(1 << 62):
            tensor = request.inputs.add(name=chunk.spec.name, datatype=chunk.spec.datatype)
            tensor.shape.extend(chunk.spec.dims)
            request.raw_input_contents.append(chunk.payload)
        offload.first_sent_at_s = self._last_used_s = self._clock()
        try:
            call = self._stub.ModelInfer.future(request)
        except ValueError:  # gRPC's word for a channel that was closed meanwhile
            offload.fail(self._clock(), self._ended or f"no connection to {self._address}")
            return
        with self._lock:
            self._calls[offload.number] = call
        call.add_done_callback(lambda done: self._done(offload, done))

    def cancel(self, offload: Offload, at_s: float) -> None:
        """Drop a request here and at the server."""
        with self._lock:
            call = self._calls.pop(offload.number, None)
        if call is not None:
            call.cancel()

    def probe(self) -> None:
        """Measure the link if nothing was sent for a while."""
        now_s = self._clock()
        with self._lock:
            is_idle = not self._calls and now_s - self._last_used_s >= PROBE_IDLE_S
        if is_idle:
            self._last_used_s = now_s
            self.measure()

    def measure(self) -> None:
        """
        Measure the link now.

        Asks whether a model of a very long name is ready: every server of the protocol
        reads the whole question and answers in a few bytes.
        """
        empty_s = self._ask(0)
        self._link.observe_round_trip(empty_s)
        padded_s = self._ask(_PROBE_BYTES)
        self._link.up.observe(_PROBE_BYTES, max(padded_s - empty_s, _LEAST_S))

    def close(self, reason: str) -> None:
        """End it; what is under way fails."""
        self._ended = reason
        with self._lock:
            calls = tuple(self._calls.values())
        for call in calls:
            call.cancel()

    def _ask(self, size_bytes: int) -> float:
        request = messages.ModelReadyRequest(name="x" * max(size_bytes, 1))
        began_s = self._clock()
        try:
            self._stub.ModelReady(request, timeout=_PROBE_TIMEOUT_S)
        except grpc.RpcError as error:
            if error.code() in _NO_ANSWER:
                raise rpc_error(error, self._address) from error
        return self._clock() - began_s

    def _done(self, offload: Offload, call: Any) -> None:
        at_s = self._clock()
        with self._lock:
            if self._calls.pop(offload.number, None) is None:
                return
        try:
            response = call.result()
            for chunk in _pieces(response):
                offload.request.assembly.add(chunk)
            if not offload.request.assembly.is_complete:
                raise RemoteProtocolError(f"server {self._address} answered with fewer tensors")
        except grpc.RpcError as error:
            self._failed(offload, rpc_error(error, self._address), at_s)
        except grpc.FutureCancelledError:
            offload.fail(at_s, self._ended or "cancelled")
        except CutpointError as error:
            self._failed(offload, error, at_s)
        else:
            arrays = offload.request.assembly.arrays()
            if self.costs.sizes:
                offload.idle_s = self._not_on_link_s(offload, at_s)
                offload.answer(at_s, arrays, 0.0, offload.idle_s)
            else:
                self._learn(offload, at_s)
                offload.answer(at_s, arrays, 0.0, self.costs.whole_s)

    def _not_on_link_s(self, offload: Offload, at_s: float) -> float:
        """Give the server's time where it varies with the input: what the link does not explain."""
        took_s = at_s - (offload.first_sent_at_s or at_s)
        link = self._link.conditions()
        if link is None:
            return max(took_s, _LEAST_S)
        upload_s = offload.request.chunker.size_bytes / link.bandwidth_up_bytes_per_s
        return max(took_s - link.round_trip_s - upload_s, _LEAST_S)

    def _learn(self, offload: Offload, at_s: float) -> None:
        took_s = at_s - (offload.first_sent_at_s or at_s)
        on_link_s = took_s - self.costs.whole_s - (self._link.round_trip_s or 0.0)
        if self.costs.whole_s:
            self._link.up.observe(offload.request.chunker.size_bytes, max(on_link_s, _LEAST_S))

    def _failed(self, offload: Offload, error: CutpointError, at_s: float) -> None:
        self._on_failure(error, at_s)
        offload.fail(at_s, str(error))


def _pieces(response: Any) -> list[Chunk]:
    contents = list(response.raw_output_contents)
    if len(contents) != len(response.outputs):
        raise RemoteProtocolError("the server did not answer with raw contents")
    return [
        Chunk(spec_of(t.name, t.datatype, t.shape), index, len(contents), 0, raw, len(raw))
        for index, (t, raw) in enumerate(zip(response.outputs, contents, strict=True))
    ]
