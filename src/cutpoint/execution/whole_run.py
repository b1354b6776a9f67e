"""One run of a whole model, on inputs given or made up until some suit it."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from cutpoint.exceptions import FeedError
from cutpoint.execution.plain_session import PlainSession
from cutpoint.graph import Graph, Sizes, bind, checked_feed, sample_feed

_MADE_UP_SIZES = (2, 64, 1)
"""What open dimensions are tried with, in this order: at 1 broadcasting would hide mistakes."""


class WholeRun(NamedTuple):
    """
    What a model was fed, and what it made of it.

    Parameters
    ----------
    feed, outputs
        By name.
    """

    feed: Mapping[str, Any]
    outputs: Mapping[str, Any]


def whole_run(
    session: PlainSession,
    graph: Graph,
    *,
    feed: Mapping[str, Any] | None = None,
    sizes: Sizes | None = None,
) -> WholeRun:
    """
    Run a model once.

    Parameters
    ----------
    session, graph
        Of the model.
    feed
        Its inputs; made up by default.
    sizes
        Binds open dimensions of made-up inputs; those left open are tried with a few sizes.

    Raises
    ------
    FeedError
        If no inputs can be made up, or the model does not run on any of these.
    """
    if feed is not None:
        return _run(session, checked_feed(graph, feed) if _takes_tensors(graph) else feed)
    if not _takes_tensors(graph):
        raise FeedError("inputs that are no tensors, or of no known type, cannot be made up")
    failures = []
    for made_up in _feeds(graph, sizes or {}):
        tried = _tried(session, made_up)
        if isinstance(tried, WholeRun):
            return tried
        failures.append(tried)
    raise failures[0] if failures else FeedError(f"an input of {graph.name!r} has no known shape")


def _run(session: PlainSession, feed: Mapping[str, Any]) -> WholeRun:
    tried = _tried(session, feed)
    if isinstance(tried, FeedError):
        raise tried
    return tried


def _tried(session: PlainSession, feed: Mapping[str, Any]) -> WholeRun | FeedError:
    try:
        return WholeRun(feed, session.run(feed))
    except Exception as error:  # ONNX Runtime raises a class per status, none of them public
        return FeedError(f"the model does not run on these inputs: {error}")


def _takes_tensors(graph: Graph) -> bool:
    return all(graph.values[name].can_travel for name in graph.inputs)


def _feeds(graph: Graph, sizes: Sizes) -> Iterator[Mapping[str, Any]]:
    """Make up inputs, with each size for what is open; once where nothing is."""
    open_ = {dimension.name for dimension in graph.dimensions} - set(sizes)
    for size in _MADE_UP_SIZES if open_ else _MADE_UP_SIZES[:1]:
        bound = bind(graph, {**sizes, **dict.fromkeys(open_, size)})
        if bound.is_bound:
            yield sample_feed(bound)
