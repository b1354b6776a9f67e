"""The cuts of one model whose tails may be asked for."""

from collections.abc import Sequence
from threading import Lock

from cutpoint.exceptions import InvalidCutError, ModelError
from cutpoint.graph import Cut, Graph
from cutpoint.graph import cut_id as cut_of_names
from cutpoint.planning import graph_cuts
from cutpoint.server.held_segments import HeldSegments
from cutpoint.server.named_cut import check_names, named_cut


class Candidates:
    """
    Those that the graph has, and as many as there is room for that devices name.

    Thread-safe.

    Parameters
    ----------
    graph
        The model.
    weights
        Know which tails are held, and how many may be.
    """

    def __init__(self, graph: Graph, weights: HeldSegments) -> None:
        self._graph = graph
        self._weights = weights
        self._cuts = {cut.id: cut for cut in graph_cuts(graph)}
        self._offered: set[str] = set()
        self._reserved: set[str] = set()
        self._lock = Lock()

    def __repr__(self) -> str:
        return f"<Candidates of {self._graph.name}: {len(self._cuts)} cuts>"

    @property
    def cuts(self) -> tuple[Cut, ...]:
        """All of them."""
        with self._lock:
            return tuple(self._cuts.values())

    @property
    def offered(self) -> frozenset[str]:
        """Ids of those that devices named."""
        with self._lock:
            return frozenset(self._offered)

    def get(self, cut_id: str) -> Cut:
        """
        Give a cut whose tail could be built.

        Raises
        ------
        ModelError
            If the graph has no such candidate.
        """
        cut = self._cuts.get(cut_id)
        if cut is None:
            raise ModelError(
                f"model {self._graph.name!r} has no candidate cut {cut_id!r}: "
                "`cutpoint inspect` lists them"
            )
        return cut

    def reserve(self, crossing: Sequence[str]) -> None:
        """
        Keep a slot for the cut at these values until it is offered; takes no time.

        Raises
        ------
        InvalidCutError
            If one of the values may not cross.
        ModelError
            If enough tails wait to be built already.
        """
        check_names(self._graph, crossing)
        identity = cut_of_names(crossing)
        with self._lock:
            if identity not in self._cuts and identity not in self._reserved:
                self._check_room(identity)
                self._reserved.add(identity)

    def offer(self, crossing: Sequence[str]) -> Cut:
        """
        Give the cut at these values, a candidate from now on; takes long on a large graph.

        Raises
        ------
        InvalidCutError
            If the graph cannot be cut there, or not so that other hosts could name it.
        ModelError
            If enough tails wait to be built already.
        """
        try:
            cut = named_cut(self._graph, crossing)
        except InvalidCutError:
            with self._lock:
                self._reserved.discard(cut_of_names(crossing))
            raise
        with self._lock:
            self._reserved.discard(cut.id)
            if cut.id not in self._cuts:
                self._check_room(cut.id)
                self._offered.add(cut.id)
                self._cuts[cut.id] = cut
        return cut

    def withdraw(self, cut_id: str) -> None:
        """Forget a cut that a device named; its slot is another's."""
        with self._lock:
            self._reserved.discard(cut_id)
            if cut_id in self._offered:
                self._offered.remove(cut_id)
                del self._cuts[cut_id]

    def check_room(self, cut_id: str) -> None:
        """
        Refuse one more tail where enough are built or wait to be.

        Raises
        ------
        ModelError
            If they are.
        """
        with self._lock:
            self._check_room(cut_id)

    def _check_room(self, cut_id: str) -> None:
        # Those not built yet count too: building is slow and asking is cheap.
        weights = self._weights
        num_taken = len(((self._offered | self._reserved) - weights.tails) | weights.busy_tails)
        if num_taken >= weights.budget.max_tails:
            raise ModelError(
                f"model {self._graph.name!r} holds {num_taken} tails beside its segments already, "
                f"all in use: cut {cut_id} is refused; serve it with a table that has it"
            )
