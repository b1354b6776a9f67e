"""The cuts worth considering: one crossing value, where the runtime does not fuse across."""

from collections.abc import Sequence
from typing import TypeVar

from cutpoint.graph.accompanied import Accompanied
from cutpoint.graph.cut import Cut, cut_with
from cutpoint.graph.graph import Graph
from cutpoint.graph.node import Node
from cutpoint.graph.separation import Separation
from cutpoint.graph.side_values import side_values

_T = TypeVar("_T")

_FUSES_FORWARD = frozenset(
    {"Conv", "ConvTranspose", "Gemm", "MatMul", "BatchNormalization", "Add", "Sum", "Mul"}
)
"""Operators that ONNX Runtime merges with what follows them ..."""

_FUSED_BEHIND = frozenset(
    {
        "Add", "BatchNormalization", "Clip", "Elu", "HardSigmoid", "HardSwish", "LeakyRelu",
        "Mul", "Relu", "Reshape", "Sigmoid", "Sum", "Tanh",
    }
)  # fmt: skip
"""... if it is one of these and nothing else uses the value between them."""

_COSTS_NOTHING = frozenset({"Reshape", "Dropout", "Identity", "Flatten", "Squeeze", "Unsqueeze"})
"""A cut behind one of these is the cut before it, under another name."""

_QUANTIZES, _DEQUANTIZES = "QuantizeLinear", "DequantizeLinear"
"""Between these lies the cheap value; ONNX Runtime merges what lies outside them."""

_WIDENS = frozenset({"Cast", "CastLike"})
"""A cut behind one of these that makes more bytes than it takes is the cut before it, dearer."""


def candidate_cuts(graph: Graph) -> tuple[Cut, ...]:
    """
    List the cuts of one value at boundaries that ONNX Runtime does not fuse across.

    Cutting inside a fused group never helps and costs about 1 % (measured on 16
    graphs). Device-only and server-only are not among them: they are always
    candidates. Where the tail needs nothing beside that one value but sizes, positions
    and masks (`side_values`), these cross with it; alone they are no cut.

    Returns
    -------
    tuple of Cut
        In topological order of their values.
    """
    side = side_values(graph)
    names = _places(graph, side)
    tails = Separation(graph).tails(frozenset(names))
    accompanied = Accompanied(graph, side) if side else None
    found: dict[str, Cut] = {}
    for name in names:
        cut = None
        if name in tails:
            cut = cut_with(graph, (name,), graph.all_nodes & ~tails[name])
        elif accompanied is not None:
            cut = accompanied.cut_at(name)
        if cut is not None and cut.head:
            found.setdefault(cut.id, cut)
    return tuple(found.values())


def some_candidates(graph: Graph, number: int) -> tuple[Cut, ...]:
    """
    Give a few of the candidates, spread over the graph.

    Of those at one value if there are as many, for only their heads are looked for: all
    heads of a graph take its size squared.

    Parameters
    ----------
    number
        Of cuts, at most.
    """
    separation = Separation(graph)
    parting = separation.names()
    names = [name for name in _places(graph, side_values(graph)) if name in parting]
    if len(names) <= number:
        return _spread(candidate_cuts(graph), number)
    tails = separation.tails(_spread(names, number))
    cuts = (cut_with(graph, (n,), graph.all_nodes & ~tails[n]) for n in names if n in tails)
    return tuple(cut for cut in cuts if cut.head)


def _spread(items: Sequence[_T], number: int) -> tuple[_T, ...]:
    """Give a few items at equal distances, the ends not among them if there are enough."""
    places = {i * len(items) // (number + 1) for i in range(1, number + 1)} if items else ()
    return tuple(items[place] for place in sorted(places))


def _places(graph: Graph, side: frozenset[str]) -> list[str]:
    return [name for name in graph.values if name not in side and _may_cross(graph, name)]


def _may_cross(graph: Graph, name: str) -> bool:
    value = graph.values[name]
    if not (value.consumers and graph.may_cross(name)):
        return False
    return value.producer is None or not _is_inside_block(graph, graph.nodes[value.producer], name)


def is_free(node: Node) -> bool:
    """Tell whether a node costs nothing: a cut behind it is the one before it, renamed."""
    return node.op_type in _COSTS_NOTHING


def is_fused_with_next(graph: Graph, producer: Node, name: str) -> bool:
    """Tell whether ONNX Runtime merges the producer of a value with its only consumer."""
    consumers = graph.values[name].consumers
    if len(consumers) != 1:
        return False
    consumer = graph.nodes[consumers[0]]
    if consumer.op_type == _QUANTIZES or producer.op_type == _DEQUANTIZES:
        return True
    return producer.op_type in _FUSES_FORWARD and consumer.op_type in _FUSED_BEHIND


def _is_inside_block(graph: Graph, producer: Node, name: str) -> bool:
    return (
        is_free(producer)
        or is_fused_with_next(graph, producer, name)
        or producer.op_type == _DEQUANTIZES
        or _is_dearer(graph, producer, name)
    )


def _is_dearer(graph: Graph, producer: Node, name: str) -> bool:
    """Tell whether a value is another one, in more bytes."""
    before = graph.size_bytes(producer.inputs)
    return producer.op_type in _WIDENS and graph.values[name].size_bytes >= before
