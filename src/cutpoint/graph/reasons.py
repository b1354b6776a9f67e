"""Why a value is no place to cut at: one reason for each that no candidate cuts at."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from cutpoint.graph.candidates import candidate_cuts, is_free, is_fused_with_next
from cutpoint.graph.cut import crossing_values
from cutpoint.graph.graph import Graph
from cutpoint.graph.node import Node
from cutpoint.graph.side_values import side_values
from cutpoint.graph.value import Value

ReasonKind = Literal[
    "no tensor", "unknown type", "unknown size", "input", "side value", "output",
    "made by the optimiser", "costs nothing", "fused", "same in more bytes", "not alone",
]  # fmt: skip

IN_SHORT: dict[ReasonKind, str] = {
    "no tensor": "no tensors: cannot travel",
    "unknown type": "of a type that nobody knows before it runs",
    "unknown size": "of a size that nobody knows before it runs",
    "input": "inputs: sent when the server does everything",
    "side value": "sizes, positions and masks: cross beside others",
    "output": "outputs: nothing is computed behind them",
    "made by the optimiser": "made by the optimiser: other hosts do not know their names",
    "costs nothing": "behind nodes that cost nothing: the same cut as before these",
    "fused": "inside groups that ONNX Runtime fuses",
    "same in more bytes": "another value in more bytes",
    "not alone": "do not separate: others must cross as well",
}
"""What to say of all values of a kind together."""

_MOST_NAMED = 3
_DEQUANTIZES = "DequantizeLinear"


class Reason(NamedTuple):
    """
    Why a value is no place to cut at.

    Parameters
    ----------
    kind
        What to count it under.
    text
        For people.
    """

    kind: ReasonKind
    text: str


def reasons(graph: Graph) -> dict[str, Reason]:
    """
    Say of every value at which `candidate_cuts` has no cut why that is.

    A value that crosses beside the one that a cut is named for (`side_values`) is none
    that is cut at.

    Returns
    -------
    dict
        By name, in topological order.
    """
    side = side_values(graph)
    cut_at = {
        name
        for cut in candidate_cuts(graph)
        for name in cut.crossing
        if name not in side or len(cut.crossing) == 1
    }
    return {
        name: _of_itself(value)
        or _of_its_place(graph, value, side)
        or _of_its_producer(graph, value)
        or _not_alone(graph, name, side)
        for name, value in graph.values.items()
        if name not in cut_at
    }


def _of_itself(value: Value) -> Reason | None:
    if value.kind not in ("tensor", "unknown"):
        return Reason("no tensor", f"a {value.kind}: cannot travel")
    if not value.can_travel:
        return Reason("unknown type", "of a type that nobody knows before it runs")
    if not value.has_known_size:
        return Reason("unknown size", "of a size that nobody knows before it runs (give inputs)")
    return None


def _of_its_place(graph: Graph, value: Value, side: frozenset[str]) -> Reason | None:
    if value.producer is None:
        return Reason("input", "an input: sent when the server does everything")
    if value.name in side:
        return Reason("side value", "a size, position or mask: crosses beside others")
    if not value.consumers:
        return Reason("output", "an output: nothing is computed behind it")
    if value.name not in graph.original_names:
        return Reason("made by the optimiser", "made by the optimiser: other hosts do not know it")
    return None


def _of_its_producer(graph: Graph, value: Value) -> Reason | None:
    assert value.producer is not None
    node = graph.nodes[value.producer]
    before = next(iter(node.inputs), "what it is made of")
    if is_free(node):
        return Reason("costs nothing", f"{node.op_type} costs nothing: same cut as {before}")
    if node.op_type == _DEQUANTIZES:
        return Reason("same in more bytes", f"dequantised: {before} in more bytes")
    if is_fused_with_next(graph, node, value.name):
        behind = graph.nodes[value.consumers[0]].op_type
        return Reason("fused", f"ONNX Runtime fuses {node.op_type} with the {behind} behind it")
    if _is_converted(graph, node, value):
        return Reason("same in more bytes", f"converted: {before} in no fewer bytes")
    return None


def _is_converted(graph: Graph, node: Node, value: Value) -> bool:
    converts = node.op_type in ("Cast", "CastLike")
    return converts and value.size_bytes >= graph.size_bytes(node.inputs)


def _not_alone(graph: Graph, name: str, side: frozenset[str]) -> Reason:
    behind = 0
    for consumer in graph.values[name].consumers:
        behind |= graph.descendants[consumer]
    crossing = crossing_values(graph, graph.all_nodes & ~behind)
    others = [each for each in crossing if each != name]
    others = [each for each in others if each not in side] or others
    return Reason("not alone", f"does not separate: {_named(others)} must cross as well")


def _named(names: Sequence[str]) -> str:
    if len(names) > _MOST_NAMED:
        return f"{', '.join(names[:_MOST_NAMED])} and {len(names) - _MOST_NAMED} more"
    return ", ".join(names)
