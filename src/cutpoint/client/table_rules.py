"""What goes into every table of a session, and whether that has changed since one was compiled."""

from collections.abc import Callable, Collection, Mapping, Sequence

from cutpoint.cost import CodecSpeed, Coding
from cutpoint.graph import Graph

Codings = Callable[[Graph, Mapping[str, CodecSpeed], Collection[str]], Sequence[Coding]]
"""Takes the graph as it is bound, how fast a server decodes, and the codecs it knows; gives those
that this device has too, with what they make of the graph's values."""

IsStruck = Callable[[str, str], bool]
"""Tells of a cut's id and a codec whether no plan may have them."""


def no_codings(
    _graph: Graph, _speeds: Mapping[str, CodecSpeed], _codecs: Collection[str]
) -> Sequence[Coding]:
    """Give none: values travel raw."""
    return ()


def never_struck(_cut_id: str, _codec: str) -> bool:
    """Allow every row."""
    return False


class TableRules:
    """
    The same for every bucket of sizes and every server.

    Parameters
    ----------
    may_send_inputs
        Whether server-only may be chosen.
    codings
        Gives the codecs to choose among, beside raw.
    is_struck
        Tells which rows there must not be.
    keeps_dominated
        Whether rows stay that can never be the best: a policy may insist on one.
    """

    def __init__(
        self,
        *,
        may_send_inputs: bool = True,
        codings: Codings = no_codings,
        is_struck: IsStruck = never_struck,
        keeps_dominated: bool = False,
    ) -> None:
        self.may_send_inputs = may_send_inputs
        self.codings = codings
        self.is_struck = is_struck
        self.keeps_dominated = keeps_dominated
        self.edition = object()

    def __repr__(self) -> str:
        return f"<TableRules, inputs {'may' if self.may_send_inputs else 'must not'} leave>"

    edition: object
    """Another one whenever tables compiled before are outdated."""

    def outdate(self) -> None:
        """Take note that codings or what is struck have changed; from any thread."""
        self.edition = object()
