"""From an optimised ONNX model to a graph."""

from collections.abc import Iterable, Iterator

import onnx_ir as ir
from onnx_ir.passes.common import ShapeInferencePass

from cutpoint.exceptions import ModelError, UnknownShapeError
from cutpoint.graph.flops import count_flops
from cutpoint.graph.graph import Graph
from cutpoint.graph.node import Node
from cutpoint.graph.value import Value

_TRAVELLING = frozenset(
    {
        ir.DataType.BOOL, ir.DataType.INT8, ir.DataType.INT16, ir.DataType.INT32,
        ir.DataType.INT64, ir.DataType.UINT8, ir.DataType.UINT16, ir.DataType.UINT32,
        ir.DataType.UINT64, ir.DataType.FLOAT16, ir.DataType.FLOAT, ir.DataType.DOUBLE,
    }
)  # fmt: skip
"""Element types with a name in the protocol and in NumPy; values of others do not cross."""

_RANDOM_OPERATORS = frozenset(
    {"RandomNormal", "RandomUniform", "RandomNormalLike", "RandomUniformLike"}
)
"""Depend on no input, yet may not be computed twice: each copy would differ."""


def graph_from_model(
    model: ir.Model, *, name: str, sha256: str, original_names: frozenset[str]
) -> Graph:
    """
    Read an optimised model as a graph.

    Parameters
    ----------
    model
        Optimised at ONNX Runtime's basic level, so that what is cut is what runs.
    name, sha256
        Of the model file.
    original_names
        Names of the values in the model file.

    Raises
    ------
    UnknownShapeError
        If a model input has a dimension that nothing binds.
    ModelError
        If the model has no node or an input is not a tensor.
    """
    ShapeInferencePass()(model)
    _name_nodes(model.graph)
    inputs = tuple(_checked_input(value) for value in model.graph.inputs if not _is_weight(value))
    if not inputs:
        raise ModelError(f"model {name!r} takes no inputs: there is nothing to send to a server")
    computed, names = _computed_nodes(model.graph)
    computed = _leading_to_outputs(model.graph, computed)
    if not computed:
        raise ModelError(f"model {name!r} computes nothing from its inputs: nothing to run or cut")
    nodes = tuple(_node(index, node, names) for index, node in enumerate(computed))
    outputs = tuple(_name(value) for value in model.graph.outputs)
    values = _values(model.graph, nodes, inputs)
    return Graph(
        name=name,
        sha256=sha256,
        nodes=nodes,
        values=values,
        inputs=inputs,
        outputs=outputs,
        constants=tuple(output for output in outputs if output not in values),
        original_names=original_names,
        source=model,
    )


def value_names(model: ir.Model) -> frozenset[str]:
    """Give the names of every value that nodes make or the caller feeds."""
    produced = (value.name for node in model.graph for value in node.outputs if value.name)
    return frozenset((*produced, *(_name(value) for value in model.graph.inputs)))


def _computed_nodes(graph: ir.Graph) -> tuple[list[ir.Node], set[str]]:
    """Give the nodes that depend on the inputs, and the names of the values that do."""
    names = {_name(value) for value in graph.inputs if not _is_weight(value)}
    outputs = {_name(value) for value in graph.outputs}
    nodes = []
    for node in graph:
        made = [value.name for value in node.outputs if value.name]
        depends = any(name in names for name in _needed(node))
        if depends or node.op_type in _RANDOM_OPERATORS or outputs.intersection(made):
            names.update(made)
            nodes.append(node)
    return nodes, names


def _leading_to_outputs(graph: ir.Graph, nodes: list[ir.Node]) -> list[ir.Node]:
    """Leave out nodes no output needs: no plan may count them."""
    needed = {_name(value) for value in graph.outputs}
    kept = []
    for node in reversed(nodes):
        if needed.intersection(value.name for value in node.outputs):
            needed.update(_needed(node))
            kept.append(node)
    return kept[::-1]


def _node(index: int, node: ir.Node, computed: set[str]) -> Node:
    needed = dict.fromkeys(name for name in _needed(node) if name in computed)
    return Node(
        index=index,
        name=node.name or "",
        op_type=node.op_type,
        inputs=tuple(needed),
        outputs=tuple(value.name for value in node.outputs if value.name),
        flops=count_flops(node),
        weight_bytes=sum(
            value.const_value.nbytes
            for value in {id(value): value for value in node.inputs if value is not None}.values()
            if value.const_value is not None
        ),
    )


def _needed(node: ir.Node) -> Iterator[str]:
    """Yield the names a node uses, those its sub-graphs capture included."""
    for value in node.inputs:
        if value is not None and value.name:
            yield value.name
    for attribute in node.attributes.values():
        for graph in _subgraphs(attribute):
            yield from _captured(graph)


def _subgraphs(attribute: ir.Attr) -> Iterable[ir.Graph]:
    if attribute.type == ir.AttributeType.GRAPH:
        return (attribute.as_graph(),)
    if attribute.type == ir.AttributeType.GRAPHS:
        return tuple(attribute.as_graphs())
    return ()


def _captured(graph: ir.Graph) -> Iterator[str]:
    own = {value.name for value in graph.inputs} | set(graph.initializers)
    for node in graph:
        yield from (name for name in _needed(node) if name not in own)
        own.update(value.name for value in node.outputs)
    yield from (_name(value) for value in graph.outputs if value.name not in own)


def _values(graph: ir.Graph, nodes: tuple[Node, ...], inputs: tuple[str, ...]) -> dict[str, Value]:
    typed = {_name(value): value for value in graph.inputs}
    typed.update((value.name, value) for node in graph for value in node.outputs if value.name)
    producers: dict[str, int | None] = dict.fromkeys(inputs)
    consumers: dict[str, list[int]] = {name: [] for name in inputs}
    for node in nodes:
        for name in node.outputs:
            producers[name] = node.index
            consumers[name] = []
        for name in node.inputs:
            consumers[name].append(node.index)
    return {
        name: Value(
            name, _dtype(typed[name]), _shape(typed[name]), producer, tuple(consumers[name])
        )
        for name, producer in producers.items()
    }


def _checked_input(value: ir.Value) -> str:
    name = _name(value)
    if _dtype(value) is None:
        raise ModelError(f"input {name!r} is not a tensor of numbers: it cannot travel to a server")
    if value.shape is None:
        raise UnknownShapeError(f"input {name!r} has no shape: export the model with fixed shapes")
    for position, dimension in enumerate(value.shape):
        if not isinstance(dimension, int):
            raise UnknownShapeError(
                f"input {name!r}: dimension {position} ({dimension}) is not bound; "
                "export the model with fixed shapes"
            )
    return name


def _shape(value: ir.Value) -> tuple[int, ...] | None:
    if value.shape is None or not value.shape.is_static():
        return None
    return tuple(value.shape.numpy())


def _dtype(value: ir.Value) -> str | None:
    if value.dtype is None or value.dtype not in _TRAVELLING:
        return None
    return str(value.dtype.numpy())


def _is_weight(value: ir.Value) -> bool:
    return bool(value.is_initializer())


def _name(value: ir.Value) -> str:
    if value.name is None:
        raise ModelError("the model has an unnamed input or output: name it and export again")
    return str(value.name)


def _name_nodes(graph: ir.Graph) -> None:
    """Give every node a name of its own: profiles refer to nodes by name."""
    seen: set[str] = set()
    for index, node in enumerate(graph):
        number = index
        while not node.name or node.name in seen:
            node.name = f"{node.op_type}_{number}"
            number += 1
        seen.add(node.name)
