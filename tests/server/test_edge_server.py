"""The server itself: where it listens, and when it says that it is ready."""

import asyncio
import socket
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from threading import Event, Thread
from typing import Any

import grpc
import numpy as np
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tests.server.fake_stages import GateStage
from tests.server.test_reload import Versions

from cutpoint.exceptions import ConnectError, ModelError, RemoteExecutionError
from cutpoint.server.edge_server import EdgeServer, ServerSettings
from cutpoint.server.job import Job
from cutpoint.server.segment_stage import SegmentStage
from cutpoint.wire.channel import open_channel
from cutpoint.wire.protocol import messages, services

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


class Loop:
    """An event loop on a thread of its own, for servers that run inside the test."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever)
        self._thread.start()

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run one piece of work to its end."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    def close(self) -> None:
        """End the thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(30)
        self._loop.close()


@pytest.fixture(scope="module")
def loop() -> Iterator[Loop]:
    """Give a loop."""
    loop = Loop()
    yield loop
    loop.close()


@pytest.fixture
def start(loop: Loop) -> Iterator[Callable[..., tuple[EdgeServer, str]]]:
    """Give what starts a server inside the test; they are stopped afterwards."""
    started = []

    def begin(**settings: Any) -> tuple[EdgeServer, str]:
        async def begun() -> tuple[EdgeServer, str]:
            server = EdgeServer(ServerSettings(port=0, **settings))
            return server, await server.start()

        server, address = loop.do(begun())
        started.append(server)
        return server, address

    yield begin
    for server in started:
        loop.do(server.stop())


@pytest.mark.parametrize(
    "host",
    ["0.0.0.0", "192.168.1.5", "10.0.0.1", "example.org", "::", "[::]", "", "127.0.0.1.example.org",
     "localhost.example.org", "2130706433", "127.1", "fe80::1", "0"],
)  # fmt: skip
def test_only_loopback_is_served_without_protection(host: str) -> None:
    """Any other address is refused before a socket is opened; the error says what to give."""
    with pytest.raises(ConnectError, match=r"--tls-cert FILE .*--token-file FILE") as caught:
        EdgeServer(ServerSettings(host=host))
    assert repr(host) in str(caught.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "[::1]"])
def test_every_way_to_write_loopback_can_be_dialled(start, host: str) -> None:
    """The address that is given back has the port that was taken, and answers."""
    if ":" in host:
        _skip_without_ipv6()
    _, address = start(host=host)
    with open_channel(address) as channel:
        stub = services.GRPCInferenceServiceStub(channel)
        assert stub.ServerLive(messages.ServerLiveRequest(), timeout=10).live
    assert not address.endswith(":0")


def _skip_without_ipv6() -> None:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")


def test_a_port_that_is_taken_is_refused(start, loop: Loop) -> None:
    """A second server on the port is an error that asks about the first."""
    _, address = start()
    port = int(address.rpartition(":")[2])

    async def begin() -> None:
        second = EdgeServer(ServerSettings(port=port))
        try:
            await second.start()
        finally:
            await second.stop()

    with pytest.raises(ConnectError, match=f"cannot listen on 127.0.0.1:{port}: is another"):
        loop.do(begin())


def test_live_at_once_and_ready_when_warm(start, loop: Loop, six_convs: Path) -> None:
    """Until every model is warm it lives and is not ready, by both protocols' words."""
    server, address = start()
    with open_channel(address) as channel:
        stub = services.GRPCInferenceServiceStub(channel)
        health = health_pb2_grpc.HealthStub(channel)

        def told() -> tuple[bool, bool, bool, int]:
            return (
                stub.ServerLive(messages.ServerLiveRequest(), timeout=10).live,
                stub.ServerReady(messages.ServerReadyRequest(), timeout=10).ready,
                stub.ModelReady(messages.ModelReadyRequest(name="six_convs"), timeout=10).ready,
                health.Check(health_pb2.HealthCheckRequest(), timeout=10).status,
            )

        assert told() == (True, False, False, NOT_SERVING)
        heard = []
        loop.do(server.load([str(six_convs)], heard.append))
        assert [model.name for model in heard] == ["six_convs"]
        assert told() == (True, True, True, SERVING)
        named = health_pb2.HealthCheckRequest(service="inference.GRPCInferenceService")
        assert health.Check(named, timeout=10).status == SERVING


def test_a_model_that_cannot_be_loaded_leaves_it_not_ready(
    start, loop: Loop, tmp_path: Path
) -> None:
    """The error names the file; the server stays live and says that it is not ready."""
    server, address = start()
    with pytest.raises(ModelError, match=r"missing\.onnx"):
        loop.do(server.load([str(tmp_path / "missing.onnx")]))
    with open_channel(address) as channel:
        stub = services.GRPCInferenceServiceStub(channel)
        assert stub.ServerLive(messages.ServerLiveRequest(), timeout=10).live
        assert not stub.ServerReady(messages.ServerReadyRequest(), timeout=10).ready


