"""An engine that begins when it is known what it is for."""

import weakref
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any

from cutpoint.client.encoded_inputs import decoded_feed
from cutpoint.client.engine import Engine
from cutpoint.graph import Graph


class LateEngine:
    """
    Begins once, with the first feed: it binds the dimensions that the model leaves open.

    Parameters
    ----------
    graph
        Of the model.
    begin
        Gives the engine; takes ``feed``.
    """

    def __init__(self, graph: Graph, begin: Callable[..., Engine]) -> None:
        self.engine: Engine | None = None
        self._graph = graph
        self._begin = begin
        self._lock = Lock()

    def __repr__(self) -> str:
        return f"<LateEngine {self.engine or 'not begun'}>"

    def started(self, feed: Mapping[str, Any] | None, owner: object) -> Engine:
        """
        Give the engine, begun.

        Parameters
        ----------
        feed
            The first one; its pictures may be files yet.
        owner
            That it ends with: one that is dropped unclosed, as ONNX Runtime's sessions may be,
            ends its threads.
        """
        if self.engine is not None:
            return self.engine
        with self._lock:
            if self.engine is None:
                if feed is not None:
                    feed = decoded_feed(self._shape_of, feed)
                engine = self._begin(feed=feed)
                weakref.finalize(owner, engine.close)
                self.engine = engine
        return self.engine

    def _shape_of(self, name: str) -> tuple[int, ...] | None:
        """Give what an input takes; negative where any size is."""
        return self._graph.values[name].open_shape if name in self._graph.inputs else None
