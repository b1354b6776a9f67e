"""A Triton for every test that can do with the same one."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnx
import pytest

from cutpoint.exceptions import ConnectError
from cutpoint.execution import ModelFile, Segments, load_graph
from cutpoint.graph import Arrays, Cut, Graph, cut_at
from cutpoint.lab.triton_process import TritonInstallation, TritonProcess, find_triton
from cutpoint.server.triton import ExportSettings, TritonRepository, export_repository

BRANCHING = """<ir_version: 8, opset_import: ["" : 17]>
branching (float[N, 8, 16] x, int64[N, 4] rows) =>
    (float[N, 8, 16] y, float[N, 1, 1] top, int64[N, 4] z) {
    left = Tanh (x)
    right = Abs (x)
    twice = Add (rows, rows)
    joined = Mul (left, right)
    wide = Sigmoid (joined)
    deep = Exp (joined)
    y = Add (wide, deep)
    top = ReduceMax <axes = [1, 2]> (deep)
    z = Mul (twice, rows)
}"""


class Exported(NamedTuple):
    """A model, and what was written of it."""

    path: Path
    graph: Graph
    repository: TritonRepository


@pytest.fixture(scope="session")
def installation() -> TritonInstallation:
    """Give the Triton that is installed; skips the test where there is none, and says why."""
    try:
        return find_triton()
    except ConnectError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def branching(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the file of a model of two branches, two inputs, three outputs and an open batch."""
    path = tmp_path_factory.mktemp("models") / "branching.onnx"
    onnx.save(onnx.parser.parse_model(BRANCHING), path)
    return path


def exported(
    path: Path, folder: Path, crossings: list[tuple[str, ...]] | None = None, **settings: object
) -> Exported:
    """Export a model for the Python backend, cut at given values."""
    sizes = {"N": 1} if path.stem.startswith("branching") else {}
    graph = load_graph(ModelFile.open(path), sizes=sizes)
    cuts = None if crossings is None else [cut_at(graph, names) for names in crossings]
    wanted = ExportSettings(backend="python", num_threads=1, **settings)  # type: ignore[arg-type]
    return Exported(path, graph, export_repository(graph, folder, cuts, wanted))


def values_of(graph: Graph, cuts: tuple[Cut, ...], seed: int = 3) -> Arrays:
    """Give every value that crosses a cut, and every output, for seeded inputs."""
    rng = np.random.default_rng(seed)
    feed = {}
    for name in graph.inputs:
        value = graph.values[name]
        shape = value.shape or ()
        if value.dtype == "int64":
            feed[name] = rng.integers(0, 9, shape)
        else:
            feed[name] = rng.standard_normal(shape).astype(value.dtype)
    segments = Segments(graph, cuts)
    return segments.run(segments.segments, feed).values


@pytest.fixture(scope="session")
def six_convs_exported(
    installation: TritonInstallation, six_convs: Path, triton_folder: Path
) -> Exported:
    """Give a chain of convolutions whose second output leaves early, in segments."""
    return exported(six_convs, triton_folder, [("pool1",), ("pool3",)])


@pytest.fixture(scope="session")
def branching_exported(
    installation: TritonInstallation, branching: Path, triton_folder: Path
) -> Exported:
    """Give the model of two branches, its tails one model each."""
    return exported(
        branching, triton_folder, [("joined", "rows"), ("deep", "rows", "wide")], layout="tails"
    )


@pytest.fixture(scope="session")
def triton_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the repository of the Triton that tests share."""
    return tmp_path_factory.mktemp("triton")


@pytest.fixture(scope="session")
def triton(
    installation: TritonInstallation,
    triton_folder: Path,
    six_convs_exported: Exported,
    branching_exported: Exported,
) -> Iterator[TritonProcess]:
    """Give a Triton with both models, that no test ends."""
    with TritonProcess(triton_folder, installation=installation) as process:
        yield process


@pytest.fixture
def own_triton(installation: TritonInstallation) -> Iterator[Callable[[Path], TritonProcess]]:
    """Give what starts a Triton that the test may end."""
    started: list[TritonProcess] = []

    def start(folder: Path) -> TritonProcess:
        process = TritonProcess(folder, installation=installation)
        started.append(process)
        process.start()
        return process

    yield start
    for process in started:
        process.close()
