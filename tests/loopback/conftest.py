"""Real models, real processes, real sockets."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from cutpoint.graph import Arrays, Graph
from cutpoint.lab.server_process import ServerProcess
from cutpoint.lab.zoo import sample_images, write

SERVED = ("squeezenet", "shufflenet", "inception_v1")


@pytest.fixture(scope="session")
def zoo_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder that models of the zoo are written to, once per test run."""
    return tmp_path_factory.mktemp("zoo")


@pytest.fixture(scope="session")
def zoo_model(zoo_folder: Path):
    """Give the path of a model of the zoo by name, made when it is first asked for."""

    def path_of(name: str) -> Path:
        path = zoo_folder / f"{name}.onnx"
        return path if path.exists() else write(name, path)

    return path_of


@pytest.fixture(scope="session")
def served(zoo_model) -> Iterator[ServerProcess]:
    """Give a server process that holds a sample of the zoo."""
    with ServerProcess([str(zoo_model(name)) for name in SERVED]) as process:
        yield process


def image_feeds(graph: Graph, count: int = 2) -> list[Arrays]:
    """Give natural-like images as feeds of a model with one image input."""
    (name,) = graph.inputs
    _, channels, height, width = graph.values[name].shape
    images = sample_images(count, height, width, seed=7, channels=channels)
    return [{name: image[np.newaxis]} for image in images]
