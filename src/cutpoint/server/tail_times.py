"""What the tails of a model take on the idle server: one request, or several as one batch."""

from collections.abc import Iterable

from cutpoint.cost import HostCosts
from cutpoint.graph import SERVER_ONLY, Cut, Graph
from cutpoint.records import Sample
from cutpoint.server.idle_times import IdleTimes
from cutpoint.server.lines import Line


class TailTimes:
    """
    Times by cut.

    Parameters
    ----------
    graph
        The model.
    """

    def __init__(self, graph: Graph) -> None:
        self._varies = bool(graph.dimensions)
        self._tail_s: dict[str, float] = {}
        self._batch_s: dict[str, dict[int, float]] = {}
        self._seen = IdleTimes()

    def learn(self, cut: Cut, costs: HostCosts, line: Line, batches: Iterable[int]) -> None:
        """
        Take what was measured of a tail.

        Parameters
        ----------
        costs
            Have the time of one request.
        line
            Says what batches take beside it.
        batches
            Sizes of batch that were timed.
        """
        tail_s = self._tail_s[cut.id] = costs.tail_s[cut.id]
        single_s = sum(stage.time_s(1) for stage in line.stages)
        found: dict[int, float] = {}
        for batch in sorted(set(batches) - {1}):
            # Stages are timed by their quickest runs, tails by the median of theirs.
            share = line.time_s(batch) / single_s if single_s else float(batch)
            found[batch] = share * tail_s
        self._batch_s[cut.id] = found

    def idle_s(self, cut: Cut) -> float:
        """Give what a tail takes, at the sizes it was warmed with."""
        return self._tail_s[cut.id]

    def idle_like_s(self, cut: Cut, fed_bytes: int, tail_s: float) -> float:
        """
        Give what a tail takes for a request like this one.

        Parameters
        ----------
        fed_bytes, tail_s
            What it was fed just now and what that took: where sizes vary from call to call,
            the quickest run of this size is what is known.
        """
        if not self._varies:
            return self._tail_s[cut.id]
        return self._seen.observe(cut.id, fed_bytes, tail_s)

    def samples(self, cuts: Iterable[Cut]) -> tuple[Sample, ...]:
        """Give the whole and the tails as samples of a profile, batches of requests too."""
        cuts = tuple(cuts)
        whole = Sample("whole", "", self._tail_s[SERVER_ONLY])
        # Those of batches first: of several of one cut an older device believes the last.
        batches = [
            Sample("tail", cut.id, time_s, batch=batch)
            for cut in cuts
            for batch, time_s in self._batch_s[cut.id].items()
        ]
        return (whole, *batches, *(Sample("tail", cut.id, self._tail_s[cut.id]) for cut in cuts))
