"""A cut: a predecessor-closed set of nodes that runs on the device."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from cutpoint.exceptions import InvalidCutError
from cutpoint.graph.graph import Graph
from cutpoint.records import Placement

DEVICE_ONLY = "device-only"
SERVER_ONLY = "server-only"


@dataclass(frozen=True)
class Cut:
    """
    Which nodes run on the device, and what that sends.

    Parameters
    ----------
    placement
        ``"device"`` (all nodes), ``"server"`` (none) or ``"split"``.
    id
        The same on every host: ``device-only``, ``server-only``, or 12 hex digits of
        the SHA-256 of the sorted crossing names.
    crossing
        Names of the values that are sent, sorted. Inputs that the tail uses are
        among them; outputs that the head has made already are not.
    head
        Nodes on the device, as a bit mask.
    returned
        Names of the model's outputs that the tail makes, in the model's order.
    """

    placement: Placement
    id: str
    crossing: tuple[str, ...]
    head: int
    returned: tuple[str, ...]


def cut_id(crossing: Iterable[str]) -> str:
    """Give the id that hosts agree on: 12 hex digits over the sorted crossing names."""
    return hashlib.sha256("\n".join(sorted(crossing)).encode()).hexdigest()[:12]


def device_only(graph: Graph) -> Cut:
    """Give the cut that keeps every node on the device."""
    return Cut("device", DEVICE_ONLY, (), graph.all_nodes, ())


def server_only(graph: Graph) -> Cut:
    """Give the cut that sends the model's inputs and keeps no node."""
    return Cut("server", SERVER_ONLY, tuple(sorted(graph.inputs)), 0, _returned(graph, 0))


def cut_at(graph: Graph, crossing: Iterable[str]) -> Cut:
    """
    Give the cut whose crossing values are exactly these.

    The tail is everything the crossing values alone lead into. A node that needs
    something beside them stays with the head, with all that it needs; so do outputs
    that branch off before the cut.

    Parameters
    ----------
    crossing
        Names of the values to send.

    Raises
    ------
    InvalidCutError
        If a name is not a value of the graph, or the values do not separate a tail
        from the head; names the values that would have to cross as well.
    """
    names = tuple(sorted(set(crossing)))
    for name in names:
        if name not in graph.values:
            raise InvalidCutError(
                f"{name!r} is not a computed value of model {graph.name!r}; "
                "`cutpoint inspect` lists the values at which it can be cut"
            )
    behind = _behind(graph, names)
    tail = _fed_by(graph, names, behind)
    head = graph.all_nodes & ~tail
    if not tail or crossing_values(graph, head) != names:
        found = crossing_values(graph, graph.all_nodes & ~behind)
        raise InvalidCutError(
            f"cutting {graph.name!r} at {list(names)} would send {list(found)}: "
            "name exactly the values that cross"
        )
    return cut_with(graph, names, head)


def cut_with(graph: Graph, crossing: Iterable[str], head: int) -> Cut:
    """
    Give the cut of a head that is known to send exactly these values.

    Parameters
    ----------
    crossing
        Names of the values, whatever their order.
    head
        Nodes on the device, as a bit mask.
    """
    names = tuple(sorted(crossing))
    return Cut("split", cut_id(names), names, head, _returned(graph, head))


def cut_of(graph: Graph, head: int) -> Cut | None:
    """
    Give the cut that sends what a head's cut sends; ``None`` if that is none to be named.

    Hosts name a cut by what crosses, so of the heads that send the same values only the
    one that leaves all it can to the tail has a name. Where every output needs the tail
    that is the only one.

    Parameters
    ----------
    head
        Predecessor-closed nodes on the device, as a bit mask.
    """
    if head == graph.all_nodes:
        return device_only(graph)
    if not head:
        return server_only(graph)
    crossing = crossing_values(graph, head)
    if not all(graph.may_cross(name) for name in crossing):
        return None
    try:
        cut = cut_at(graph, crossing)
    except InvalidCutError:
        return None
    return cut if cut.head else server_only(graph)


def cut_at_head(graph: Graph, head: int) -> Cut:
    """
    Give the cut behind any predecessor-closed head, whether it can be named or not.

    To run one cut by itself; hosts that agree by names need `cut_of`, because two heads
    may send the same values.

    Parameters
    ----------
    head
        Predecessor-closed nodes on the device, as a bit mask.
    """
    if head == graph.all_nodes:
        return device_only(graph)
    if not head:
        return server_only(graph)
    return cut_with(graph, crossing_values(graph, head), head)


def crossing_values(graph: Graph, head: int) -> tuple[str, ...]:
    """Give the values the tail needs from the head or from the caller, sorted."""
    tail = graph.all_nodes & ~head
    return tuple(
        sorted(
            name
            for name, value in graph.values.items()
            if (value.producer is None or head >> value.producer & 1)
            and graph.consumers_of(name) & tail
        )
    )


def _behind(graph: Graph, crossing: tuple[str, ...]) -> int:
    """Give what needs the crossing values and is not needed for them."""
    needed, reached = 0, 0
    for name in crossing:
        value = graph.values[name]
        if value.producer is not None:
            needed |= graph.ancestors[value.producer]
        for consumer in value.consumers:
            reached |= graph.descendants[consumer]
    return reached & ~needed


def _fed_by(graph: Graph, crossing: tuple[str, ...], nodes: int) -> int:
    """Leave out the nodes that need something beside the crossing values, and all they need."""
    fed, before = nodes, -1
    while fed != before:
        before = fed
        for node in graph.nodes:
            if fed >> node.index & 1 and not all(
                name in crossing or _is_made_in(graph, name, fed) for name in node.inputs
            ):
                fed &= ~graph.ancestors[node.index]
    return fed


def _is_made_in(graph: Graph, name: str, nodes: int) -> bool:
    producer = graph.values[name].producer
    return producer is not None and bool(nodes >> producer & 1)


def _returned(graph: Graph, head: int) -> tuple[str, ...]:
    tail = graph.all_nodes & ~head
    return tuple(
        name for name in graph.outputs if name in graph.values and _is_made_in(graph, name, tail)
    )
