"""What a simulated server tells of its load: what its latest requests met."""

from collections import deque
from math import inf

from cutpoint.records import LoadReport

_NUM_LATEST, _LONGEST_S = 16, 5.0
"""As the server's own load monitor: so many requests, none older than that."""

_NOTHING = (-inf, 0.0, 0.0, 0.0)


class LoadMemory:
    """
    Waits and slow-downs of the latest requests of a server.

    Notes
    -----
    One monitor for all models, where the real server keeps one of each; no times by batch, for
    the simulated server forms none.
    """

    def __init__(self) -> None:
        # Ends, and sums up to them, for what is told with every answer is two differences. Before
        # those that are told stands the one whose sums are taken off.
        self._latest: deque[tuple[float, float, float, float]] = deque(maxlen=_NUM_LATEST + 1)
        self._latest.append(_NOTHING)

    def __repr__(self) -> str:
        return f"<LoadMemory of {len(self._latest) - 1} requests>"

    def forget(self) -> None:
        """Know nothing: the process has died."""
        self._latest.clear()
        self._latest.append(_NOTHING)

    def observe(self, ended_s: float, wait_s: float, run_s: float, idle_s: float) -> None:
        """Take note of a request that has ended."""
        _, waits_s, runs_s, idles_s = self._latest[-1]
        self._latest.append((ended_s, waits_s + wait_s, runs_s + run_s, idles_s + idle_s))

    def told(
        self,
        at_s: float,
        num_pending: int | None = None,
        heard_s: float | None = None,
        *,
        is_polled: bool = True,
    ) -> LoadReport:
        """
        Give what was known at a time.

        Parameters
        ----------
        num_pending
            Requests in the server then, where that is known.
        heard_s
            When the word of it arrives; at once by default.
        is_polled
            Whether it was asked for, rather than riding on an answer.
        """
        latest, arrives_s = self._latest, at_s if heard_s is None else heard_s
        before, last = 0, len(latest) - 1
        while last > 0 and latest[last][0] > at_s:
            last -= 1
        while before < last and latest[before + 1][0] < at_s - _LONGEST_S:
            before += 1
        if before >= last:
            return LoadReport(arrives_s, num_pending=num_pending, is_polled=is_polled)
        ended_s, waits_s, runs_s, idles_s = latest[last]
        _, waited_s, ran_s, idled_s = latest[before]
        return LoadReport(
            arrives_s,
            at_s - ended_s,
            (waits_s - waited_s) / (last - before),
            (runs_s - ran_s) / (idles_s - idled_s) if idles_s > idled_s else None,
            (),
            None,
            num_pending,
            is_polled,
        )
