"""A server process from its first word to its last: listening, ready, drained, gone."""

import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from cutpoint.exceptions import ConnectError
from cutpoint.lab.server_process import ServerProcess
from cutpoint.wire.channel import open_channel
from cutpoint.wire.errors import rpc_error
from cutpoint.wire.protocol import messages, services

NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
FOR_EVER = 1 << 40


def _rounds(number: int) -> dict[str, Any]:
    return {"x": np.full((256, 256), 0.01, np.float32), "rounds": np.array([number])}


def _wait_until(is_so: Any, what: str) -> None:
    until_s = time.perf_counter() + 60
    while not is_so():
        assert time.perf_counter() < until_s, what
        time.sleep(0.01)


def test_sigterm_drains(counting: Path, request_for, refusal_of) -> None:
    """What is under way is answered; what is new is refused by words; then it ends with 0."""
    with (
        ServerProcess([str(counting)], arguments=["--drain", "60"]) as process,
        open_channel(process.address) as first,
        open_channel(process.address) as second,
        ThreadPoolExecutor() as threads,
    ):
        stub = services.GRPCInferenceServiceStub(second)
        health = health_pb2_grpc.HealthStub(second)
        stub.ModelInfer(request_for("counting", _rounds(1)), timeout=60)  # it connects, too
        began_s = time.perf_counter()
        stub.ModelInfer(request_for("counting", _rounds(100)), timeout=60)
        two_seconds = max(int(200 / (time.perf_counter() - began_s)), 100)
        long = request_for("counting", _rounds(two_seconds))
        running = threads.submit(
            services.GRPCInferenceServiceStub(first).ModelInfer, long, timeout=120
        )
        stub.ServerReady(messages.ServerReadyRequest(), timeout=10)
        time.sleep(0.3)  # the request is on its way by then, or it is refused and the test says so
        process.signal(signal.SIGTERM)

        def status() -> int:
            return int(health.Check(health_pb2.HealthCheckRequest(), timeout=10).status)

        _wait_until(lambda: status() == NOT_SERVING, "health still says SERVING")
        assert not stub.ServerReady(messages.ServerReadyRequest(), timeout=10).ready
        refused = refusal_of(lambda: stub.ModelInfer(long, timeout=10))
        assert refused.code() == grpc.StatusCode.UNAVAILABLE
        assert type(rpc_error(refused, "here")).__name__ == "NotReadyError"
        assert "stopping" in refused.details()
        assert running.result(120).outputs[0].name == "y"
        assert process.wait_until_ended(60) == 0


def test_a_peer_that_is_connected_does_not_delay_the_end(six_convs: Path, dial) -> None:
    """A stream without a request ends with the server, not when the patience does."""
    with ServerProcess([str(six_convs)], arguments=["--drain", "120"]) as process:
        peer = dial(process.address)
        peer.send(messages.ModelInferRequest(id="0", model_name="none"))
        assert peer.receive()
        process.signal(signal.SIGTERM)
        assert process.wait_until_ended(30) == 0
        peer.close()


def test_the_second_signal_ends_it_at_once(counting: Path, request_for) -> None:
    """Whoever does not want to wait says so twice."""
    forever = request_for("counting", _rounds(FOR_EVER))
    with (
        ServerProcess([str(counting)], arguments=["--drain", "600"]) as process,
        open_channel(process.address) as channel,
    ):
        stub = services.GRPCInferenceServiceStub(channel)
        running = stub.ModelInfer.future(forever, timeout=600)
        health = health_pb2_grpc.HealthStub(channel)
        time.sleep(0.3)
        process.signal(signal.SIGTERM)
        _wait_until(
            lambda: health.Check(health_pb2.HealthCheckRequest(), timeout=10).status == NOT_SERVING,
            "the first signal was not heard",
        )
        assert not running.done()
        process.signal(signal.SIGTERM)
        assert process.wait_until_ended(10) == 128 + signal.SIGTERM


def test_what_is_not_done_within_the_drain_is_given_up(counting: Path, request_for) -> None:
    """A request that never ends does not keep the server alive, and nothing is left on disk."""
    with (
        ServerProcess([str(counting)], arguments=["--drain", "0.2"]) as process,
        open_channel(process.address) as channel,
    ):
        stub = services.GRPCInferenceServiceStub(channel)
        stub.ModelInfer.future(request_for("counting", _rounds(FOR_EVER)), timeout=600)
        time.sleep(0.3)
        process.signal(signal.SIGTERM)
        assert process.wait_until_ended(30) == 0


def test_sigterm_while_loading_ends_it_promptly(
    counting: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model that would load for hours does not; its temporary files go too."""
    np.savez(tmp_path / "in.npz", **_rounds(FOR_EVER))
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    process = ServerProcess(
        [str(counting)],
        arguments=["--input", str(tmp_path / "in.npz")],
        environment={"TMPDIR": str(temporary)},
    )
    process.start()
    with open_channel(process.address) as channel:
        stub = services.GRPCInferenceServiceStub(channel)
        assert stub.ServerLive(messages.ServerLiveRequest(), timeout=10).live
        assert not stub.ServerReady(messages.ServerReadyRequest(), timeout=10).ready
        _wait_until(lambda: any(temporary.rglob("optimised.onnx")), "it does not load")
    process.signal(signal.SIGTERM)
    assert process.wait_until_ended(30) == 0
    assert list(temporary.glob("cutpoint*")) == []


def test_a_taken_port_is_one_line(six_convs: Path) -> None:
    """Nothing is announced that was not bound, and gRPC's own words stay out of it."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "cutpoint.cli.main", "serve", str(six_convs), "--json"]
        for arguments in (["--port", str(port)], ["--port", "0", "--metrics-port", str(port)]):
            told = subprocess.run(
                [*command, *arguments], capture_output=True, text=True, timeout=60, check=False
            )
            assert (told.returncode, told.stdout) == (1, "")
            assert told.stderr.startswith("error: ConnectError: ")
            assert str(port) in told.stderr
            assert told.stderr.count("\n") == 1


def test_a_server_that_ends_at_its_start_is_told_from_one_that_listens(tmp_path: Path) -> None:
    """An empty repository is an error, not a server of nothing."""
    said = tmp_path / "said"
    (tmp_path / "none").mkdir()
    process = ServerProcess(repository=tmp_path / "none", errors=said)
    process.start()
    with pytest.raises(ConnectError, match="ended with code 1"):
        process.wait_until_ready()
    assert "the repository is empty" in said.read_text()
