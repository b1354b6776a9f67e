"""The tiny model as a graph, and a feed for it."""

from pathlib import Path

import numpy as np
import pytest

from cutpoint.execution import ModelFile, load_graph
from cutpoint.graph import Arrays, Graph


@pytest.fixture(scope="session")
def graph(six_convs: Path) -> Graph:
    """Load the tiny model."""
    return load_graph(ModelFile.open(six_convs))


@pytest.fixture(scope="session")
def feed() -> Arrays:
    """Give an image."""
    return {"image": np.random.default_rng(5).standard_normal((1, 3, 64, 64), dtype=np.float32)}
