"""What a file computes of its inputs, read without cutpoint: the only values that may cross."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import onnx

from cutpoint.graph import Cut


def computed_values(path: Path) -> frozenset[str]:
    """Give the inputs, and the values that depend on one; weights and what is made of them not."""
    graph = onnx.load(path, load_external_data=False).graph
    weights = {each.name for each in graph.initializer}
    found = {each.name for each in graph.input} - weights
    for node in graph.node:
        if found.intersection(_used(node)):
            found.update(node.output)
    return frozenset(found - {""})


def weight_values(path: Path) -> frozenset[str]:
    """Give the weights, and what is made of nothing but weights."""
    graph = onnx.load(path, load_external_data=False).graph
    made = {name for node in graph.node for name in node.output}
    return frozenset({each.name for each in graph.initializer} | made) - computed_values(path)


def weight_nodes(path: Path) -> list[onnx.NodeProto]:
    """List the nodes that are given nothing but weights; constants are given nothing."""
    graph = onnx.load(path, load_external_data=False).graph
    weights = {each.name for each in graph.initializer}
    found = []
    for node in graph.node:
        if node.input and weights.issuperset(_used(node)):
            weights.update(node.output)
            found.append(node)
    return found


def assert_only_computed(cuts: Iterable[Cut], path: Path) -> None:
    """Assert that nothing crosses but what the file computes of its inputs."""
    computed, weights = computed_values(path), weight_values(path)
    assert weights
    for cut in cuts:
        assert computed.issuperset(cut.crossing)
        assert weights.isdisjoint(cut.crossing)


def _used(node: onnx.NodeProto) -> Iterator[str]:
    """Yield what a node uses; of its sub-graphs every name, their own ones are others."""
    yield from node.input
    for attribute in node.attribute:
        for inner in attribute.g.node:
            yield from _used(inner)
        yield from (each.name for each in attribute.g.output)


def listed_inputs(path: Path) -> list[str]:
    """List what a file calls an input, weights among them where it does so."""
    return [each.name for each in onnx.load(path, load_external_data=False).graph.input]
