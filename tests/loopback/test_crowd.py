"""Many connections and one greedy client: campaigns against a real server."""

import logging
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import grpc
import numpy as np
import onnx
import pytest

from cutpoint.lab.server_process import ServerProcess
from cutpoint.wire.channel import open_channel
from cutpoint.wire.credentials import ClientSecurity
from cutpoint.wire.protocol import messages, services

pytestmark = [pytest.mark.soak, pytest.mark.timeout(600)]

_log = logging.getLogger(__name__)

NUM_IDLE = 2000
ROOM_BYTES = 60 << 20
GREED = 10.0


@pytest.fixture
def tokens(tmp_path: Path) -> Path:
    """Give a file of a token for each of five clients."""
    path = tmp_path / "tokens"
    path.write_text("".join(f"client-{i}\n" for i in range(5)))
    return path


@pytest.fixture
def server(tmp_path: Path, tokens: Path) -> Iterator[ServerProcess]:
    """Give a server of tokens that takes many connections, and queues few requests."""
    arguments = ("--token-file", str(tokens), "--max-connections", "4000", "--batching", "off")
    path = tmp_path / "slow.onnx"
    onnx.save(_slow(), path)
    with ServerProcess([str(path)], arguments=arguments) as process:
        yield process


def _slow(num_layers: int = 150, width: int = 512) -> onnx.ModelProto:
    """Write a model that takes milliseconds, and little to upload."""
    rng = np.random.default_rng(1)
    weight = (rng.standard_normal((width, width)) / np.sqrt(width)).astype(np.float32)
    nodes = []
    for i in range(num_layers):
        nodes.append(onnx.helper.make_node("MatMul", [f"v{i}", "w"], [f"m{i}"]))
        nodes.append(onnx.helper.make_node("Tanh", [f"m{i}"], [f"v{i + 1}"]))
    given, made = (
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [8, width])
        for name in ("v0", f"v{num_layers}")
    )
    weights = [onnx.numpy_helper.from_array(weight, "w")]
    graph = onnx.helper.make_graph(nodes, "slow", [given], [made], weights)
    return onnx.helper.make_model(
        graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8
    )


def _request() -> object:
    given = np.zeros((8, 512), np.float32)
    request = messages.ModelInferRequest(model_name="slow")
    request.inputs.add(name="v0", datatype="FP32", shape=given.shape)
    request.raw_input_contents.append(given.tobytes())
    return request


def _resident_bytes(pid: int) -> int:
    text = Path(f"/proc/{pid}/status").read_text()
    return int(text.partition("VmRSS:")[2].split()[0]) << 10


def _p99_s(stub: object, request: object, count: int = 500) -> float:
    took_s = []
    for _ in range(count):
        began_s = time.perf_counter()
        stub.ModelInfer(request, timeout=10)
        took_s.append(time.perf_counter() - began_s)
    return float(np.percentile(took_s, 99))


def test_idle_connections_change_nothing(server: ServerProcess) -> None:
    """2,000 of them: answers take as long as before, and memory grows by little."""
    host, _, port = server.address.partition(":")
    request = _request()
    with open_channel(server.address, ClientSecurity(token="client-0")) as channel:
        stub = services.GRPCInferenceServiceStub(channel)
        _p99_s(stub, request)
        before_s, before_bytes = _p99_s(stub, request), _resident_bytes(server.pid)
        with ExitStack() as stack:
            for _ in range(NUM_IDLE):
                stack.enter_context(socket.create_connection((host, int(port))))
            after_s = _p99_s(stub, request)
            assert _resident_bytes(server.pid) - before_bytes < ROOM_BYTES
        _log.info("p99 %.1f ms, with %d idle %.1f ms", before_s * 1e3, NUM_IDLE, after_s * 1e3)
        assert after_s < 3 * before_s + 5e-3


def test_one_greedy_client_leaves_the_others_their_share(server: ServerProcess) -> None:
    """Asking ten times as often as the others, it takes nothing that they get among equals."""
    with ThreadPoolExecutor(1) as threads:
        capacity_per_s = threads.submit(_capacity_per_s, server.address).result()
    rate_per_s = capacity_per_s / 5
    equal = _answered(server.address, [rate_per_s] * 5)
    time.sleep(6.0)  # what was contended is forgotten
    greedy = _answered(server.address, [rate_per_s] * 4 + [GREED * rate_per_s])
    _log.info("%.0f/s; answered among equals %s, beside greed %s", capacity_per_s, equal, greedy)
    assert sum(greedy[:4]) >= 0.9 * sum(equal[:4])


def _capacity_per_s(address: str) -> float:
    with open_channel(address, ClientSecurity(token="client-0")) as channel:
        stub, request = services.GRPCInferenceServiceStub(channel), _request()
        until_s, count = time.perf_counter() + 3.0, 0
        while time.perf_counter() < until_s:
            stub.ModelInfer(request, timeout=10)
            count += 1
    return count / 3.0


def _answered(address: str, rates_per_s: list[float], duration_s: float = 10.0) -> list[int]:
    """Let clients ask at their rates, whether they are answered or not; count the answers."""

    def ask(number: int, rate_per_s: float) -> int:
        rng, request = np.random.default_rng(number), _request()
        with open_channel(address, ClientSecurity(token=f"client-{number}")) as channel:
            infer = services.GRPCInferenceServiceStub(channel).ModelInfer
            calls, due_s = [], time.perf_counter()
            until_s = due_s + duration_s
            while due_s < until_s:
                due_s += float(rng.exponential(1 / rate_per_s))
                time.sleep(max(due_s - time.perf_counter(), 0.0))
                calls.append(infer.future(request, timeout=5))
            return sum(call.code() is grpc.StatusCode.OK for call in calls)

    with ThreadPoolExecutor(len(rates_per_s)) as threads:
        return list(threads.map(ask, range(len(rates_per_s)), rates_per_s))