def _job(gate: GateStage, ended: Event) -> Job:
    return Job((gate,), {"x": np.zeros(1)}, on_ended=lambda *_: ended.set())


def test_a_full_queue_is_told_over_the_wire(
    start, loop: Loop, six_convs: Path, request_for, outputs_in, image_of, truth, assert_same
) -> None:
    """A request that would wait too long is refused at once, typed and with a time to come back."""
    server, address = start(num_workers=1, max_waiting=1)
    loop.do(server.load([str(six_convs)]))
    gate, held = GateStage(), [Event(), Event()]
    try:
        for ended in held:
            server.queue.submit(_job(gate, ended))
        request = request_for("six_convs", image_of(0))
        with open_channel(address) as channel:
            stub = services.GRPCInferenceServiceStub(channel)
            for _ in range(3):
                with pytest.raises(grpc.RpcError) as caught:
                    stub.ModelInfer(request, timeout=10)
                assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
                assert "compute on the device" in caught.value.details()
                trailer = dict(caught.value.trailing_metadata())
                assert int(trailer["retry-after-ms"]) >= 0
            assert not any(ended.is_set() for ended in held)
            gate.opened.set()
            assert all(ended.wait(30) for ended in held)
            assert_same(outputs_in(stub.ModelInfer(request, timeout=10)), truth(image_of(0)))
    finally:
        gate.opened.set()


def test_a_caller_who_hangs_up_frees_the_queue(
    start, loop: Loop, six_convs: Path, request_for, image_of
) -> None:
    """A request whose caller is gone while it waits is never computed."""
    server, address = start(num_workers=1, max_waiting=1)
    loop.do(server.load([str(six_convs)]))
    gate, let_in, gone = GateStage(), Event(), Event()
    submit = server.queue.submit

    def watched(job: Job) -> None:
        tell = job.on_ended

        def ended(*arguments: Any) -> None:
            tell(*arguments)
            gone.set()

        job.on_ended = ended
        submit(job)
        let_in.set()

    try:
        submit(_job(gate, Event()))
        assert gate.began.wait(30)
        server.queue.submit = watched
        with open_channel(address) as channel:
            stub = services.GRPCInferenceServiceStub(channel)
            call = stub.ModelInfer.future(request_for("six_convs", image_of(0)), timeout=30)
            assert let_in.wait(30)
            call.cancel()
            assert gone.wait(30)
            assert server.queue.pending == 1
            assert not gate.opened.is_set()
    finally:
        gate.opened.set()


def test_a_caller_who_hangs_up_stops_what_runs(
    start, loop: Loop, six_convs: Path, request_for, image_of, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request whose caller is gone while it is computed is stopped between segments."""
    server, address = start()
    loop.do(server.load([str(six_convs)]))
    began, stopped, over = Event(), Event(), Event()

    def run(_: Any, __: Any, is_stopped: Callable[[], bool]) -> Any:
        began.set()
        while not over.wait(0.001):
            if is_stopped():
                stopped.set()
                break
        raise RemoteExecutionError("stopped on request")

    monkeypatch.setattr(SegmentStage, "run", run)
    try:
        with open_channel(address) as channel:
            stub = services.GRPCInferenceServiceStub(channel)
            call = stub.ModelInfer.future(request_for("six_convs", image_of(0)), timeout=30)
            assert began.wait(30)
            assert not stopped.is_set()
            call.cancel()
            assert stopped.wait(30)
    finally:
        over.set()


def test_a_model_without_room_is_served_once_there_is_some(
    start: Callable[..., tuple[EdgeServer, str]],
    loop: Loop,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nobody has to ask, nor is the disk looked at for it."""
    versions = Versions(tmp_path)
    versions.put(1, "first")
    server, _ = start(repository=str(tmp_path), memory_bytes=300)
    loop.do(server.load())
    first = server.catalog.endpoints()[0]
    let_go = first.model.hold(first.cut)
    versions.put(1, "second")
    told: list[str] = []

    def tell(event: Any) -> None:
        told.append(f"{event.kind} {event.name}")

    for _ in range(3):
        loop.do(server.refresh(tell))
    assert told == ["failed second"]
    assert server.waits_for_room
    loop.do(server.refresh(tell, looks=False))
    assert told == ["failed second"]
    let_go()
    now_s = server.budget._clock() + 10.0
    monkeypatch.setattr(server.budget, "_clock", lambda: now_s)
    versions.put(1, "third")
    loop.do(server.refresh(tell, looks=False))
    assert told == ["failed second", "loaded second"]
    assert not server.waits_for_room
