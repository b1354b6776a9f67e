"""What really crosses: values of a net on given inputs, some at a time."""

from collections.abc import Iterator, Sequence

import onnx
import onnx_ir as ir

from cutpoint.execution.plain_session import PlainSession
from cutpoint.execution.weights import weights_folder
from cutpoint.graph import Arrays, Graph

_HELD_BYTES = 512 << 20
"""Values fetched in one run: all of a large net at once would take gigabytes."""


def activations(
    graph: Graph, feeds: Sequence[Arrays], names: Sequence[str], held_bytes: int = _HELD_BYTES
) -> Iterator[tuple[int, Arrays]]:
    """
    Run the net on every feed, and again where its values are too many for one run.

    Parameters
    ----------
    graph
        Optimised, as `load_graph` gives it; nothing more is fused, so every value is there.
    feeds
        Inputs by name.
    names
        Of the values wanted; inputs may be among them.
    held_bytes
        Bound of what one run gives, unless a single value is larger.

    Yields
    ------
    tuple of int and Arrays
        Position of a feed, and some of the values by name. Each value comes once per feed.
    """
    for group in _groups(graph, names, held_bytes):
        made = [name for name in group if graph.values[name].producer is not None]
        session = _session(graph, made) if made else None
        for position, feed in enumerate(feeds):
            values = {} if session is None else session.run(feed)
            yield position, {name: values[name] if name in made else feed[name] for name in group}


def _groups(graph: Graph, names: Sequence[str], held_bytes: int) -> Iterator[list[str]]:
    group: list[str] = []
    size = 0
    for name in names:
        value_bytes = graph.size_bytes((name,))
        if group and size + value_bytes > held_bytes:
            yield group
            group, size = [], 0
        group.append(name)
        size += value_bytes
    if group:
        yield group


def _session(graph: Graph, names: Sequence[str]) -> PlainSession:
    proto: onnx.ModelProto = ir.to_proto(graph.source)
    del proto.graph.output[:]
    proto.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    return PlainSession(proto.SerializeToString(), folder=weights_folder(graph))
