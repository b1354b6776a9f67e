"""What a simulated server tells of its load: what its latest requests met."""

from collections import deque

from cutpoint.records import LoadReport

_NUM_LATEST, _LONGEST_S = 16, 5.0
"""As the server's own load monitor: so many requests, none older than that."""


class LoadMemory:
    """
    Waits and slow-downs of the latest requests of a server.

    Notes
    -----
    One monitor for all models, where the real server keeps one of each; no times by batch, for
    the simulated server forms none.
    """

    def __init__(self) -> None:
        self._latest: deque[tuple[float, float, float, float]] = deque(maxlen=_NUM_LATEST)

    def __repr__(self) -> str:
        return f"<LoadMemory of {len(self._latest)} requests>"

    def forget(self) -> None:
        """Know nothing: the process has died."""
        self._latest.clear()

    def observe(self, ended_s: float, wait_s: float, run_s: float, idle_s: float) -> None:
        """Take note of a request that has ended."""
        self._latest.append((ended_s, wait_s, run_s, idle_s))

    def told(self, at_s: float, num_pending: int | None = None) -> LoadReport:
        """
        Give what was known at a time.

        Parameters
        ----------
        num_pending
            Requests in the server then, where that is known.
        """
        seen = [each for each in self._latest if at_s - _LONGEST_S <= each[0] <= at_s]
        if not seen:
            return LoadReport(at_s, num_pending=num_pending, is_polled=True)
        idle_s = sum(each[3] for each in seen)
        return LoadReport(
            at_s,
            age_s=at_s - seen[-1][0],
            wait_s=sum(each[1] for each in seen) / len(seen),
            slowdown=sum(each[2] for each in seen) / idle_s if idle_s > 0 else None,
            num_pending=num_pending,
            is_polled=True,
        )
