"""More models than memory: the one nobody asks for makes room, and comes back when asked."""

import time
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import onnx
import pytest
from tests.server.test_reload import Versions

from cutpoint.exceptions import ModelError, NotReadyError
from cutpoint.graph import SERVER_ONLY
from cutpoint.lab.server_process import ServerProcess
from cutpoint.server.catalog import Catalog
from cutpoint.server.memory_budget import Holding, MemoryBudget
from cutpoint.server.served_model import ServedModel
from cutpoint.wire.channel import open_channel
from cutpoint.wire.errors import rpc_error
from cutpoint.wire.protocol import messages, services

_SIDE = 3500
_WEIGHT_BYTES = 4 * _SIDE**2
_NAMES = ("first", "second", "third")


class Clock:
    """A clock that is moved by hand."""

    now_s = 1000.0

    def __call__(self) -> float:
        """Give its time."""
        return self.now_s


@pytest.fixture
def large(tmp_path: Path, model_of) -> Path:
    """Give a repository of three models of 48 MB each."""
    model = model_of(
        f"(float[1, {_SIDE}] x) => (float[1, {_SIDE}] y) "
        "{ a = Relu (x)  b = MatMul (a, weight)  y = Relu (b) }"
    )
    weight = np.eye(_SIDE, dtype=np.float32)
    model.graph.initializer.append(onnx.numpy_helper.from_array(weight, "weight"))
    content = model.SerializeToString()
    for name in _NAMES:
        path = tmp_path / name / "1" / "model.onnx"
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
    return tmp_path


