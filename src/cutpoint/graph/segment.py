"""Segments: the pieces a model is held in, so that every cut of a table is a boundary."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import onnx

from cutpoint.exceptions import InvalidCutError
from cutpoint.graph.cut import Cut
from cutpoint.graph.element_types import onnx_type
from cutpoint.graph.graph import Graph
from cutpoint.graph.pieces import Pieces


@dataclass(frozen=True)
class Segment:
    """
    Nodes that lie in exactly the same cuts.

    Parameters
    ----------
    id
        12 hex digits over the names at its boundary.
    nodes
        Bit mask.
    inputs, outputs
        Names of the values it needs and those others need of it.
    """

    id: str
    nodes: int
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


def segments_of(graph: Graph, cuts: Iterable[Cut]) -> tuple[Segment, ...]:
    """
    Give the common refinement of cuts: every cut is a set of whole segments.

    Cuts are predecessor-closed, so a segment is convex and the segments form a DAG.

    Returns
    -------
    tuple of Segment
        In topological order; segments that make nothing anybody needs are left out.
    """
    segments = tuple(_segment(graph, nodes) for nodes in _refinement(graph, cuts))
    return _in_order(tuple(segment for segment in segments if segment.outputs))


def num_segments(graph: Graph, cuts: Iterable[Cut]) -> int:
    """Count the groups of nodes that lie in exactly the same cuts, without building them."""
    return len(_refinement(graph, cuts))


def _refinement(graph: Graph, cuts: Iterable[Cut]) -> tuple[int, ...]:
    heads = tuple(cut.head for cut in cuts)
    groups: dict[tuple[bool, ...], int] = {}
    for node in graph.nodes:
        membership = tuple(bool(head >> node.index & 1) for head in heads)
        groups[membership] = groups.get(membership, 0) | 1 << node.index
    return tuple(groups.values())


def segments_in(cut: Cut, segments: Iterable[Segment]) -> tuple[Segment, ...]:
    """
    Give the segments of a cut's head.

    Raises
    ------
    InvalidCutError
        If the cut runs through a segment.
    """
    inside = []
    for segment in segments:
        shared = segment.nodes & cut.head
        if shared == segment.nodes:
            inside.append(segment)
        elif shared:
            raise InvalidCutError(
                f"cut {cut.id} at {list(cut.crossing)} runs through segment {segment.id}: "
                "build the segments with this cut among the others"
            )
    return tuple(inside)


def extract(graph: Graph, segment: Segment) -> bytes:
    """
    Give a segment as a model of its own, in memory.

    Weights stay where the optimised model keeps them (by reference to its data
    file); those that several segments need are referred to by each. What the model is
    made of is written once, at the first call.

    Returns
    -------
    bytes
        A serialised ONNX model.
    """
    pieces = Pieces.of(graph.source)
    part = pieces.part(
        [_described(graph, pieces, name) for name in segment.inputs],
        [_described(graph, pieces, name) for name in segment.outputs],
    )
    return bytes(part.SerializeToString())


def weight_bytes(graph: Graph, segments: Iterable[Segment]) -> int:
    """Give what the weights of segments take; those that several need are held by each."""
    pieces = Pieces.of(graph.source)
    return sum(pieces.weight_bytes(each.inputs, each.outputs) for each in segments)


def _described(graph: Graph, pieces: Pieces, name: str) -> onnx.ValueInfoProto:
    """Describe a value; where the model does not know its type, as a trial run saw it."""
    info = pieces.info(name)
    value = graph.values.get(name)  # of outputs that depend on weights alone there is none
    if info.HasField("type") or value is None or value.dtype is None:
        return info
    return onnx.helper.make_tensor_value_info(name, onnx_type(value.dtype), None)


def _segment(graph: Graph, nodes: int) -> Segment:
    inputs: dict[str, None] = {}
    outputs: list[str] = []
    for node in graph.nodes:
        if not nodes >> node.index & 1:
            continue
        for name in node.inputs:
            producer = graph.values[name].producer
            if producer is None or not nodes >> producer & 1:
                inputs[name] = None
        outputs.extend(
            name
            for name in node.outputs
            if name in graph.outputs or graph.consumers_of(name) & ~nodes
        )
    boundary = "\n".join((*sorted(inputs), "->", *sorted(outputs)))
    identity = hashlib.sha256(boundary.encode()).hexdigest()[:12]
    return Segment(identity, nodes, tuple(inputs), tuple(outputs))


def _in_order(segments: tuple[Segment, ...]) -> tuple[Segment, ...]:
    made = {name: segment.id for segment in segments for name in segment.outputs}
    waiting, done, ordered = list(segments), set[str](), []
    while waiting:
        ready = next(
            segment
            for segment in waiting
            if all(made.get(name) is None or made[name] in done for name in segment.inputs)
        )
        waiting.remove(ready)
        done.add(ready.id)
        ordered.append(ready)
    return tuple(ordered)
