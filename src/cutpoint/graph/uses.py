"""What a node uses, its sub-graphs and the functions it calls among it."""

from collections.abc import Iterator, Mapping

import onnx_ir as ir

OperatorId = tuple[str, str, str]
"""Domain, name and overload, of an operator as of a function."""

_RANDOM_OPERATORS = frozenset(
    {
        "RandomNormal", "RandomUniform", "RandomNormalLike", "RandomUniformLike", "Bernoulli",
        "Multinomial", "Dropout",
    }
)  # fmt: skip
"""May not be computed twice, even if they need no input: each copy would differ."""


def names_needed(node: ir.Node) -> Iterator[str]:
    """Yield the names a node uses, those its sub-graphs capture included."""
    for value in node.inputs:
        if value is not None and value.name:
            yield value.name
    for graph in _subgraphs(node):
        yield from _captured(graph)


def operators_of(node: ir.Node) -> frozenset[OperatorId]:
    """Give the operators a node and its sub-graphs use: a function is called like one."""
    used = {node.op_identifier()}
    for graph in _subgraphs(node):
        for inner in graph:
            used |= operators_of(inner)
    return frozenset(used)


def is_random(node: ir.Node, functions: Mapping[OperatorId, ir.Function]) -> bool:
    """Tell whether two runs of a node may differ, for what it is, holds or calls."""
    waiting, seen = list(operators_of(node)), set[OperatorId]()
    while waiting:
        operator = waiting.pop()
        if operator in seen:
            continue
        seen.add(operator)
        if operator in functions:
            waiting.extend(each for inner in functions[operator] for each in operators_of(inner))
        elif operator[0] in ("", "ai.onnx") and operator[1] in _RANDOM_OPERATORS:
            return True
    return False


def _subgraphs(node: ir.Node) -> Iterator[ir.Graph]:
    for attribute in node.attributes.values():
        if attribute.is_ref():
            continue
        if attribute.type == ir.AttributeType.GRAPH:
            yield attribute.as_graph()
        elif attribute.type == ir.AttributeType.GRAPHS:
            yield from attribute.as_graphs()


def _captured(graph: ir.Graph) -> Iterator[str]:
    """Yield what a sub-graph takes from outside; a name of its own hides the one outside."""
    own = {value.name for value in graph.inputs} | set(graph.initializers)
    for node in graph:
        yield from (name for name in names_needed(node) if name not in own)
        own.update(value.name for value in node.outputs)
    yield from (value.name for value in graph.outputs if value.name and value.name not in own)
