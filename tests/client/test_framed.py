"""The framed stream over a slow link: cancelling, overtaking, many idle streams."""

import logging
import time
from contextlib import contextmanager
from threading import Event, Thread

import numpy as np
import onnx
import pytest
from onnx import helper
from tests.client.conftest import running_server, save

from cutpoint.client.framed import FramedTransport
from cutpoint.client.offload import Offload, OffloadRequest
from cutpoint.cost import HostCosts
from cutpoint.estimation import LinkEstimator
from cutpoint.inference import Answered, OffloadFailed, Uploaded
from cutpoint.lab.link_process import LinkProcess
from cutpoint.lab.server_process import ServerProcess
from cutpoint.units import from_mbit_per_s
from cutpoint.wire import frames
from cutpoint.wire.channel import open_channel
from cutpoint.wire.chunks import Assembly, Chunker
from cutpoint.wire.tensors import TensorSpec

pytestmark = pytest.mark.alone

_log = logging.getLogger(__name__)

SLOW = from_mbit_per_s(1.0)
LARGE, SMALL = 250_000, 256
"""Floats: 1 MB and 1 KB."""


def mean_model(size: int) -> onnx.ModelProto:
    """Give a model that takes `size` floats and returns their sum of squares."""
    make = helper.make_tensor_value_info
    nodes = [
        helper.make_node("Mul", ["x", "x"], ["squares"]),
        helper.make_node("ReduceSum", ["squares"], ["y"], keepdims=1),
    ]
    graph = helper.make_graph(
        nodes,
        "sum",
        [make("x", onnx.TensorProto.FLOAT, (1, size))],
        [make("y", onnx.TensorProto.FLOAT, (1, 1))],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """Give a server with a model of 1 MB input and one of 1 KB input."""
    folder = tmp_path_factory.mktemp("models")
    paths = [
        save(folder / f"{name}.onnx", mean_model(size))
        for name, size in (("large", LARGE), ("small", SMALL))
    ]
    with running_server(*paths) as address:
        yield address


@contextmanager
def transport_to(address: str):
    """Open a stream to a server, the link measured."""
    channel = open_channel(address)
    link = LinkEstimator()
    transport = FramedTransport(
        channel,
        address,
        costs=HostCosts(0.0, {}, {}, frozenset()),
        tails=frozenset(),
        link=link,
        clock=time.perf_counter,
        on_failure=lambda error, at_s: None,
    )
    try:
        for _ in range(3):
            transport.measure()
            assert transport.prober.answered.wait(5)
        yield transport, link
    finally:
        transport.close("the test is over")
        channel.close()


def offload_of(number: int, model: str, size: int) -> Offload:
    """Give a request that sends `size` ones."""
    ones = np.ones((1, size), np.float32)
    expected = (TensorSpec("y", "float32", (1, 1)),)
    request = OffloadRequest(model, {}, Chunker([("x", ones)]), Assembly(expected, "test"))
    return Offload(number, request)


def wait_for_answer(offload: Offload, timeout_s: float = 30.0) -> Answered:
    """Wait until the answer has come."""
    while True:
        now_s = time.perf_counter()
        event = offload.next_event(now_s + timeout_s, now_s)
        if not isinstance(event, Uploaded):
            assert isinstance(event, Answered), event
            return event


@pytest.fixture
def slow_link(address):
    """Give the address of a link of 1 Mbit/s and 10 ms round trip to the server."""
    with LinkProcess(address, delay_s=0.005, up_bytes_per_s=SLOW, down_bytes_per_s=SLOW) as link:
        yield link.address


def test_cancelling_a_long_upload_lets_the_next_request_answer(slow_link):
    """1 MB takes 8 s at 1 Mbit/s; cancelled on its way, 1 KB behind it answers in 300 ms."""
    with transport_to(slow_link) as (transport, _):
        for repeat in range(3):
            large = offload_of(2 * repeat, "large", LARGE)
            transport.send(large)
            time.sleep(0.5)  # well under way: what is tested is what happens after
            assert large.first_sent_at_s is not None
            assert not large.request.chunker.is_done
            began_s = time.perf_counter()
            transport.cancel(large, began_s)
            small = offload_of(2 * repeat + 1, "small", SMALL)
            transport.send(small)
            wait_for_answer(small)
            assert small.outputs["y"] == SMALL
            assert time.perf_counter() - began_s < 0.3


def test_a_small_request_overtakes_a_long_upload(slow_link):
    """Requests side by side take turns: 1 KB does not wait for the megabyte before it."""
    with transport_to(slow_link) as (transport, _):
        large, small = offload_of(1, "large", LARGE), offload_of(2, "small", SMALL)
        transport.send(large)
        time.sleep(0.3)
        began_s = time.perf_counter()
        transport.send(small)
        wait_for_answer(small)
        assert time.perf_counter() - began_s < 1.0
        assert not large.request.chunker.is_done
        transport.cancel(large, time.perf_counter())


def test_the_rate_of_the_link_is_learnt_from_an_upload(slow_link):
    """What is believed after 100 KB is the rate of the link, within a quarter."""
    with transport_to(slow_link) as (transport, link):
        large = offload_of(1, "large", LARGE)
        transport.send(large)
        time.sleep(1.0)
        transport.cancel(large, time.perf_counter())
        assert 0.75 < link.up.bytes_per_s / SLOW < 1.25


def test_a_closed_stream_fails_what_is_under_way(slow_link):
    """A request whose connection ends is told so."""
    with transport_to(slow_link) as (transport, _):
        large = offload_of(1, "large", LARGE)
        transport.send(large)
        transport.close("closed by the test")
        now_s = time.perf_counter()
        assert (
            OffloadFailed(now_s, "closed by the test").reason
            == large.next_event(now_s + 5, now_s).reason
        )
        late = offload_of(2, "small", SMALL)
        transport.send(late)
        assert isinstance(late.next_event(now_s + 5, now_s), OffloadFailed)


def test_an_unknown_model_fails_and_the_stream_goes_on(address):
    """An error of one request is told to it alone."""
    with transport_to(address) as (transport, _):
        wrong, right = offload_of(1, "unknown", SMALL), offload_of(2, "small", SMALL)
        transport.send(wrong)
        transport.send(right)
        now_s = time.perf_counter()
        failed = wrong.next_event(now_s + 5, now_s)
        assert "no model 'unknown'" in failed.reason
        wait_for_answer(right)
        assert right.outputs["y"] == SMALL


@pytest.mark.soak
def test_idle_streams_leave_the_tail_alone(tmp_path):
    """With 64 idle streams open, p99 is within 1.25x of p99 without; interleaved blocks."""
    without, with_idle = [], []
    path = save(tmp_path / "small.onnx", mean_model(SMALL))
    with ServerProcess([str(path)]) as server, transport_to(server.address) as (transport, _):
        address = server.address
        numbers = iter(range(1, 10**6))
        for _ in range(12):
            without += block_of(transport, numbers)
            with idle_streams(address, 64):
                with_idle += block_of(transport, numbers)
    ratio = np.percentile(with_idle, 99) / np.percentile(without, 99)
    _log.info("p99 with 64 idle streams / without: %.2f", ratio)
    assert ratio <= 1.25, f"p99 {ratio:.2f}x"


def block_of(transport: FramedTransport, numbers) -> list[float]:
    """Time a few hundred small requests, one after the other."""
    latencies = []
    for _ in range(250):
        offload = offload_of(next(numbers), "small", SMALL)
        began_s = time.perf_counter()
        transport.send(offload)
        wait_for_answer(offload)
        latencies.append(time.perf_counter() - began_s)
    return latencies[50:]


@contextmanager
def idle_streams(address: str, count: int):
    """Hold streams open that send nothing."""
    channels = [open_channel(address) for _ in range(count)]
    idle = [
        FramedTransport(
            channel,
            address,
            costs=HostCosts(0.0, {}, {}, frozenset()),
            tails=frozenset(),
            link=LinkEstimator(),
            clock=time.perf_counter,
            on_failure=lambda error, at_s: None,
        )
        for channel in channels
    ]
    try:
        for transport in idle:
            transport.measure()
            assert transport.prober.answered.wait(10)
        yield
    finally:
        closers = [Thread(target=transport.close, args=("idle no more",)) for transport in idle]
        for closer in closers:
            closer.start()
        for closer in closers:
            closer.join()
        for channel in channels:
            channel.close()


class ScriptedChannel:
    """
    A channel whose server says what it is told to, and hears everything.

    Parameters
    ----------
    said
        Messages as they come over the wire; then the stream stays open until it is cancelled.
    """

    def __init__(self, *said: bytes) -> None:
        self._said = said
        self._is_over = Event()
        self.heard = []

    def stream_stream(self, method, request_serializer, response_deserializer):
        """Give the call."""

        def call(requests):
            Thread(target=self.heard.extend, args=(requests,), daemon=True).start()
            return Call(map(response_deserializer, self._said), self._is_over)

        return call


class Call:
    """The stream of a `ScriptedChannel`."""

    def __init__(self, frames, is_over) -> None:
        self._frames, self._is_over = frames, is_over

    def __iter__(self):
        """Give what was said; then wait for the end."""
        yield from self._frames
        self._is_over.wait(30)

    def cancel(self) -> None:
        """End it."""
        self._is_over.set()


@pytest.mark.parametrize("is_ours", [True, False])
def test_a_stream_that_cannot_be_read_has_ended(
    is_ours: bool, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever broke the reader, a bug or bytes that are none: it is over and opened again."""
    if is_ours:
        monkeypatch.setattr(FramedTransport, "_take", lambda self, message: 1 / 0)
    said = frames.ack_response("1", 5).SerializeToString() if is_ours else b"\xff\xff"
    transport = FramedTransport(
        ScriptedChannel(said),
        "nowhere",
        costs=HostCosts(0.0, {}, {}, frozenset()),
        tails=frozenset(),
        link=LinkEstimator(),
        clock=time.perf_counter,
        on_failure=lambda error, at_s: None,
    )
    transport._reader.join(timeout=10)
    assert transport.ended is not None
    words = "an answer could not be read" if is_ours else "message of the stream cannot be read"
    assert words in transport.ended
    assert is_ours == ("reading from nowhere" in caplog.text)


@pytest.mark.parametrize("is_late", [True, False])
def test_a_request_that_nobody_waits_for_says_nothing_of_the_link(is_late: bool) -> None:
    """Called off after 8 ms on a link of 20 ms, nothing of it can have been acknowledged."""
    now_s, link = [100.0], LinkEstimator()
    link.up.observe(1e7, 1.0, now_s[0])
    link.observe_round_trip(0.02)
    transport = FramedTransport(
        ScriptedChannel(),
        "nowhere",
        costs=HostCosts(0.0, {}, {}, frozenset()),
        tails=frozenset(),
        link=link,
        clock=lambda: now_s[0],
        on_failure=lambda error, at_s: None,
    )
    offload = offload_of(1, "large", LARGE)
    transport.send(offload)
    until_s = time.perf_counter() + 10
    while not transport._outbox._meter.under_way_bytes:
        assert time.perf_counter() < until_s
    now_s[0] += 0.008
    transport.cancel(offload, now_s[0], is_late=is_late)
    assert (link.up.bytes_per_s < 1e7) == is_late
    transport.close("the test is over")
