"""What a stream keeps of requests that have ended: nothing, however they ended."""

import time
from itertools import cycle
from threading import Event, Thread

import numpy as np
import pytest

from cutpoint.client.framed import FramedTransport
from cutpoint.client.offload import Offload, OffloadRequest
from cutpoint.cost import HostCosts
from cutpoint.estimation import LinkEstimator
from cutpoint.exceptions import OverloadedError
from cutpoint.inference import Answered, OffloadFailed, PatienceEnded, Replying, Started, Uploaded
from cutpoint.wire import frames
from cutpoint.wire.chunks import Assembly, Chunk, Chunker
from cutpoint.wire.errors import error_parameters
from cutpoint.wire.protocol import CANCEL, CHUNK, PHASES, messages
from cutpoint.wire.tensors import TensorSpec

OUTPUT = TensorSpec("y", "uint8", (4,))
SIZE = 200_000


class ScriptedServer:
    """
    The other end of a stream, inside the test: acknowledges every piece, then does as told.

    Parameters
    ----------
    fates
        What becomes of each request in turn: ``answer``, ``halves`` (an answer in two pieces),
        ``refuse``, ``nonsense``, ``silence``.
    """

    def __init__(self, fates) -> None:
        self._fates = fates
        self._say = None
        self._is_over = Event()
        self._fate_of: dict[str, str] = {}
        self.cancelled: list[str] = []
        self.first_pieces: list = []

    def stream_stream(self, method, request_serializer, response_deserializer):
        """Give the call."""
        self._say = lambda frame: response_deserializer(frame.SerializeToString())

        def call(requests):
            Thread(target=self._serve, args=(requests,), daemon=True).start()
            return self

        return call

    def __iter__(self):
        """Give no frame by itself: each was handed over as it came."""
        self._is_over.wait(60)
        return iter(())

    def cancel(self) -> None:
        """End it."""
        self._is_over.set()

    def _serve(self, requests) -> None:
        for frame in requests:
            if isinstance(frame, bytes):  # pieces leave as bytes of the wire
                frame = messages.ModelInferRequest.FromString(frame)
            kind, number = frames.kind_of(frame), frame.id
            if kind == CANCEL:
                self.cancelled.append(number)
            if kind != CHUNK:
                continue
            chunk = frames.request_chunk(frame)
            if chunk.offset == 0:
                self.first_pieces.append(frame)
                self._fate_of[number] = next(self._fates)
            fate = self._fate_of[number]
            if fate == "refuse" and chunk.offset == 0:
                error = OverloadedError("full", 0.1)
                self._say(frames.error_response(number, str(error), error_parameters(error)))
            is_last = chunk.offset + len(chunk.payload) == SIZE
            self._say(frames.ack_response(number, 0, False if is_last else None))
            if is_last:
                self._end(number, fate)

    def _end(self, number: str, fate: str) -> None:
        self._say(frames.started_response(number))
        pieces = {
            "answer": [(0, b"abcd")],
            "halves": [(0, b"ab"), (2, b"cd")],
            "nonsense": [(2, b"ab")],
        }
        for offset, payload in pieces.get(fate, []):
            piece = Chunk(OUTPUT, 0, 1, offset, payload)
            self._say(frames.result_response("m", number, piece, {"wait_s": 0.0, "tail_s": 0.0}))


@pytest.fixture
def stream_to():
    """Give what opens a stream to a scripted server, its link known to be fast."""
    opened = []

    def open_stream(*fates):
        server = ScriptedServer(cycle(fates))
        link = LinkEstimator()
        link.up.observe(1e7, 1.0, time.perf_counter())
        link.observe_round_trip(1e-3)
        transport = FramedTransport(
            server,
            "scripted",
            costs=HostCosts(0.0, {}, {}, frozenset()),
            tails=frozenset(),
            link=link,
            clock=time.perf_counter,
            on_failure=lambda error, at_s: None,
        )
        opened.append(transport)
        return server, transport

    yield open_stream
    for transport in opened:
        transport.close("the test is over")


