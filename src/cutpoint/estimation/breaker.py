"""When to leave a server alone, and when to try it again.

::

    closed ─failures in a row, or half of the latest─> open ─pause over─> half-open
      ↑                                                 ↑                     │
      │                                                 └──the trial failed───┤
      └──────────────────────────the trial was answered───────────────────────┘
"""

from collections import deque
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np

_FIRST_S = 0.25
_LONGEST_S = 5.0

_MISSES = 2
"""Failures in a row after which it is left alone."""

_WINDOW, _LEAST = 20, 10
"""Of the latest answers half may fail; fewer say nothing."""

_RECONNECTED_S = 0.25
"""Behind a new connection there may be another process: what the old one did says less."""

_SPREAD = 0.5
"""A server that names a time is left alone for up to this much longer: others were told, too."""


class Breaker:
    """
    Keeps requests from a server that answers late, wrongly or not at all.

    It opens after failures in a row, or when half of the latest answers were. After a pause
    that doubles each time, with jitter, exactly one request is let through on trial; those
    beside it go elsewhere. Requests side by side that fail together count once.

    Parameters
    ----------
    rng
        Source of the jitter.
    lock
        Held while it learns or tells, where several threads use it; ``None`` where one does.
    """

    def __init__(
        self, rng: np.random.Generator, lock: AbstractContextManager[Any] | None = None
    ) -> None:
        self._rng = rng
        self._lock = nullcontext() if lock is None else lock
        self._in_a_row = 0
        self._latest: deque[bool] = deque(maxlen=_WINDOW)
        self._num_opened = 0
        self._num_trials = 0
        self._trial = 0
        self._open_until_s = float("-inf")
        self._reason = ""
        self._held_until_s = float("-inf")
        self._held_reason = ""
        self._closed_at_s = float("-inf")

    def __repr__(self) -> str:
        return f"<Breaker opened {self._num_opened} times in a row, {self._in_a_row} failures>"

    def reason(self, at_s: float) -> str | None:
        """Give why the server is left alone at a time; ``None`` if it may be tried."""
        with self._lock:
            return self._refusal(at_s)

    @property
    def calm_since_s(self) -> float:
        """When it last stopped to keep requests back; in the future while it does."""
        with self._lock:
            return max(self._open_until_s, self._held_until_s, self._closed_at_s)

    def admit(self, at_s: float) -> int | None:
        """
        Let a request through, or not.

        Returns
        -------
        int or None
            Number of the trial this request is, 0 for none; ``None`` if it has to go
            elsewhere. A trial that tells nothing in the end is given back by `release`.
        """
        with self._lock:
            if self._refusal(at_s) is not None:
                return None
            if not self._num_opened:
                return 0
            self._num_trials += 1
            self._trial = self._num_trials
            return self._trial

    def release(self, trial: int) -> None:
        """Take note that a trial has ended, whatever it told; another may follow."""
        with self._lock:
            if trial and trial == self._trial:
                self._trial = 0

    def succeeded(self, at_s: float) -> None:
        """Take note of an answer in time."""
        with self._lock:
            self._in_a_row = 0
            self._latest.append(True)
            if not self._num_opened or at_s < self._open_until_s:
                return  # of a request that left before it opened: the pause goes on
            self._num_opened = self._trial = 0
            self._latest.clear()
            self._closed_at_s = at_s

    def failed(self, at_s: float, reason: str) -> None:
        """Take note that no answer came, a late one or a wrong one."""
        with self._lock:
            if at_s < self._open_until_s:
                return
            self._in_a_row += 1
            self._latest.append(False)
            if self._num_opened or self._in_a_row >= _MISSES or self._is_half_bad():
                self._open(at_s, reason)

    def hold(self, at_s: float, duration_s: float, reason: str) -> None:
        """Leave the server alone for a time, as it asked for; that is no failure."""
        with self._lock:
            self._trial = 0
            until_s = at_s + duration_s * float(self._rng.uniform(1.0, 1.0 + _SPREAD))
            if until_s > self._held_until_s:
                self._held_until_s, self._held_reason = until_s, reason

    def reconnected(self, at_s: float) -> None:
        """
        Take note that the connection was lost and is there again: a trial comes soon.

        What failed on the old one no longer counts: two late answers, before and after an
        outage, are not two in a row, and pauses do not go on doubling from where they were.
        """
        with self._lock:
            self._trial = self._in_a_row = 0
            self._latest.clear()
            self._num_opened = min(self._num_opened, 1)
            self._held_until_s = float("-inf")
            soon_s = at_s + _RECONNECTED_S * float(self._rng.uniform(0.5, 1.0))
            self._open_until_s = min(self._open_until_s, soon_s)

    def _refusal(self, at_s: float) -> str | None:
        if at_s < self._open_until_s:
            return self._reason
        if at_s < self._held_until_s:
            return self._held_reason
        if self._num_opened and self._trial:
            return f"{self._reason}; one request is on trial there"
        return None

    def _is_half_bad(self) -> bool:
        return len(self._latest) >= _LEAST and 2 * self._latest.count(False) >= len(self._latest)

    def _open(self, at_s: float, reason: str) -> None:
        pause_s = min(_FIRST_S * 2.0 ** min(self._num_opened, 10), _LONGEST_S)
        self._open_until_s = at_s + pause_s * float(self._rng.uniform(0.5, 1.0))
        self._reason = reason
        self._num_opened += 1
        self._trial = 0
