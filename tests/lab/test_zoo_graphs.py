"""Graphs of the nets without weights are those of the nets with weights."""

from decimal import Decimal
from pathlib import Path

import onnx
import onnx_ir as ir
import pytest
from tests.nets import net_graph

from cutpoint.exceptions import ModelError
from cutpoint.execution import ModelFile, load_graph
from cutpoint.graph import Graph, graph_from_model, value_names
from cutpoint.lab.zoo import ZOO, graph_of

WRITTEN_IN_FULL = ("mobilevit_xxs", "shufflenet", "squeezenet")


def graph_with_weights(path: Path, name: str) -> Graph:
    """Give the graph of a net whose weights were drawn."""
    model = ir.from_proto(onnx.load(path))
    return graph_from_model(model, name=name, sha256="ab" * 32, original_names=value_names(model))


@pytest.mark.parametrize("name", ZOO)
def test_operations_are_about_the_published_ones(name: str) -> None:
    """Two per multiply-add, and a little for all that is none."""
    graph, published = net_graph(name), float(Decimal(ZOO[name].gmacs) * 10**9)
    assert graph.name == name
    assert 0.93 * published < graph.flops(graph.all_nodes) / 2 < 1.1 * published


@pytest.mark.parametrize("name", ZOO)
def test_everything_that_may_travel_has_a_size(name: str) -> None:
    """Shapes are inferred without weights; inputs, outputs and all that is used are bound."""
    graph = net_graph(name)
    assert graph.values[graph.inputs[0]].shape == (1, *ZOO[name].image)
    used = [value for value in graph.values.values() if value.consumers]
    assert all(value.can_travel for value in used)
    assert all(graph.values[output].can_travel for output in graph.outputs)
    # One weight of inception_v1 is reshaped on its way, and belongs to no node until folded.
    assert sum(node.weight_bytes for node in graph.nodes) > 3 * ZOO[name].num_parameters


@pytest.mark.parametrize("name", WRITTEN_IN_FULL)
def test_weights_change_nothing(name: str, zoo_model) -> None:
    """Nodes, values, operations and bytes are those of the net with its weights."""
    graph, full = net_graph(name), graph_with_weights(zoo_model(name), name)
    assert graph.nodes == full.nodes
    assert graph.values == full.values
    assert (graph.inputs, graph.outputs) == (full.inputs, full.outputs)


def test_the_optimised_graph_has_fewer_nodes(zoo_model) -> None:
    """ONNX Runtime merges batch norms; values of both graphs have one size."""
    graph = net_graph("shufflenet")
    optimised = load_graph(ModelFile.open(zoo_model("shufflenet")))
    assert len(optimised.nodes) < len(graph.nodes)
    common = optimised.values.keys() & graph.values.keys()
    assert len(common) > 0.9 * len(optimised.values)
    assert all(optimised.values[name].shape == graph.values[name].shape for name in common)


def test_a_graph_is_told_from_others() -> None:
    """The digest is the same each time, and another for another net."""
    digests = {name: graph_of(name).sha256 for name in ("nin", "resnet18")}
    assert digests["nin"] == graph_of("nin").sha256 != digests["resnet18"]


def test_an_unknown_net_is_told() -> None:
    """The error lists the nets that are there."""
    with pytest.raises(ModelError, match=r"no net 'resnet51' in the zoo: take one of alexnet"):
        graph_of("resnet51")