def request(number: int) -> Offload:
    """Give a request of three pieces or more."""
    tensors = [("x", np.zeros(SIZE, np.uint8))]
    return Offload(
        number, OffloadRequest("m", {"sha256": "d"}, Chunker(tensors), Assembly((OUTPUT,), "s"))
    )


def word_of(offload: Offload, *kinds: type):
    """Wait for an event of these kinds; stages that come before are passed over."""
    until_s = time.perf_counter() + 20
    while True:
        now_s = time.perf_counter()
        event = offload.next_event(now_s + 0.01, now_s)  # stages wake nobody
        if isinstance(event, kinds):
            return event
        assert isinstance(event, (Uploaded, Started, Replying, PatienceEnded)), event
        assert now_s < until_s, event


@pytest.mark.parametrize("num_requests", [250, pytest.param(10_000, marks=pytest.mark.soak)])
def test_nothing_is_kept_of_requests_that_have_ended(stream_to, num_requests: int) -> None:
    """Answered, refused, unreadable, cancelled in the middle or given up: every map is empty."""
    server, transport = stream_to("answer", "refuse", "nonsense", "silence", "halves", "answer")
    for number in range(num_requests):
        offload = request(number)
        transport.send(offload)
        fate = number % 6
        if fate in (0, 4):
            word_of(offload, Answered)
            assert offload.outputs["y"].tobytes() == b"abcd"
        elif fate in (1, 2):
            word_of(offload, OffloadFailed)
        else:
            if fate == 3:
                word_of(offload, Started)
            while offload.first_sent_at_s is None:
                time.sleep(0)
            transport.cancel(offload, time.perf_counter())
            transport.cancel(offload, time.perf_counter())
    outbox = transport._outbox
    wanted = {str(number) for number in range(num_requests) if number % 6 in (2, 3, 5)}
    answered_meanwhile = {str(number) for number in range(num_requests) if number % 6 == 5}
    until_s = time.perf_counter() + 10
    while time.perf_counter() < until_s and (
        outbox._unacknowledged
        or outbox._control
        or not wanted - answered_meanwhile <= set(server.cancelled)
    ):
        time.sleep(0.01)
    assert (transport._offloads, dict(outbox._unacknowledged)) == ({}, {})
    assert (list(outbox._uploads), list(outbox._control)) == ([], [])
    assert outbox._meter.under_way_bytes == 0
    assert len(outbox._meter._sent) == 0
    # Once each: what was given up here, and what was no answer; the rest the server knows.
    assert len(server.cancelled) == len(set(server.cancelled))
    assert wanted - answered_meanwhile <= set(server.cancelled) <= wanted


def test_stages_are_told_in_their_order(stream_to) -> None:
    """Uploaded, started, the first piece of two, the answer; the device asked for them."""
    server, transport = stream_to("halves")
    offload = request(1)
    transport.send(offload)
    answered = word_of(offload, Answered)
    assert answered.at_s <= time.perf_counter()
    assert [frame.parameters[PHASES].bool_param for frame in server.first_pieces] == [True]
    again = request(2)
    transport.send(again)
    kinds = []
    while Answered not in kinds:
        now_s = time.perf_counter()
        kinds.append(type(again.next_event(now_s + 20, now_s)))
    assert kinds == [Uploaded, Started, Replying, Answered]


def test_a_frame_of_an_unknown_kind_says_nothing(stream_to) -> None:
    """A newer server may tell more: the request and its stream go on."""
    server, transport = stream_to("silence")
    offload = request(1)
    transport.send(offload)
    word_of(offload, Started)
    gossip = frames.ack_response("1", 0)
    gossip.infer_response.parameters["cutpoint_kind"].string_param = "gossip"
    server._say(gossip)
    gossip.infer_response.id = "of another world"
    server._say(gossip)
    server._end("1", "answer")
    word_of(offload, Answered)
    assert transport.ended is None


def test_any_frame_is_a_sign_of_life(stream_to) -> None:
    """When something came last is known, whosever it was."""
    server, transport = stream_to("silence")
    before_s = transport.last_heard_s
    server._say(frames.ack_response("77", 0))
    assert before_s < transport.last_heard_s <= time.perf_counter()
