"""The cuts worth considering: one crossing value, where the runtime does not fuse across."""

from collections.abc import Iterator

from cutpoint.exceptions import InvalidCutError
from cutpoint.graph.cut import Cut, cut_at, cut_of
from cutpoint.graph.graph import Graph
from cutpoint.graph.node import Node
from cutpoint.graph.side_values import side_values

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
    accompanied = _Accompanied(graph, side) if side else None
    found: dict[str, Cut] = {}
    for name in graph.values:
        if name in side or not _may_cross(graph, name):
            continue
        cut = _cut_at_one(graph, name)
        if cut is None and accompanied is not None:
            cut = accompanied.cut_at(name)
        if cut is not None and cut.head:
            found.setdefault(cut.id, cut)
    return tuple(found.values())


class _Accompanied:
    """Cuts at one value with side values beside it."""

    def __init__(self, graph: Graph, side: frozenset[str]) -> None:
        self._graph = graph
        self._side = side
        self._side_nodes = [node for node in graph.nodes if side.issuperset(node.outputs)]
        side_mask = sum(1 << node.index for node in self._side_nodes)
        self._needed_main = {
            n.index: graph.ancestors[n.index] & ~side_mask for n in self._side_nodes
        }
        self._users = {name: graph.consumers_of(name) for name in graph.values if name not in side}

    def cut_at(self, name: str) -> Cut | None:
        """Give the cut behind a value that sends least; ``None`` if more than side values cross."""
        producer = self._graph.values[name].producer
        if producer is None:
            return None
        cuts = [
            cut
            for head in self._heads(self._graph.ancestors[producer])
            if self._is_alone(name, head) and (cut := cut_of(self._graph, head)) is not None
        ]
        cuts = [cut for cut in cuts if cut.placement == "split" and name in cut.crossing]
        return min(cuts, key=lambda cut: self._graph.size_bytes(cut.crossing), default=None)

    def _heads(self, least: int) -> Iterator[int]:
        """Yield the least head, and that with what else it can know of sizes and masks."""
        yield least
        known = least
        for node in self._side_nodes:
            if self._needed_main[node.index] & ~least == 0:
                known |= 1 << node.index
        if known != least:
            yield known

    def _is_alone(self, name: str, head: int) -> bool:
        """Tell whether of the values that are not on the side only this one crosses."""
        values = self._graph.values
        for other, users in self._users.items():
            if users & ~head and other != name:
                producer = values[other].producer
                if producer is None or head >> producer & 1:
                    return False
        return True


def _cut_at_one(graph: Graph, name: str) -> Cut | None:
    try:
        return cut_at(graph, (name,))
    except InvalidCutError:
        return None


def _may_cross(graph: Graph, name: str) -> bool:
    value = graph.values[name]
    if not (value.can_travel and value.has_known_size and value.consumers):
        return False
    if name not in graph.original_names:
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
