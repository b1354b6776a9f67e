"""Real models, real processes, real sockets."""

from collections.abc import Iterator

import numpy as np
import pytest

from cutpoint.graph import Arrays, Graph
from cutpoint.lab.fork_server import ForkServer
from cutpoint.lab.forked_server import ForkedServer
from cutpoint.lab.zoo import sample_images

SERVED = ("squeezenet", "shufflenet", "inception_v1")


@pytest.fixture(scope="session")
def served(zoo_model, fork_server: ForkServer) -> Iterator[ForkedServer]:
    """Give a server process that holds a sample of the zoo."""
    with fork_server.server([str(zoo_model(name)) for name in SERVED]) as process:
        yield process


def image_feeds(graph: Graph, count: int = 2) -> list[Arrays]:
    """Give natural-like images as feeds of a model with one image input."""
    (name,) = graph.inputs
    _, channels, height, width = graph.values[name].shape
    images = sample_images(count, height, width, seed=7, channels=channels)
    return [{name: image[np.newaxis]} for image in images]
