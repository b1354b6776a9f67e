"""The framed stream to a cutpoint peer."""

import itertools
import logging
from collections.abc import Callable
from threading import Lock, Thread
from typing import Any

import grpc

from cutpoint.client.answers import Answers
from cutpoint.client.offload import Offload
from cutpoint.client.outbox import Outbox
from cutpoint.client.prober import Prober
from cutpoint.client.transport import PROBE_IDLE_S
from cutpoint.cost import HostCosts
from cutpoint.estimation import LinkEstimator
from cutpoint.exceptions import CutpointError
from cutpoint.wire import frames
from cutpoint.wire.errors import rpc_error
from cutpoint.wire.protocol import ACK

_log = logging.getLogger(__name__)

_PROBE_NUMBERS = 1 << 40
"""Probes count from here, requests from 1."""


class FramedTransport:
    """
    One stream, one thread that reads it; gRPC's own thread sends from the outbox.

    Parameters
    ----------
    stub
        Of the server's service.
    address
        For messages.
    costs, tails
        What the server told in the handshake.
    link
        What is believed of the link.
    clock
        Gives the session's time in seconds.
    on_failure
        Told when a request fails, before the request is: why, and at what time.
    """

    def __init__(
        self,
        stub: Any,
        address: str,
        *,
        costs: HostCosts,
        tails: frozenset[str],
        link: LinkEstimator,
        clock: Callable[[], float],
        on_failure: Callable[[CutpointError, float], None],
    ) -> None:
        self.costs = costs
        self.tails = tails
        self._address = address
        self._clock = clock
        self._on_failure = on_failure
        self._outbox = Outbox(link, clock)
        self._answers = Answers(self._outbox, link)
        self.prober = Prober(link, self._outbox.put_control)
        self._probe_numbers = itertools.count(_PROBE_NUMBERS, 2)
        self._lock = Lock()
        self._offloads: dict[int, Offload] = {}
        self._last_used_s = clock()
        self._ended: str | None = None
        self._call = stub.ModelStreamInfer(self._outbox)
        self._reader = Thread(target=self._read, name=f"cutpoint-{address}", daemon=True)
        self._reader.start()

    def __repr__(self) -> str:
        state = self._ended or f"{len(self._offloads)} under way"
        return f"<FramedTransport {self._address}: {state}>"

    @property
    def ended(self) -> str | None:
        """Why the stream is over; ``None`` while it is open."""
        return self._ended

    def send(self, offload: Offload) -> None:
        """Begin to send a request."""
        with self._lock:
            self._last_used_s = self._clock()
            if self._ended is None:
                offload.began_at_s = self._last_used_s
                self._offloads[offload.number] = offload
                self._outbox.put(offload)
                return
        offload.fail(self._clock(), self._ended)

    def cancel(self, offload: Offload, at_s: float) -> None:
        """Drop a request here and at the server; its lateness says something of the link."""
        self._outbox.note_stall(at_s)
        self._outbox.drop(offload)
        with self._lock:
            self._offloads.pop(offload.number, None)
        self._outbox.put_control(frames.cancel_request(offload.number))

    def probe(self) -> None:
        """Measure the link if nothing was sent for a while."""
        now_s = self._clock()
        with self._lock:
            is_idle = not self._offloads and now_s - self._last_used_s >= PROBE_IDLE_S
            if is_idle:
                self._last_used_s = now_s
        if is_idle:
            self.measure()

    def measure(self) -> None:
        """Send a probe now."""
        self.prober.send(next(self._probe_numbers), self._clock())

    def close(self, reason: str) -> None:
        """End the stream and its threads."""
        self._end(reason)
        self._call.cancel()
        self._reader.join(timeout=2.0)

    def _read(self) -> None:
        reason = f"server {self._address} ended the stream"
        try:
            for message in self._call:
                self._take(message)
        except grpc.RpcError as error:
            reason = str(rpc_error(error, self._address))
        except Exception as error:  # a bug of ours: the stream must not look open after it
            _log.exception("reading from %s", self._address)
            reason = f"server {self._address}: an answer could not be read: {error!r}"
        self._end(reason)

    def _take(self, message: Any) -> None:
        at_s = self._clock()
        identity = message.infer_response.id
        number = int(identity) if identity.isdecimal() else -1
        if number >= _PROBE_NUMBERS:
            self.prober.take(number, at_s)
            return
        if frames.kind_of(message.infer_response) == ACK:
            self._outbox.acknowledge(number, at_s)
        with self._lock:
            offload = self._offloads.get(number)
            self._last_used_s = at_s
        if offload is None:
            return  # of a request that was cancelled
        error = self._answers.take(offload, message, at_s)
        if error is not None:
            self._failed(offload, error, at_s)
        elif offload.request.assembly.is_complete:
            with self._lock:
                self._offloads.pop(number, None)

    def _failed(self, offload: Offload, error: CutpointError, at_s: float) -> None:
        self._outbox.drop(offload)
        with self._lock:
            self._offloads.pop(offload.number, None)
        self._on_failure(error, at_s)
        offload.fail(at_s, str(error))

    def _end(self, reason: str) -> None:
        with self._lock:
            if self._ended is not None:
                return
            self._ended = reason
            lost = tuple(self._offloads.values())
            self._offloads.clear()
        self._outbox.close()
        at_s = self._clock()
        for offload in lost:
            offload.fail(at_s, reason)
