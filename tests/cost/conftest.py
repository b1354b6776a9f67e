"""Profiles written down for a graph."""

from collections.abc import Callable, Sequence

import pytest

from cutpoint.graph import Graph
from cutpoint.records import FORMAT_VERSION, Environment, Profile, Sample


@pytest.fixture(scope="session")
def chain(graph_of: Callable[..., Graph]) -> Graph:
    """Give x -> a -> b -> c -> y, named nodes that count 4, 4, 4 and 4 operations."""
    return graph_of(
        """(float[1,4] x) => (float[1,4] y)
        { [A] a = Relu(x) [B] b = Sigmoid(a) [C] c = Tanh(b) [Y] y = Neg(c) }"""
    )


@pytest.fixture(scope="session")
def profile_of() -> Callable[..., Profile]:
    """Give the writer of profiles."""

    def write(
        graph: Graph, samples: Sequence[Sample], cuts: Sequence[tuple[str, ...]] = ()
    ) -> Profile:
        environment = Environment("1.31", ("CPUExecutionProvider",), 1, "cpu", 4, None, True)
        return Profile(
            format_version=FORMAT_VERSION,
            model_sha256=graph.sha256,
            model_name=graph.name,
            host="here",
            environment=environment,
            cuts=tuple(cuts),
            samples=tuple(samples),
            contention=1.0,
        )

    return write
