"""What tails take on the idle server, where requests are of many sizes."""

from collections import deque
from threading import Lock

from cutpoint.graph.size_bucket import size_step

_REMEMBERED = 256
"""Runs per tail and step of size: the quickest of them stands for the idle server."""


class IdleTimes:
    """The quickest run of each tail lately, by the step of the bytes it was fed."""

    def __init__(self) -> None:
        self._runs: dict[tuple[str, int], deque[float]] = {}
        self._lock = Lock()

    def observe(self, cut_id: str, size_bytes: int, tail_s: float) -> float:
        """
        Note a run; give what the idle server is believed to take for one like it.

        Parameters
        ----------
        size_bytes
            What the tail was fed.
        tail_s
            What it took.
        """
        key = (cut_id, size_step(size_bytes))
        with self._lock:
            runs = self._runs.setdefault(key, deque(maxlen=_REMEMBERED))
            runs.append(tail_s)
            return min(runs)