def _resident_bytes(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no VmRSS")


def _wait_until_ready(stub: Any, name: str) -> None:
    until_s = time.perf_counter() + 60
    while not _ready(stub, name):
        assert time.perf_counter() < until_s
        time.sleep(0.02)


def _ready(stub: Any, name: str) -> bool:
    return bool(stub.ModelReady(messages.ModelReadyRequest(name=name), timeout=10).ready)


def test_a_cold_model_comes_back_when_it_is_asked_for(
    tmp_path: Path, request_for, outputs_in, refusal_of
) -> None:
    """A request for it is refused by words and loads it again; another makes room for it."""
    versions = Versions(tmp_path)
    for name in _NAMES:
        versions.put(1, name)
    request = request_for("first", {"x": np.zeros(64, np.float32)})
    with (
        ServerProcess(repository=tmp_path, arguments=["--memory", "300B"]) as process,
        open_channel(process.address) as channel,
    ):
        stub = services.GRPCInferenceServiceStub(channel)
        assert stub.ServerReady(messages.ServerReadyRequest(), timeout=10).ready
        index = stub.RepositoryIndex(messages.RepositoryIndexRequest(), timeout=10)
        whole = {row.name: row.state for row in index.models if row.name in _NAMES}
        assert whole == {"first": "UNAVAILABLE", "second": "UNAVAILABLE", "third": "READY"}
        error = refusal_of(lambda: stub.ModelInfer(request, timeout=30))
        assert error.code() == grpc.StatusCode.UNAVAILABLE
        assert isinstance(rpc_error(error, "here"), NotReadyError)
        _wait_until_ready(stub, "first")
        assert outputs_in(stub.ModelInfer(request, timeout=60))["y"][0] == 1.0
        assert not _ready(stub, "third")


@pytest.mark.soak
def test_memory_is_bounded(large: Path, request_for, outputs_in, refusal_of) -> None:
    """Three models take little more than the one that fits, and not more once it was exchanged."""
    limit = f"{int(1.5 * _WEIGHT_BYTES)}B"
    request = request_for("first", {"x": np.full((1, _SIDE), 7, np.float32)})
    process = ServerProcess(repository=large, arguments=["--memory", limit])
    process.start()
    try:
        empty_bytes = _resident_bytes(process.pid)
        process.wait_until_ready()
        loaded_bytes = _resident_bytes(process.pid)
        with open_channel(process.address) as channel:
            stub = services.GRPCInferenceServiceStub(channel)
            refusal_of(lambda: stub.ModelInfer(request, timeout=30))
            _wait_until_ready(stub, "first")
            assert (outputs_in(stub.ModelInfer(request, timeout=60))["y"] == 7.0).all()
            heated_bytes = _resident_bytes(process.pid)
    finally:
        process.close()
    # Without the limit it is 3.9: three, and ONNX Runtime's libraries and copies.
    for resident_bytes in (loaded_bytes, heated_bytes):
        more = resident_bytes - empty_bytes
        assert more <= 3.3 * _WEIGHT_BYTES, f"{more / _WEIGHT_BYTES:.2f} weights"


@pytest.fixture
def clock() -> Clock:
    """Give the budget's clock."""
    return Clock()


def _small(tmp_path: Path, budget: MemoryBudget, name: str) -> ServedModel:
    path = Versions(tmp_path).put(1, name)
    return ServedModel.load(str(path), name=name, num_threads=1, budget=budget)


def test_what_runs_keeps_its_weights(tmp_path: Path, clock: Clock) -> None:
    """However long it takes: another model finds no room meanwhile, and finds it afterwards."""
    budget = MemoryBudget(300, clock=clock)
    first = _small(tmp_path, budget, "first")
    whole = first.cuts[0]
    release = first.hold(whole)
    clock.now_s += 3600
    with pytest.raises(ModelError, match="the rest is in use"):
        _small(tmp_path, budget, "second")
    assert first.is_held(whole)
    release()
    clock.now_s += 3600
    _small(tmp_path / "again", budget, "second")
    assert first.is_cold
    with pytest.raises(NotReadyError, match="made room"):
        first.line_of(whole)


def test_a_cold_model_is_heated_by_a_request(tmp_path: Path, clock: Clock) -> None:
    """The first request is refused and begins it; afterwards answers are as before."""
    budget = MemoryBudget(300, clock=clock)
    models = [_small(tmp_path, budget, name) for name in ("first", "second")]
    catalog = Catalog(models)
    try:
        assert [model.is_cold for model in models] == [True, False]
        with pytest.raises(NotReadyError, match="is being loaded again"):
            catalog.ready("first")
        catalog._heating["first"].result(60)
        assert [model.is_cold for model in models] == [False, True]
        endpoint = catalog.ready("first")
        x = np.zeros(64, np.float32)
        outputs, _ = endpoint.model.run(endpoint.cut, {"x": x}, lambda: False)
        assert outputs["y"][0] == 1.0
        assert catalog.is_ready("second") is False  # and finds no room: the first was just used
        catalog._heating["second"].result(60)
        assert [model.is_cold for model in models] == [False, True]
        with pytest.raises(NotReadyError):
            catalog.ready("second")
    finally:
        catalog.close()


def test_a_tail_nobody_uses_makes_room_for_another(clock: Clock, six_convs: Path) -> None:
    """The fifth tail takes the place of the one unused for longest, which may be built again."""
    budget = MemoryBudget(clock=clock)
    model = ServedModel.load(str(six_convs), num_threads=1, budget=budget)
    held = {cut.id for cut in model.cuts}
    others = [cut.id for cut in model.candidates.cuts if cut.id not in held][:6]
    for cut_id in others[:4]:
        model.add_tail(cut_id)
        clock.now_s += 1
    with pytest.raises(ModelError, match="in use"):
        model.add_tail(others[4])
    clock.now_s += 20
    model.touch(model.candidates.get(others[0]))
    model.add_tail(others[4])
    assert {cut.id for cut in model.cuts} - held == {others[i] for i in (0, 2, 3, 4)}
    with pytest.raises(NotReadyError):
        model.line_of(model.candidates.get(others[1]))
    clock.now_s += 20
    model.add_tail(others[1])
    assert model.is_held(model.candidates.get(others[1]))
    assert model.is_held(next(cut for cut in model.cuts if cut.id == SERVER_ONLY))


def test_a_model_that_is_dropped_is_counted_no_more(tmp_path: Path) -> None:
    """Its weights go with the last reference to it, not when circles are collected."""
    budget = MemoryBudget()
    model = _small(tmp_path, budget, "first")
    assert budget.held_bytes == 256
    endpoint_model = model
    del model
    assert budget.held_bytes == 256
    del endpoint_model
    assert budget.held_bytes == 0


def test_what_is_being_warmed_makes_no_room(
    six_convs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Let go before it is served, it would be served all the same and counted nowhere."""
    budget = MemoryBudget()
    honest = ServedModel._warm

    def warm(model: ServedModel, *arguments: Any) -> Any:
        budget.limit_bytes = budget.held_bytes
        with pytest.raises(ModelError, match="do not fit"):
            budget.admit(Holding("other", "model", 1, lambda: None))
        return honest(model, *arguments)

    monkeypatch.setattr(ServedModel, "_warm", warm)
    model = ServedModel.load(str(six_convs), num_threads=1, budget=budget)
    assert budget.held_bytes > 0
    budget.admit(Holding("other", "model", 1, lambda: None))  # served and unused, it goes
    assert model.is_cold
