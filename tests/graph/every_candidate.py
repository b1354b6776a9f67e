"""Candidates as their definition says: every value tried by itself, by looking at all others."""

from collections.abc import Iterator

from cutpoint.exceptions import InvalidCutError
from cutpoint.graph import Cut, Graph, cut_at, cut_of
from cutpoint.graph.candidates import _may_cross
from cutpoint.graph.side_values import side_values


def every_candidate(graph: Graph) -> tuple[Cut, ...]:
    """List the candidates in time that grows with the square of the graph's size, or worse."""
    side = side_values(graph)
    found: dict[str, Cut] = {}
    for name in graph.values:
        if name in side or not _may_cross(graph, name):
            continue
        cut = _alone(graph, name)
        if cut is None and side:
            cut = _accompanied(graph, name, side)
        if cut is not None and cut.head:
            found.setdefault(cut.id, cut)
    return tuple(found.values())


def _alone(graph: Graph, name: str) -> Cut | None:
    try:
        return cut_at(graph, (name,))
    except InvalidCutError:
        return None


def _accompanied(graph: Graph, name: str, side: frozenset[str]) -> Cut | None:
    producer = graph.values[name].producer
    if producer is None:
        return None
    cuts = [
        cut
        for head in _heads(graph, side, graph.ancestors[producer])
        if _is_alone(graph, side, name, head) and (cut := cut_of(graph, head)) is not None
    ]
    cuts = [cut for cut in cuts if cut.placement == "split" and name in cut.crossing]
    return min(cuts, key=lambda cut: graph.size_bytes(cut.crossing), default=None)


def _heads(graph: Graph, side: frozenset[str], least: int) -> Iterator[int]:
    """Yield the least head, and that with what else it can know of sizes and masks."""
    yield least
    nodes = [node.index for node in graph.nodes if side.issuperset(node.outputs)]
    on_side = sum(1 << index for index in nodes)
    known = least
    for index in nodes:
        if not graph.ancestors[index] & ~on_side & ~least:
            known |= 1 << index
    if known != least:
        yield known


def _is_alone(graph: Graph, side: frozenset[str], name: str, head: int) -> bool:
    """Tell whether of the values that are not on the side only this one crosses."""
    for other, value in graph.values.items():
        if other in side or other == name or not graph.consumers_of(other) & ~head:
            continue
        if value.producer is None or head >> value.producer & 1:
            return False
    return True
