"""Chains whose operations and bytes are given: all that a shortlist looks at."""

from collections.abc import Callable, Sequence

import onnx_ir as ir
import pytest

from cutpoint.graph import Graph
from cutpoint.graph.node import Node
from cutpoint.graph.value import Value


def _chain(flops: Sequence[float], sizes: Sequence[int]) -> Graph:
    """Take the operations of each node, and the bytes of the input and of each node's value."""
    names = [f"v{i}" for i in range(len(sizes))]
    nodes = [
        Node(i, f"n{i}", "Relu", (names[i],), (names[i + 1],), count)
        for i, count in enumerate(flops)
    ]
    values = {
        name: Value(
            name, "uint8", (size,), i - 1 if i else None, (i,) if i < len(nodes) else (), (size,)
        )
        for i, (name, size) in enumerate(zip(names, sizes, strict=True))
    }
    return Graph(
        name="chain",
        sha256="ab" * 32,
        nodes=tuple(nodes),
        values=values,
        inputs=(names[0],),
        outputs=(names[-1],),
        constants=(),
        original_names=frozenset(names),
        source=ir.Model(ir.Graph((), (), nodes=()), ir_version=8),
    )


@pytest.fixture(scope="session")
def chain_of() -> Callable[..., Graph]:
    """Give the writer of chains."""
    return _chain
