"""DIAMOND's load of a server: its wait, and its execution time by batch."""

from bisect import bisect_left
from math import inf

from cutpoint.records import LoadConditions, LoadReport

_FORGOTTEN_S = 10.0
"""What the monitor told longer ago says nothing of now."""

_HIGHEST = 1e6


class MonitoredLoad:
    """
    ``W + E(b)``: the latest wait, and the latest execution time of batches of the mean size.

    Ahn, Lee, Ahn and Ko, "Server load and network-aware adaptive deep learning inference
    offloading for edge platforms", Internet of Things 21 (2023) 100644. A reconstruction: of the
    paper the abstract and a summary were read. That a monitor on the server tracks computational
    latency and gives the load to clients is known; which figures, over what time and by what
    formula is not. Ours: the wait counts once, and the time of a batch grows from that of one as
    the server's own figures show, in proportion to what a row's tail takes on the idle server.

    Notes
    -----
    Execution times that were told are of the tail that was asked for; `conditions` gives them as
    a factor of the time of one, or of the idle time where that is known, for all tails alike.
    """

    def __init__(self) -> None:
        self._execution_s: dict[int, float] = {}
        self._slowdown: float | None = None
        self._batch = 1.0
        self._wait_s = 0.0
        self._at_s = -inf

    def __repr__(self) -> str:
        return f"<MonitoredLoad: waits {self._wait_s:g} s, batches of {self._batch:g}>"

    @property
    def batch(self) -> float:
        """Requests that ran as one, on average; 1 where nobody told."""
        return self._batch

    def observe(self, report: LoadReport) -> None:
        """Take a report; what it does not tell stays as it was, for a while."""
        if report.at_s - self._at_s > _FORGOTTEN_S:
            self._forget()
        self._at_s = max(report.at_s, self._at_s)
        if report.wait_s is not None:
            self._wait_s = report.wait_s
        elif report.num_pending == 0:
            self._wait_s = 0.0
        if report.slowdown is not None:
            self._slowdown = min(report.slowdown, _HIGHEST)
        if report.batch is not None:
            self._batch = max(report.batch, 1.0)
        self._execution_s.update(report.execution_s)

    def wait_s(self, at_s: float) -> float:
        """Give the wait as last told; none after long."""
        return self._wait_s if at_s - self._at_s <= _FORGOTTEN_S else 0.0

    def execution_s(self, batch: float) -> float | None:
        """
        Give the execution time of a batch, between the sizes that were told of.

        Returns
        -------
        float or None
            ``None`` before any was told; beyond the sizes told that of the nearest one.
        """
        if not self._execution_s:
            return None
        sizes = sorted(self._execution_s)
        place = bisect_left(sizes, batch)
        if place in (0, len(sizes)):
            return self._execution_s[sizes[min(place, len(sizes) - 1)]]
        below, above = sizes[place - 1], sizes[place]
        share = (batch - below) / (above - below)
        return (1 - share) * self._execution_s[below] + share * self._execution_s[above]

    def predicted_s(self, idle_tail_s: float, at_s: float) -> float:
        """Give ``W + E(b)`` of a tail that takes so long on the idle server."""
        load = self.conditions(at_s)
        return load.wait_s + load.slowdown * idle_tail_s

    def conditions(self, at_s: float) -> LoadConditions:
        """Give the load as believed at a time."""
        if at_s - self._at_s > _FORGOTTEN_S:
            return LoadConditions()
        return LoadConditions(self._wait_s, self._factor())

    def _factor(self) -> float:
        """Give E(b) over the idle time: as the server tells it, or over the time of one."""
        if self._slowdown is not None:
            return self._slowdown
        whole_s, single_s = self.execution_s(self._batch), self.execution_s(1)
        if not whole_s or not single_s:
            return 1.0
        return min(whole_s / single_s, _HIGHEST)

    def _forget(self) -> None:
        self._execution_s.clear()
        self._slowdown, self._batch, self._wait_s = None, 1.0, 0.0
