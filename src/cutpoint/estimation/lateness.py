"""How late answers may be and still be on their way, from how late they were."""

from collections import deque

_NUM_LATEST = 100
_NUM_TELLING = 20
"""Before so many answers, nothing is said of the latest of a hundred."""

_TIMES_SEEN = 1.25
"""Beyond the latest of them by so much, an answer is taken for lost."""

_LEAST = 1.5
_MOST = 3.0
"""Answers that spread further are no measure: a machine that stalls now and then does so again."""


class Lateness:
    """
    The spread of a server's answers about what was predicted of them.

    The latest of a hundred is about the 99th percentile. An answer that was not waited for
    counts by the time it was: if that was too little, more is given the next time.
    """

    def __init__(self) -> None:
        self._ratios: deque[float] = deque(maxlen=_NUM_LATEST)
        self._most = 0.0
        self._num_left = 0

    def __repr__(self) -> str:
        return f"<Lateness: answers within {self.times_predicted} times what is predicted>"

    def observe(self, took_s: float, predicted_s: float) -> None:
        """
        Learn from one answer, or from one that was given up after `took_s`.

        Parameters
        ----------
        took_s, predicted_s
            From the begin of the sending to the answer.
        """
        if took_s > 0 and predicted_s > 0:
            self._learn(took_s / predicted_s)

    def _learn(self, ratio: float) -> None:
        """Keep the greatest at hand: it is asked for before every request, and mostly stays."""
        self._ratios.append(ratio)
        self._num_left -= 1  # answers until it is none of the latest any more
        if ratio >= self._most:
            self._most, self._num_left = ratio, _NUM_LATEST
        elif self._num_left <= 0:
            latest = tuple(self._ratios)  # another thread may learn meanwhile
            self._most = max(latest)
            self._num_left = _NUM_LATEST - len(latest) + latest.index(self._most) + 1

    @property
    def times_predicted(self) -> float | None:
        """
        How many times what is predicted an answer may take and still be on its way.

        ``None`` before there were enough, or if they spread too far to tell.
        """
        if len(self._ratios) < _NUM_TELLING:
            return None
        times = max(_TIMES_SEEN * self._most, _LEAST)
        return times if times <= _MOST else None
