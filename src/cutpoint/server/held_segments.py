"""The weights of one model in memory: its segments, and extra tails; each may make room."""

import weakref
from collections.abc import Callable, Sequence
from threading import Lock

from cutpoint.execution import Segments
from cutpoint.execution.runtime import return_freed_memory
from cutpoint.graph import SERVER_ONLY, Cut, Graph, segments_of, weight_bytes
from cutpoint.server.memory_budget import Holding, Kind, MemoryBudget


class HeldSegments:
    """
    Segments by what they are held for: the whole model (`SERVER_ONLY`), or the id of a cut.

    Thread-safe. Whoever runs segments refers to them: they are gone after the last run.

    Parameters
    ----------
    graph
        The model.
    budget
        Says whether there is room, and what goes for it.
    on_gone
        A method, told the id of a cut whose tail made room for others.
    """

    def __init__(
        self,
        graph: Graph,
        budget: MemoryBudget,
        on_gone: Callable[[str], None],
    ) -> None:
        self.budget = budget
        self._graph = graph
        # Whoever owns this is not kept alive by it: weights go with the last reference.
        self._on_gone = weakref.WeakMethod(on_gone)
        self._segments: dict[str, Segments] = {}
        self._holdings: dict[str, Holding] = {}
        self._lock = Lock()

    def __repr__(self) -> str:
        return f"<HeldSegments of {self._graph.name}: {', '.join(self._segments) or 'cold'}>"

    def get(self, key: str) -> Segments | None:
        """Give segments, unless they made room for others."""
        return self._segments.get(key)

    @property
    def tails(self) -> frozenset[str]:
        """Cuts whose tails are held beside the model's segments."""
        return frozenset(key for key in tuple(self._segments) if key != SERVER_ONLY)

    @property
    def busy_tails(self) -> frozenset[str]:
        """Those that make no room for others now."""
        holdings = [(key, self._holdings.get(key)) for key in self.tails]
        return frozenset(key for key, each in holdings if each and not self.budget.is_idle(each))

    def build(
        self,
        key: str,
        cuts: Sequence[Cut],
        load: Callable[[Sequence[Cut]], Segments],
    ) -> Segments:
        """
        Load segments once there is room for their weights; not given to anybody yet.

        They make no room for others until they are published.

        Parameters
        ----------
        load
            Loads the segments of cuts.

        Raises
        ------
        ModelError
            If there is no room, or they cannot be loaded.
        """
        kind: Kind = "model" if key == SERVER_ONLY else "tail"
        size_bytes = weight_bytes(self._graph, segments_of(self._graph, cuts))
        let_go = weakref.WeakMethod(self._let_go)  # what a budget holds keeps no model alive

        def release() -> None:
            call = let_go()
            if call is not None:
                call(key)

        holding = Holding(self._graph.name, kind, size_bytes, release, running=1)
        self.budget.admit(holding)
        try:
            segments = load(cuts)
        except BaseException:
            self.budget.freed(holding)
            raise
        weakref.finalize(segments, self.budget.freed, holding).atexit = False
        with self._lock:
            self._holdings[key] = holding
        return segments

    def publish(self, key: str, segments: Segments, *, is_wanted: bool) -> None:
        """
        Let everybody have segments that were built and are warm.

        Parameters
        ----------
        is_wanted
            Whether somebody waits for them: they do not make room for the next.
        """
        with self._lock:
            self._segments[key] = segments
            self.budget.built(self._holdings[key], is_wanted=is_wanted)

    def hold(self, *keys: str) -> Callable[[], None]:
        """Keep the first of these that is held until what is given back is called."""
        holding = self._first(keys)
        if holding is None:
            return _nothing
        self.budget.begin(holding)
        return lambda: self.budget.end(holding)

    def touch(self, *keys: str) -> None:
        """Note that the first of these that is held is wanted now."""
        holding = self._first(keys)
        if holding is not None:
            self.budget.touch(holding)

    def _first(self, keys: Sequence[str]) -> Holding | None:
        found = (self._holdings.get(key) for key in keys if key in self._segments)
        return next((each for each in found if each is not None), None)

    def _let_go(self, key: str) -> None:
        with self._lock:
            self._segments.pop(key, None)
            self._holdings.pop(key, None)
        return_freed_memory()  # room was asked for in the machine's memory, not in malloc's
        tell = self._on_gone()
        if key != SERVER_ONLY and tell is not None:
            tell(key)


def _nothing() -> None:
    """Do nothing."""
