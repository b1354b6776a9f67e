"""Tiny models and servers for the client's tests."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from cutpoint import InferenceSession
from cutpoint.server.edge_server import EdgeServer, ServerSettings


def tiny_model(seed: int = 0, width: int = 16, depth: int = 4) -> onnx.ModelProto:
    """Give a chain of matrix products and Relus with pooling between: its values shrink."""
    rng = np.random.default_rng(seed)
    nodes, weights, name = [], [], "x"
    for layer in range(depth):
        size = width // 2**layer
        weight = (rng.standard_normal((size, size // 2)) / np.sqrt(size)).astype(np.float32)
        weights.append(numpy_helper.from_array(weight, f"w{layer}"))
        nodes.append(helper.make_node("MatMul", [name, f"w{layer}"], [f"m{layer}"]))
        nodes.append(helper.make_node("Tanh", [f"m{layer}"], [f"t{layer}"]))
        name = f"t{layer}"
    make = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "tiny",
        [make("x", onnx.TensorProto.FLOAT, (1, 8, width))],
        [make(name, onnx.TensorProto.FLOAT, (1, 8, width // 2**depth))],
        weights,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.fixture
def model_path(tmp_path: Path) -> Path:
    """Give the path of a tiny model."""
    return save(tmp_path / "tiny.onnx", tiny_model())


@pytest.fixture
def feed() -> dict[str, np.ndarray]:
    """Give an input of the tiny model."""
    rng = np.random.default_rng(1)
    return {"x": rng.standard_normal((1, 8, 16)).astype(np.float32)}


def save(path: Path, model: onnx.ModelProto) -> Path:
    """Write a model."""
    onnx.save_model(model, path)
    return path


def wait_for_tails(session: InferenceSession) -> None:
    """Wait until the server has built every tail this device holds a cut for."""
    engine = session._engine
    assert engine is not None
    wanted = {cut.id for cut in engine.cuts}
    for _ in range(200):
        if wanted <= engine.server.tails:
            return
        time.sleep(0.1)
    raise AssertionError(f"{wanted - engine.server.tails} were not built")


def wait_for_problem(session: InferenceSession, kind: type[Exception]) -> None:
    """Wait until a session knows what is wrong with its server."""
    engine = session._engine
    assert engine is not None
    until_s = time.perf_counter() + 20
    while not isinstance(engine.server.problem, kind):
        assert time.perf_counter() < until_s, engine.server.problem
        time.sleep(0.01)


@contextmanager
def running_server(*paths: Path, port: int = 0, **settings: object) -> Iterator[str]:
    """Run a server on a thread of this process; gives its address once it is ready."""
    ready, stopping = Event(), []
    found: list[str] = []

    async def main() -> None:
        server = EdgeServer(ServerSettings(port=port, **settings))
        stop = asyncio.Event()
        stopping.append((asyncio.get_running_loop(), stop))
        found.append(await server.start())
        await server.load([str(path) for path in paths])
        ready.set()
        await stop.wait()
        await server.stop()

    thread = Thread(target=asyncio.run, args=(main(),))
    thread.start()
    try:
        while not ready.wait(0.1):
            assert thread.is_alive(), "the server did not start"
        yield found[0]
    finally:
        loop, stop = stopping[0]
        if thread.is_alive():
            loop.call_soon_threadsafe(stop.set)
        thread.join()
