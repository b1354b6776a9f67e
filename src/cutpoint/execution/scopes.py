"""The graphs, sub-graphs and functions of a model file, and the tensors in them."""

from collections.abc import Iterator
from typing import NamedTuple

import onnx

FunctionKey = tuple[str, str, str]
"""Domain, name and overload."""


class Scope(NamedTuple):
    """
    One list of nodes.

    Parameters
    ----------
    where
        For messages: ``graph 'main'``, ``function 'domain:name'``.
    depth
        Sub-graphs around it.
    owner
        The local function it is in; ``None`` for the model's own graph.
    body
        Its nodes, and its initializers if it is a graph.
    """

    where: str
    depth: int
    owner: FunctionKey | None
    body: onnx.GraphProto | onnx.FunctionProto

    @property
    def graph(self) -> onnx.GraphProto | None:
        """The body, if it is a graph."""
        return self.body if isinstance(self.body, onnx.GraphProto) else None


def scopes_of(model: onnx.ModelProto) -> Iterator[Scope]:
    """
    Give every scope of a model, outer ones first.

    Lazy and without recursion: a caller that stops at a limit walks no further.
    """
    waiting = [Scope(f"graph {model.graph.name!r}", 0, None, model.graph)]
    for function in model.functions:
        key = function_key(function)
        waiting.append(Scope(f"function '{key[0]}:{key[1]}'", 0, key, function))
    for info in model.training_info:
        waiting.append(Scope("training initialization", 0, None, info.initialization))
        waiting.append(Scope("training algorithm", 0, None, info.algorithm))
    while waiting:
        scope = waiting.pop()
        yield scope
        for attribute in _attributes(scope):
            inner = [attribute.g] if attribute.HasField("g") else []
            waiting.extend(
                Scope(f"graph {graph.name!r}", scope.depth + 1, scope.owner, graph)
                for graph in (*inner, *attribute.graphs)
            )


def function_key(function: onnx.FunctionProto) -> FunctionKey:
    """Give the name by which nodes call a function."""
    return (_domain(function.domain), function.name, function.overload)


def called_key(node: onnx.NodeProto) -> FunctionKey:
    """Give the name of the function or operator that a node calls."""
    return (_domain(node.domain), node.op_type, node.overload)


def tensors_of(scope: Scope) -> Iterator[tuple[str, onnx.TensorProto]]:
    """Give every dense tensor of a scope, with where it is."""
    if scope.graph is not None:
        for tensor in scope.graph.initializer:
            yield f"initializer {tensor.name!r} of {scope.where}", tensor
        for sparse in scope.graph.sparse_initializer:
            yield from _parts(f"sparse initializer {sparse.values.name!r} of {scope.where}", sparse)
    for attribute in _attributes(scope):
        where = f"attribute {attribute.name!r} in {scope.where}"
        if attribute.HasField("t"):
            yield where, attribute.t
        for tensor in attribute.tensors:
            yield where, tensor
        for sparse in sparse_in(attribute):
            yield from _parts(where, sparse)


def sparse_of(scope: Scope) -> Iterator[onnx.SparseTensorProto]:
    """Give every sparse tensor of a scope."""
    if scope.graph is not None:
        yield from scope.graph.sparse_initializer
    for attribute in _attributes(scope):
        yield from sparse_in(attribute)


def sparse_in(attribute: onnx.AttributeProto) -> Iterator[onnx.SparseTensorProto]:
    """Give the sparse tensors of an attribute."""
    if attribute.HasField("sparse_tensor"):
        yield attribute.sparse_tensor
    yield from attribute.sparse_tensors


def _attributes(scope: Scope) -> Iterator[onnx.AttributeProto]:
    for node in scope.body.node:
        yield from node.attribute
    if isinstance(scope.body, onnx.FunctionProto):
        yield from scope.body.attribute_proto


def _parts(where: str, sparse: onnx.SparseTensorProto) -> Iterator[tuple[str, onnx.TensorProto]]:
    yield f"values of {where}", sparse.values
    yield f"indices of {where}", sparse.indices


def _domain(domain: str) -> str:
    return "" if domain == "ai.onnx" else domain
