"""LoADPart's load of a server: the mean of the factors told lately."""

from collections import deque
from statistics import fmean

from cutpoint.records import LoadConditions, LoadReport

_HIGHEST = 1e6
"""Slow-down beyond which none is believed: conditions must stay finite."""


class LoadFactor:
    """
    ``k``, execution time / predicted idle time, as the mean of a window of reports.

    Liu, Zheng, Li and Guo, "LoADPart: Load-Aware Dynamic Partition of Deep Neural Networks for
    Edge Offloading", ICDCS 2022. A reconstruction: of the paper the abstract was read; that the
    factor is averaged over a recent period on the server and reset when the server is no longer
    busy is recalled, the lengths of both are not known. The window on the device, and the wait
    beside it (`counts_wait`), are those of the public follow-on code ("Load-aware Dynamic DNN
    Partition for Multi-User Offloading": a fixed-size queue of load probes, arithmetic mean).

    Parameters
    ----------
    window
        Reports whose mean is taken.
    watchdog_s
        After so long without a report that tells a factor it is 1 again. As recalled, the paper's
        server resets it when its GPU is idle; ours tells none when it has served nothing lately.
    counts_wait
        Whether the mean wait in the server's queue counts too, as in the follow-on.
    """

    def __init__(
        self, window: int = 8, watchdog_s: float = 10.0, *, counts_wait: bool = False
    ) -> None:
        self._factors: deque[float] = deque(maxlen=window)
        self._waits_s: deque[float] = deque(maxlen=window)
        self._watchdog_s = watchdog_s
        self._counts_wait = counts_wait
        self._at_s = float("-inf")

    def __repr__(self) -> str:
        return f"<LoadFactor of {len(self._factors)} reports>"

    def observe(self, report: LoadReport) -> None:
        """Take a report; what it does not tell moves nothing."""
        if report.at_s - self._at_s > self._watchdog_s:
            self._factors.clear()
            self._waits_s.clear()
        if report.wait_s is not None:
            self._waits_s.append(report.wait_s)
        if report.slowdown is not None:
            self._factors.append(min(report.slowdown, _HIGHEST))
        if report.wait_s is not None or report.slowdown is not None:
            self._at_s = max(report.at_s, self._at_s)

    def conditions(self, at_s: float) -> LoadConditions:
        """Give the load as believed at a time."""
        if at_s - self._at_s > self._watchdog_s:
            return LoadConditions()
        wait_s = fmean(self._waits_s) if self._counts_wait and self._waits_s else 0.0
        return LoadConditions(wait_s, fmean(self._factors) if self._factors else 1.0)
