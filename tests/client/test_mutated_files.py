"""Files that went bad: a session refuses them by a typed error, or computes the right answer."""

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from tests.client.conftest import running_server, save, tiny_model
from tests.mutated_files import mutated

from cutpoint import InferenceSession
from cutpoint.cost import (
    Limits,
    Predictor,
    cost_table_of,
    predictor_from_json,
    predictor_to_json,
    write_cut_table,
)
from cutpoint.cost.features import FEATURES
from cutpoint.exceptions import CutpointError
from cutpoint.execution import ModelFile, Segments, load_graph
from cutpoint.graph import Graph
from cutpoint.planning import compiled_table, graph_cuts, shortlist
from cutpoint.profiling import save_profile
from cutpoint.profiling.quick import time_segments
from cutpoint.records import Environment

NOWHERE = "127.0.0.1:1"
FEED = {"x": np.random.default_rng(1).standard_normal((1, 8, 16)).astype(np.float32)}

Tried = Callable[[Path], None]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the path of a tiny model."""
    return save(tmp_path_factory.mktemp("models") / "tiny.onnx", tiny_model())


@pytest.fixture(scope="module")
def graph(model: Path) -> Graph:
    """Give its graph."""
    return load_graph(ModelFile.open(model))


@pytest.fixture(scope="module")
def truth(model: Path) -> np.ndarray:
    """Give its output, without any of our code."""
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, FEED)[0])


@pytest.fixture(scope="module")
def files(graph: Graph, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[bytes, bytes]]:
    """Give, of each kind, a good file and another of its kind."""
    folder = tmp_path_factory.mktemp("files")
    path = folder / "file"
    held = Segments(graph, shortlist(graph, graph_cuts(graph)))
    made = {}
    pairs = []
    for _ in range(2):
        profile = time_segments(held)
        save_profile(profile, path)
        pairs.append(path.read_bytes())
    made["profile"] = (pairs[0], pairs[1])
    costs = cost_table_of(graph, profile, profile)
    pairs = []
    for depth in (0, 2):
        table = compiled_table(graph, costs, limits=Limits(min_depth=depth))
        write_cut_table(table, graph.name, path)
        pairs.append(path.read_bytes())
    made["table"] = (pairs[0], pairs[1])
    return made


def came_of(
    kind: str, files: tuple[bytes, bytes], count: int, seed: int, path: Path, use: Tried
) -> Counter[str]:
    """Give how often a damaged file was used and how often refused, by the error's class."""
    counted: Counter[str] = Counter()
    for name, bad in mutated(*files, count, seed):
        path.write_bytes(bad)
        try:
            use(path)
        except CutpointError as error:
            counted[type(error).__name__] += 1
            if not str(error):
                raise AssertionError(f"{kind} {name}: {error!r} says nothing") from error
        else:
            counted["used"] += 1
    return counted


def in_a_session(model: Path, truth: np.ndarray, kind: str, server: str) -> Tried:
    """Give what takes a file into a session and compares its answer."""

    def use(path: Path) -> None:
        settings: dict[str, Any] = {kind: path}
        with InferenceSession(model, server=server, **settings) as session:
            if server != NOWHERE:
                session.wait_until_ready()
            for _ in range(1 if server == NOWHERE else 3):
                np.testing.assert_allclose(session.run(None, FEED)[0], truth, 1e-5, 1e-6)

    return use


@pytest.mark.parametrize("kind", ["profile", "table"])
def test_a_session_refuses_or_is_right(
    kind: str, model: Path, truth: np.ndarray, files: dict[str, tuple[bytes, bytes]], tmp_path: Path
) -> None:
    """Good files are used; of sixty bad ones some are refused, and no answer is wrong."""
    use = in_a_session(model, truth, kind, NOWHERE)
    (tmp_path / "good").write_bytes(files[kind][0])
    use(tmp_path / "good")
    counted = came_of(kind, files[kind], 60, 4, tmp_path / "bad", use)
    assert counted.total() == 60
    assert counted["used"] < 40


@pytest.fixture(scope="module")
def address(model: Path) -> Iterator[str]:
    """Give the address of a server."""
    with running_server(model) as address:
        yield address


@pytest.mark.soak
@pytest.mark.parametrize("kind", ["profile", "table"])
def test_five_hundred_bad_files_with_a_server(
    kind: str,
    model: Path,
    truth: np.ndarray,
    files: dict[str, tuple[bytes, bytes]],
    tmp_path: Path,
    address: str,
) -> None:
    """500 mutations of each kind, with a server to send to: 0 untyped errors, 0 wrong answers."""
    use = in_a_session(model, truth, kind, address)
    counted = came_of(kind, files[kind], 500, 5, tmp_path / "bad", use)
    assert counted.total() == 500


def test_a_damaged_predictor_is_refused_or_predicts(graph: Graph, tmp_path: Path) -> None:
    """Of 600 damaged predictors every one is refused by name, or gives times that are times."""
    environment = Environment("1.31", ("CPUExecutionProvider",), 1, "cpu", 4, None, True)
    good, other = (
        predictor_to_json(
            Predictor(
                {"MatMul": (1e-6 * n, 2e-10, 0.0, 0.0, 1e-9)},
                (1e-6,) + (0.0,) * (len(FEATURES) - 1),
                3,
                environment,
            )
        )
        for n in (1, 2)
    )

    def use(path: Path) -> None:
        predictor = predictor_from_json(path.read_bytes(), path.name)
        profile = predictor.profile(graph, "host")
        assert all(0 <= sample.duration_s < float("inf") for sample in profile.samples)

    counted = came_of("predictor", (good, other), 600, 6, tmp_path / "bad", use)
    assert counted["used"] < 400
    assert counted["CostError"] > 100
