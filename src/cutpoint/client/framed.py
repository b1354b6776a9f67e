"""The framed stream to a cutpoint peer."""

import itertools
import logging
from collections.abc import Callable
from threading import Lock, Thread, current_thread
from typing import Any

import grpc

from cutpoint.client.answers import Answers
from cutpoint.client.decoding import NO_DECODING, Decoding
from cutpoint.client.offload import Offload
from cutpoint.client.outbox import Outbox
from cutpoint.client.policy_probes import PolicyProbes
from cutpoint.client.prober import Prober
from cutpoint.cost import HostCosts
from cutpoint.estimation import LinkEstimator, ProbeBudget
from cutpoint.exceptions import ConnectionLostError, CutpointError, RemoteProtocolError
from cutpoint.records import LoadReport, ProbeRequest, ProbeSample
from cutpoint.wire import frames
from cutpoint.wire.errors import rpc_error
from cutpoint.wire.protocol import ACK, ERROR, KIND, get_parameters

_log = logging.getLogger(__name__)

_LONGEST_NUMBER = 20
_PROBE_NUMBERS = 1 << 40
"""Probes count from here, requests from 1."""


class FramedTransport:
    """
    One stream: gRPC's threads send from the outbox and hand over what comes.

    A frame is taken where it is parsed, on gRPC's thread: one thread less to be woken before
    whoever waits for an answer. Another of our own asks for the next.

    Parameters
    ----------
    channel
        To the server.
    address
        For messages.
    costs, tails, decoding
        What the server told in the handshake.
    link
        What is believed of the link.
    clock
        Gives the session's time in seconds.
    on_failure
        Told when a request fails, before the request is: why, and at what time.
    on_probe
        Told of the answers to the probes of a policy.
    on_load
        Told all that the server says of its load, on gRPC's thread: must neither wait nor raise.
    """

    takes_pieces = True

    def __init__(
        self,
        channel: Any,
        address: str,
        *,
        costs: HostCosts,
        tails: frozenset[str],
        decoding: Decoding = NO_DECODING,
        link: LinkEstimator,
        clock: Callable[[], float],
        on_failure: Callable[[CutpointError, float], None],
        on_probe: Callable[[ProbeSample], None] = lambda sample: None,
        on_load: Callable[[LoadReport], None] = lambda report: None,
    ) -> None:
        self.costs = costs
        self.tails = tails
        self.decoding = decoding
        self._address = address
        self._clock = clock
        self._link = link
        self._on_failure = on_failure
        self._outbox = Outbox(link, clock)
        self._answers = Answers(self._outbox, link, address, on_load)
        self.prober = Prober(link, self._outbox.put_control)
        self._budget = ProbeBudget()
        self._probe_numbers = itertools.count(_PROBE_NUMBERS, 2)
        self._policy_probes = PolicyProbes(self._send_probe, on_probe)
        self._lock = Lock()
        self._offloads: dict[int, Offload] = {}
        self.last_heard_s = self._last_used_s = clock()
        self._ended: CutpointError | None = None
        self._broken: Exception | None = None
        self._call: Any = frames.open_stream(channel, self._outbox, self._read_frame)
        self._reader = Thread(target=self._read, name=f"cutpoint-{address}", daemon=True)
        self._reader.start()

    def __repr__(self) -> str:
        state = self.ended or f"{len(self._offloads)} under way"
        return f"<FramedTransport {self._address}: {state}>"

    @property
    def ended(self) -> str | None:
        """Why the stream is over; ``None`` while it is open."""
        return None if self._ended is None else str(self._ended)

    @property
    def waits_since_s(self) -> float | None:
        """Since when something under way was not heard of; ``None`` while nothing is."""
        with self._lock:
            began = [offload.began_at_s for offload in self._offloads.values()]
        probed_at_s = self.prober.sent_at_s
        if probed_at_s is not None:
            began.append(probed_at_s)
        return max(min(began), self.last_heard_s) if began else None

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

    def more(self, offload: Offload) -> None:
        """Look whether more of a request may leave, now that more is encoded."""
        self._outbox.wake()

    def cancel(self, offload: Offload, at_s: float, *, is_late: bool = True) -> None:
        """Drop a request here and at the server; its lateness says something of the link."""
        if is_late:  # else it may have had less than a round trip
            self._outbox.note_stall(at_s)
        self._drop(offload)

    def remaining_s(self, offload: Offload, at_s: float) -> float | None:
        """Give what is left of an upload at the rate now seen, at least."""
        return self._outbox.remaining_s(offload, at_s)

    def most_bytes_per_s(self, at_s: float) -> float | None:
        """Give what the way up carries at most by what is under way, if that can be told."""
        return self._outbox.most_bytes_per_s(at_s)

    def probe(self) -> None:
        """Measure the link if nothing was sent for a while."""
        now_s = self._clock()
        with self._lock:
            rate = self._link.up.bytes_per_s
            is_idle = not self._offloads and now_s >= self._budget.next_s(self._last_used_s, rate)
            if is_idle:
                size_bytes = self._budget.payload_bytes(rate)
                self._budget.spend(now_s, rate)
                self._last_used_s = now_s
        if is_idle:
            self.prober.send(next(self._probe_numbers), now_s, size_bytes=size_bytes)

    def measure(self) -> None:
        """Send a probe now."""
        self.prober.send(next(self._probe_numbers), self._clock())

    def probe_for(self, request: ProbeRequest) -> None:
        """Send the probes that a policy asks for, one after the other."""
        self._policy_probes.begin(request, self._clock())

    def is_probing(self) -> bool:
        """Tell whether those of an earlier request are under way."""
        return self._policy_probes.is_busy(self._clock())

    def _send_probe(self, size_bytes: int) -> int:
        number = next(self._probe_numbers)
        self._outbox.put_control(frames.probe_request(number, size_bytes))
        return number

    def close(self, reason: str) -> None:
        """End the stream and its threads."""
        self._end(ConnectionLostError(reason))
        self._call.cancel()
        if current_thread() is not self._reader:  # where an unclosed session is collected
            self._reader.join(timeout=2.0)

    def _read(self) -> None:
        ended: CutpointError = ConnectionLostError(f"server {self._address} ended the stream")
        try:
            for _ in self._call:
                self._check_unbroken()
        except grpc.RpcError as error:
            ended = rpc_error(error, self._address)
        except RemoteProtocolError as error:
            ended = error
        except Exception as error:  # a bug of ours: the stream must not look open after it
            _log.exception("reading from %s", self._address)
            ended = RemoteProtocolError(
                f"server {self._address}: an answer could not be read: {error!r}"
            )
        self._end(ended)

    def _read_frame(self, raw: bytes) -> bool:
        """Take a frame; gRPC would answer an error raised here by one that names no cause."""
        try:
            if self._broken is None:
                self._take(frames.parse_response(raw))
        except Exception as error:
            self._broken = error
        return True

    def _check_unbroken(self) -> None:
        if self._broken is not None:
            raise self._broken

    def _take(self, message: Any) -> None:
        at_s = self.last_heard_s = self._clock()
        identity = message.infer_response.id
        is_number = identity.isdecimal() and len(identity) <= _LONGEST_NUMBER
        number = int(identity) if is_number else -1
        parameters = get_parameters(message.infer_response.parameters)
        if number >= _PROBE_NUMBERS:
            if not self._policy_probes.take(number, at_s):
                self.prober.take(number, at_s)
            self._answers.polled(parameters, at_s)
            return
        if parameters.get(KIND) == ACK:
            self._outbox.acknowledge(number, at_s)
        with self._lock:
            offload = self._offloads.get(number)
            self._last_used_s = at_s
        if offload is None:
            return  # of a request that was cancelled
        error = self._answers.take(offload, message, parameters, at_s)
        if error is not None:
            # What the server refused it has forgotten; what is no answer it may go on with.
            self._drop(offload, is_forgotten=parameters.get(KIND) == ERROR)
            self._on_failure(error, at_s)
            offload.fail(at_s, error)
        elif offload.request.assembly.is_complete:
            with self._lock:
                self._offloads.pop(number, None)

    def _drop(self, offload: Offload, is_forgotten: bool = False) -> None:
        """Drop a request, and tell the server to unless it knows nothing of it."""
        self._outbox.drop(offload)
        with self._lock:
            is_under_way = self._offloads.pop(offload.number, None) is not None
        if is_under_way and not is_forgotten and offload.first_sent_at_s is not None:
            self._outbox.put_control(frames.cancel_request(offload.number))

    def _end(self, error: CutpointError) -> None:
        with self._lock:
            if self._ended is not None:
                return
            self._ended = error
            lost = tuple(self._offloads.values())
            self._offloads.clear()
        self._outbox.close()
        at_s = self._clock()
        if lost:
            self._on_failure(error, at_s)
        for offload in lost:
            offload.fail(at_s, error)
