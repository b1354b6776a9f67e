"""The cuts worth considering: one crossing value, where the runtime does not fuse across."""

from cutpoint.exceptions import InvalidCutError
from cutpoint.graph.cut import Cut, cut_at
from cutpoint.graph.graph import Graph
from cutpoint.graph.node import Node

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


def candidate_cuts(graph: Graph) -> tuple[Cut, ...]:
    """
    List the single-value cuts at boundaries that ONNX Runtime does not fuse across.

    Cutting inside a fused group never helps and costs about 1 % (measured on 16
    graphs). Device-only and server-only are not among them: they are always
    candidates.

    Returns
    -------
    tuple of Cut
        In topological order of their values.
    """
    found = (_cut_at_one(graph, name) for name in graph.values if _may_cross(graph, name))
    return tuple(cut for cut in found if cut is not None and cut.head)


def _cut_at_one(graph: Graph, name: str) -> Cut | None:
    try:
        return cut_at(graph, (name,))
    except InvalidCutError:
        return None


def _may_cross(graph: Graph, name: str) -> bool:
    value = graph.values[name]
    if not value.can_travel or not value.consumers or name not in graph.original_names:
        return False
    return value.producer is None or not _is_inside_block(graph, graph.nodes[value.producer], name)


def is_free(node: Node) -> bool:
    """Tell whether a node costs nothing: a cut behind it is the one before it, renamed."""
    return node.op_type in _COSTS_NOTHING


def is_fused_with_next(graph: Graph, producer: Node, name: str) -> bool:
    """Tell whether ONNX Runtime merges the producer of a value with its only consumer."""
    consumers = graph.values[name].consumers
    return (
        producer.op_type in _FUSES_FORWARD
        and len(consumers) == 1
        and graph.nodes[consumers[0]].op_type in _FUSED_BEHIND
    )


def _is_inside_block(graph: Graph, producer: Node, name: str) -> bool:
    return is_free(producer) or is_fused_with_next(graph, producer, name)
