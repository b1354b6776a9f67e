"""From an optimised ONNX model to a graph."""

from collections.abc import Mapping

import onnx_ir as ir

from cutpoint.exceptions import ModelError, UnknownShapeError
from cutpoint.graph.dimensions import (
    Sizes,
    bound_shape_of,
    check_sizes,
    dimensions_of,
    open_shape_of,
)
from cutpoint.graph.flops import count_flops
from cutpoint.graph.graph import Graph
from cutpoint.graph.node import Node
from cutpoint.graph.shapes import bound_model, dtype_of, infer_shapes, kind_of, static_shape_of
from cutpoint.graph.trial import Trial
from cutpoint.graph.uses import is_random, names_needed
from cutpoint.graph.value import Value


def graph_from_model(
    model: ir.Model,
    *,
    name: str,
    sha256: str,
    original_names: frozenset[str],
    sizes: Sizes | None = None,
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
    sizes
        Binds open dimensions by name. Where one stays open, `check_bound` says which.

    Raises
    ------
    UnknownShapeError
        If a size is of no dimension of the model.
    ModelError
        If an input or output has no name.
    """
    for value in (*model.graph.inputs, *model.graph.outputs):
        _name(value)
    _forget_declared(model.graph)
    infer_shapes(model)
    _name_nodes(model.graph)
    return _read(model, name, sha256, original_names, sizes or {}, {})


def bind(graph: Graph, sizes: Sizes) -> Graph:
    """
    Give the same graph with its open dimensions bound to other sizes.

    Nodes, cuts and segments stay as they are; shapes, sizes and operations are those of
    the new binding. Bytes that only a trial run told grow with the inputs.

    Raises
    ------
    UnknownShapeError
        If a size is of no dimension of the model.
    """
    bound = _read(
        graph.source, graph.name, graph.sha256, graph.original_names, dict(sizes), graph.trial
    )
    before, after = graph.size_bytes(graph.inputs), bound.size_bytes(bound.inputs)
    if not graph.trial or before == after:
        return bound
    growth = after / before if before else None  # a run on no bytes says nothing of others
    return with_trial(bound, {name: _grown(seen, growth) for name, seen in graph.trial.items()})


def with_trial(graph: Graph, trial: Mapping[str, Trial]) -> Graph:
    """Give the graph with what a trial run showed of its values."""
    return _read(
        graph.source, graph.name, graph.sha256, graph.original_names, graph.sizes, dict(trial)
    )


def check_binding(graph: Graph, sizes: Sizes) -> None:
    """
    Refuse sizes that do not bind every open dimension of a graph, and nothing else.

    Raises
    ------
    UnknownShapeError
        Naming what is missing, or is no dimension.
    """
    if not graph.dimensions and not graph.unranked:
        check_sizes(sizes, (), ())
        return
    _check_bound(bind(graph, sizes))


def check_runnable(graph: Graph) -> None:
    """
    Refuse a graph that no two hosts could share.

    Raises
    ------
    ModelError
        If it takes no inputs, computes nothing of them, or takes something that is no
        tensor: that cannot travel to a server.
    UnknownShapeError
        If a dimension is bound by nothing; names the input and the dimension.
    """
    if not graph.inputs:
        raise ModelError(f"model {graph.name!r} takes no inputs: nothing to send to a server")
    if not graph.nodes:
        raise ModelError(
            f"model {graph.name!r} computes nothing from its inputs: nothing to run or cut"
        )
    for name in graph.inputs:
        if not graph.values[name].can_travel:
            raise ModelError(
                f"input {name!r} is a {graph.values[name].kind}, no tensor: it cannot travel to a "
                "server; `cutpoint split` cuts the model behind it"
            )
    _check_bound(graph)


def _check_bound(graph: Graph) -> None:
    for name in graph.inputs:
        value = graph.values[name]
        if value.shape is not None or value.dtype is None:
            continue
        if value.open_shape is None:
            raise UnknownShapeError(
                f"input {name!r} has no shape: bind its dimensions by '{name}:0', '{name}:1', ... "
                "or export the model with a shape"
            )
        open_ = next(d for d in graph.dimensions if d.input == name and d.name not in graph.sizes)
        raise UnknownShapeError(
            f"input {name!r}: dimension {open_.position} ({open_.name}) is not bound; give its "
            f"size ({open_.name}=...), or export the model with fixed shapes"
        )


def _read(
    model: ir.Model,
    name: str,
    sha256: str,
    original_names: frozenset[str],
    sizes: Sizes,
    trial: Mapping[str, Trial],
) -> Graph:
    fed = [value for value in model.graph.inputs if not _is_weight(value)]
    dimensions = dimensions_of(fed)
    check_sizes(sizes, dimensions, (_name(value) for value in fed))
    bound = bound_model(model, sizes)
    computed, names = _computed_nodes(bound)
    computed = _leading_to_outputs(bound.graph, computed)
    nodes = tuple(_node(index, node, names) for index, node in enumerate(computed))
    inputs = tuple(_name(value) for value in fed)
    outputs = tuple(_name(value) for value in model.graph.outputs)
    values = _values(model.graph, bound.graph, nodes, inputs, sizes, trial)
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
        dimensions=dimensions,
        sizes=sizes,
        trial=trial,
    )


def _grown(trial: Trial, growth: float | None) -> Trial:
    if trial.size_bytes is None or growth is None:
        return trial._replace(size_bytes=None)
    return trial._replace(size_bytes=round(trial.size_bytes * growth))


def value_names(model: ir.Model) -> frozenset[str]:
    """Give the names of every value that nodes make or the caller feeds."""
    produced = (value.name for node in model.graph for value in node.outputs if value.name)
    return frozenset((*produced, *(_name(value) for value in model.graph.inputs)))


def _forget_declared(graph: ir.Graph) -> None:
    """
    Drop the shapes of outputs where an input's is open: what follows from the inputs holds.

    Files with an open batch often declare outputs of the batch they were exported with,
    and ONNX Runtime takes them.
    """
    if all(value.shape is not None and value.shape.is_static() for value in graph.inputs):
        return
    for value in graph.outputs:
        if not value.is_graph_input() and not value.is_initializer():
            value.shape = None


def _computed_nodes(model: ir.Model) -> tuple[list[ir.Node], set[str]]:
    """Give the nodes that depend on the inputs, and the names of the values that do."""
    graph, functions = model.graph, model.functions
    names = {_name(value) for value in graph.inputs if not _is_weight(value)}
    outputs = {_name(value) for value in graph.outputs}
    nodes = []
    for node in graph:
        made = [value.name for value in node.outputs if value.name]
        depends = any(name in names for name in names_needed(node))
        if depends or is_random(node, functions) or outputs.intersection(made):
            names.update(made)
            nodes.append(node)
    return nodes, names


def _leading_to_outputs(graph: ir.Graph, nodes: list[ir.Node]) -> list[ir.Node]:
    """Leave out nodes no output needs: no plan may count them."""
    needed = {_name(value) for value in graph.outputs}
    kept = []
    for node in reversed(nodes):
        if needed.intersection(value.name for value in node.outputs):
            needed.update(names_needed(node))
            kept.append(node)
    return kept[::-1]


def _node(index: int, node: ir.Node, computed: set[str]) -> Node:
    needed = dict.fromkeys(name for name in names_needed(node) if name in computed)
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


def _values(
    graph: ir.Graph,
    bound: ir.Graph,
    nodes: tuple[Node, ...],
    inputs: tuple[str, ...],
    sizes: Sizes,
    trial: Mapping[str, Trial],
) -> dict[str, Value]:
    open_, typed = _by_name(graph), _by_name(bound)
    producers: dict[str, int | None] = dict.fromkeys(inputs)
    consumers: dict[str, list[int]] = {name: [] for name in inputs}
    for node in nodes:
        for name in node.outputs:
            producers[name] = node.index
            consumers[name] = []
        for name in node.inputs:
            consumers[name].append(node.index)
    return {
        name: _value(open_[name], typed[name], producer, tuple(consumers[name]), sizes, trial)
        for name, producer in producers.items()
    }


def _value(
    open_: ir.Value,
    bound: ir.Value,
    producer: int | None,
    consumers: tuple[int, ...],
    sizes: Sizes,
    trial: Mapping[str, Trial],
) -> Value:
    name = _name(open_)
    dtype = dtype_of(bound, trial)
    is_input = producer is None
    shape = bound_shape_of(open_, sizes) if is_input else static_shape_of(bound, sizes)
    seen = trial.get(name)
    return Value(
        name,
        dtype,
        shape if dtype is not None else None,
        producer,
        consumers,
        open_shape_of(open_) if dtype is not None else None,
        expected_bytes=None if seen is None else seen.size_bytes,
        kind=kind_of(bound, trial),
    )


def _by_name(graph: ir.Graph) -> dict[str, ir.Value]:
    named = {_name(value): value for value in graph.inputs}
    named.update((value.name, value) for node in graph for value in node.outputs if value.name)
    return named


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
