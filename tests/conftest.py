"""What the tests of several rooms are made of: graphs and tables written down, not measured."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import onnx
import onnx.parser
import onnx_ir as ir
import pytest
from hypothesis import settings

from cutpoint.cost import CutTable
from cutpoint.graph import (
    Cut,
    Graph,
    check_runnable,
    cut_id,
    graph_from_model,
    value_names,
)
from cutpoint.lab.fork_server import ForkServer
from cutpoint.lab.forked_server import ForkedServer
from cutpoint.lab.zoo import write

settings.register_profile("cutpoint", deadline=None)
settings.load_profile("cutpoint")


def pytest_configure() -> None:
    """Keep what is compiled, wherever Python was told not to: tests start hundreds of processes."""
    sys.dont_write_bytecode = False
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


_HEADER = '<ir_version: 8, opset_import: ["" : 17]>'


def _model(text: str) -> onnx.ModelProto:
    return onnx.parser.parse_model(text if text.startswith("<") else f"{_HEADER}\nmodel {text}")


def _graph(text: str, name: str = "model", **sizes: int) -> Graph:
    model = ir.from_proto(_model(text))
    graph = graph_from_model(
        model, name=name, sha256="ab" * 32, original_names=value_names(model), sizes=sizes
    )
    check_runnable(graph)
    return graph


def _table(*rows: tuple[float, float, float, float, float]) -> CutTable:
    """Take head, rest, tail, bytes up and bytes down per row: two ends, then splits."""
    splits = [Cut("split", cut_id([f"v{i}"]), (f"v{i}",), 0, ("y",)) for i in range(2, len(rows))]
    cuts = (
        Cut("device", "device-only", (), 1, ()),
        Cut("server", "server-only", ("x",), 0, ("y",)),
        *splits,
    )
    head_s, rest_s, tail_s, up_bytes, down_bytes = np.array(rows, dtype=float).T
    return CutTable(cuts, head_s, rest_s, np.zeros(len(rows)), tail_s, up_bytes, down_bytes)


@pytest.fixture(scope="session")
def fork_server() -> Iterator[ForkServer]:
    """Give what starts server processes in a fraction of a second."""
    with ForkServer() as server:
        yield server


@pytest.fixture(scope="session")
def forked_process(fork_server: ForkServer) -> Callable[..., ForkedServer]:
    """Give what stands in for `ServerProcess` in a bench: started in a fraction of a second."""

    def make(
        models: Sequence[str], num_threads: int = 1, arguments: Sequence[str] = ()
    ) -> ForkedServer:
        return fork_server.server(models, arguments, num_threads=num_threads)

    return make


@pytest.fixture(scope="session")
def zoo_model(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Give the path of a model of the zoo by name, written when it is first asked for."""
    folder = tmp_path_factory.mktemp("zoo")

    def path_of(name: str) -> Path:
        path = folder / f"{name}.onnx"
        return path if path.exists() else write(name, path)

    return path_of


@pytest.fixture(scope="session")
def zoo_write(zoo_model: Callable[[str], Path]) -> Callable[[str, Path], Path]:
    """Give what stands in for the zoo's `write` in a bench: copies what is written once."""
    return lambda name, path: Path(shutil.copy(zoo_model(name), path))


@pytest.fixture(scope="session")
def model_of() -> Callable[..., onnx.ModelProto]:
    """Give the reader of models written as ``(inputs) => (outputs) { nodes }``."""
    return _model


@pytest.fixture(scope="session")
def graph_of() -> Callable[..., Graph]:
    """Give the reader of graphs written the same way, without ONNX Runtime."""
    return _graph


@pytest.fixture(scope="session")
def table_of() -> Callable[..., CutTable]:
    """Give the writer of cut tables, one row per argument."""
    return _table


def _six_convs() -> onnx.ModelProto:
    """Six times Conv, Relu and MaxPool on a 64x64 image; a second output leaves early."""
    rng = np.random.default_rng(11)
    nodes, weights, given, channels = [], [], "image", 3
    for i in range(6):
        weight = rng.standard_normal((8, channels, 3, 3), dtype=np.float32)
        weights.append(onnx.numpy_helper.from_array(weight / np.float32(4), f"weight{i}"))
        nodes += [
            onnx.helper.make_node("Conv", [given, f"weight{i}"], [f"conv{i}"], pads=[1] * 4),
            onnx.helper.make_node("Relu", [f"conv{i}"], [f"relu{i}"]),
            onnx.helper.make_node(
                "MaxPool", [f"relu{i}"], [f"pool{i}"], kernel_shape=[2, 2], strides=[2, 2]
            ),
        ]
        given, channels = f"pool{i}", 8
    nodes.append(onnx.helper.make_node("GlobalMaxPool", ["pool0"], ["brightest"]))
    nodes.append(onnx.helper.make_node("Flatten", [given], ["classes"]))
    kind = onnx.TensorProto.FLOAT
    image = onnx.helper.make_tensor_value_info("image", kind, [1, 3, 64, 64])
    outputs = [
        onnx.helper.make_tensor_value_info("brightest", kind, [1, 8, 1, 1]),
        onnx.helper.make_tensor_value_info("classes", kind, [1, 8]),
    ]
    graph = onnx.helper.make_graph(nodes, "six_convs", [image], outputs, weights)
    opset = onnx.helper.make_opsetid("", 17)
    return onnx.helper.make_model(graph, opset_imports=[opset], ir_version=8)


@pytest.fixture(scope="session")
def six_convs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the file of a tiny model: an image of 48 KiB, ``brightest`` and ``classes``."""
    path = tmp_path_factory.mktemp("models") / "six_convs.onnx"
    path.write_bytes(_six_convs().SerializeToString())
    return path


@pytest.fixture(scope="session")
def counting(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the file of a model that multiplies ``x`` by itself as often as ``rounds`` says."""
    text = """(float[256, 256] x, int64[1] rounds) => (float[256, 256] y) {
        go = Constant <value = bool {1}> ()
        y = Loop (rounds, go, x) <body = step (int64 turn, bool going, float[256, 256] before)
            => (bool on, float[256, 256] after) {
            on = Identity (going)
            product = MatMul (before, before)
            after = Tanh (product)
        }>
    }"""
    path = tmp_path_factory.mktemp("models") / "counting.onnx"
    path.write_bytes(_model(text).SerializeToString())
    return path
