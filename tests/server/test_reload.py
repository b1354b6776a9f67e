"""Models replaced under load: no request fails, and what is refused is refused by words."""

import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event, Thread
from typing import Any
from urllib.request import urlopen

import grpc
import numpy as np
import onnx
import pytest

from cutpoint.graph import Arrays
from cutpoint.lab.server_process import ServerProcess
from cutpoint.wire.channel import open_channel
from cutpoint.wire.protocol import messages, services

_POLL = ("--poll", "0.1")
_NUM_CALLERS = 2


class Versions:
    """
    A repository with one model, whose every version adds another number to its input.

    Parameters
    ----------
    root
        Its folder.
    size
        Numbers in the model's weight.
    """

    def __init__(self, root: Path, size: int = 64) -> None:
        self.root = root
        self._size = size

    def put(self, version: int, name: str = "adder") -> Path:
        """Write a good version, which is complete at once."""
        return self._put(version, name, self._content(version))

    def put_bad(self, version: int, name: str = "adder") -> Path:
        """Write a version that cannot be loaded: in turn junk, cut short, of a wrong digest."""
        content = self._content(version)
        path = self._put(
            version, name, (b"junk", content[: len(content) // 2], content)[version % 3]
        )
        if version % 3 == 2:
            path.with_name("model.onnx.sha256").write_text("0" * 64)
        return path

    def _put(self, version: int, name: str, content: bytes) -> Path:
        path = self.root / name / str(version) / "model.onnx"
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
        return path

    def _content(self, version: int) -> bytes:
        weight = onnx.numpy_helper.from_array(np.full(self._size, version, np.float32), "weight")
        make = onnx.helper.make_tensor_value_info
        graph = onnx.helper.make_graph(
            [
                onnx.helper.make_node("Relu", ["x"], ["a"]),
                onnx.helper.make_node("Add", ["a", "weight"], ["b"]),
                onnx.helper.make_node("Relu", ["b"], ["y"]),
            ],
            "adder",
            [make("x", onnx.TensorProto.FLOAT, [self._size])],
            [make("y", onnx.TensorProto.FLOAT, [self._size])],
            [weight],
        )
        opset = onnx.helper.make_opsetid("", 17)
        made = onnx.helper.make_model(graph, opset_imports=[opset], ir_version=8)
        return bytes(made.SerializeToString())


class Callers:
    """
    Clients that ask for the model one request after the other.

    Parameters
    ----------
    address
        Of the server.
    request_for, outputs_in
        The writer of requests and the reader of answers.
    """

    def __init__(self, address: str, request_for: Any, outputs_in: Any) -> None:
        self.failures: list[str] = []
        self.versions: Counter[str] = Counter()
        self._address = address
        self._request = request_for("adder", {"x": np.zeros(64, np.float32)})
        self._outputs_in: Callable[[Any], Arrays] = outputs_in
        self._is_over = Event()
        self._threads = [Thread(target=self._ask) for _ in range(_NUM_CALLERS)]

    def __enter__(self) -> "Callers":  # noqa: PYI034 (Self needs Python 3.11)
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join(60)

    def _ask(self) -> None:
        with open_channel(self._address) as channel:
            stub = services.GRPCInferenceServiceStub(channel)
            while not self._is_over.is_set():
                try:
                    answer = stub.ModelInfer(self._request, timeout=30)
                except grpc.RpcError as error:
                    self.failures.append(f"{error.code()} {error.details()}")
                    continue
                told, added = answer.model_version, self._outputs_in(answer)["y"]
                if not np.array_equal(added, np.full(64, float(told), np.float32)):
                    self.failures.append(f"version {told} added {added[0]}")
                self.versions[told] += 1
                time.sleep(0.002)


@pytest.fixture
def versions(tmp_path: Path) -> Versions:
    """Give a repository with version 1."""
    versions = Versions(tmp_path / "repository")
    versions.put(1)
    return versions


@pytest.fixture
def serving(versions: Versions) -> Iterator[ServerProcess]:
    """Give a server that looks at the repository ten times a second."""
    arguments = [*_POLL, "--metrics-port", "0", "--workers", "2", "--max-waiting", "16"]
    with ServerProcess(repository=versions.root, arguments=arguments) as process:
        yield process


def _reload(process: ServerProcess, versions: Versions, rounds: int) -> int:
    """Put a good and a bad version, so many times; give the last one that is served."""
    for number in range(1, rounds + 1):
        good, bad = 2 * number, 2 * number + 1
        versions.put(good)
        process.wait_for(lambda e, v=good: e["event"] == "model" and e["version"] == v)
        versions.put_bad(bad)
        process.wait_for(lambda e, v=bad: e["event"] == "failed" and e["version"] == v)
    return good


def _check_reloads(
    process: ServerProcess, versions: Versions, request_for: Any, outputs_in: Any, rounds: int
) -> None:
    with Callers(process.address, request_for, outputs_in) as callers:
        last = _reload(process, versions, rounds)
        served = sum(callers.versions.values())
        until_s = time.perf_counter() + 60
        while sum(callers.versions.values()) < served + 20 and time.perf_counter() < until_s:
            time.sleep(0.01)
    assert callers.failures == []
    assert set(callers.versions) == {str(v) for v in (1, *range(2, last + 1, 2))}
    assert max(callers.versions, key=int) == str(last)
    told = Counter(event["event"] for event in process.events)
    assert (told["model"], told["failed"]) == (rounds + 1, rounds)


def test_reloads_under_load_fail_no_request(
    serving: ServerProcess, versions: Versions, request_for, outputs_in
) -> None:
    """Good versions take over, bad ones never; every answer is of the version that it names."""
    _check_reloads(serving, versions, request_for, outputs_in, 3)
    with urlopen(f"http://{serving.metrics_address}/metrics", timeout=10) as page:
        metrics = page.read().decode()
    assert 'cutpoint_reloads_total{outcome="good"} 3.0' in metrics
    assert 'cutpoint_reloads_total{outcome="bad"} 3.0' in metrics
    with open_channel(serving.address) as channel:
        stub = services.GRPCInferenceServiceStub(channel)
        index = stub.RepositoryIndex(messages.RepositoryIndexRequest(), timeout=10)
        rows = {(row.name, row.version): (row.state, row.reason) for row in index.models}
        assert rows["adder", "6"] == ("READY", "")
        state, reason = rows["adder", "7"]
        assert state == "UNAVAILABLE"
        assert "adder/7/model.onnx" in reason
        only = stub.RepositoryIndex(messages.RepositoryIndexRequest(ready=True), timeout=10)
        assert {row.state for row in only.models} == {"READY"}


@pytest.mark.soak
def test_forty_reloads_under_load_fail_no_request(
    serving: ServerProcess, versions: Versions, request_for, outputs_in
) -> None:
    """Twenty good and twenty bad versions."""
    _check_reloads(serving, versions, request_for, outputs_in, 20)


def test_a_version_is_asked_for_and_an_old_tail_is_refused(
    serving: ServerProcess, versions: Versions, request_for, refusal_of
) -> None:
    """By name and version: the served one answers, others are NOT_FOUND; old tails mismatch."""
    request = request_for("adder", {"x": np.zeros(64, np.float32)})
    with open_channel(serving.address) as channel:
        stub = services.GRPCInferenceServiceStub(channel)
        old = next(e["tails"] for e in serving.events if e["event"] == "model")
        versions.put(5)
        serving.wait_for(lambda e: e.get("version") == 5)
        request.model_version = "5"
        assert stub.ModelInfer(request, timeout=10).model_version == "5"
        ask = messages.ModelReadyRequest
        assert stub.ModelReady(ask(name="adder", version="5"), timeout=10).ready
        assert not stub.ModelReady(ask(name="adder", version="1"), timeout=10).ready
        metadata = stub.ModelMetadata(messages.ModelMetadataRequest(name="adder"), timeout=10)
        assert list(metadata.versions) == ["5"]
        statistics = stub.ModelStatistics(
            messages.ModelStatisticsRequest(name="adder", version="5"), timeout=10
        )
        assert [each.version for each in statistics.model_stats] == ["5"]
        for version in ("1", "6", "latest"):
            request.model_version = version
            error = refusal_of(lambda: stub.ModelInfer(request, timeout=10))
            assert error.code() == grpc.StatusCode.NOT_FOUND
            assert "5 is" in error.details()
        for name in old:
            error = refusal_of(
                lambda name=name: stub.ModelInfer(
                    messages.ModelInferRequest(model_name=name), timeout=10
                )
            )
            assert error.code() == grpc.StatusCode.FAILED_PRECONDITION


def test_sighup_reloads_without_polling(versions: Versions) -> None:
    """A new version comes, a model vanishes, and one that was bad is tried again, when asked."""
    versions.put(1, "other")
    bad = versions.put_bad(1, "broken")
    with ServerProcess(repository=versions.root) as process:
        assert [e["name"] for e in process.events if e["event"] == "failed"] == ["broken"]
        versions.put(2)
        shutil.rmtree(versions.root / "other")
        bad.write_bytes((versions.root / "adder" / "2" / "model.onnx").read_bytes())
        process.signal(signal.SIGHUP)
        process.wait_for(lambda e: e["event"] == "model" and e["name"] == "broken")
        process.wait_for(lambda e: e["event"] == "model" and e.get("version") == 2)
        process.wait_for(lambda e: e["event"] == "withdrawn" and e["name"] == "other")
