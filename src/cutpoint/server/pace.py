"""How fast the server is lately, beside what was profiled when it was idle."""

import math
from collections import deque

_REMEMBERED = 16
"""Runs that say how slow the server is."""

_QUICK_SHARE = 0.25
"""Share of them that is taken for undisturbed: one that was held up by chance is no reason to
drop the next request."""

_FADES_S = 5.0
"""After so long without a run half of what was seen is forgotten."""

_KEPT = 0.9
"""Share of the earlier runs' weight that stays with each new one, in what batching saves."""

_QUIET = 0.5
"""What is believed when nothing was seen for long: below 1, so that a profile made on a busy
machine cannot have every request with a tight deadline dropped for ever."""


class Pace:
    """The slow-down seen lately, and how much batching saves."""

    def __init__(self) -> None:
        self._seen: deque[float] = deque(maxlen=_REMEMBERED)
        self._expected_s = 0.0
        self._alone_s = 0.0
        self._at_s = 0.0

    def note(self, at_s: float, took_s: float, expected_s: float, alone_s: float) -> None:
        """
        Note a run.

        Parameters
        ----------
        expected_s
            What a batch like this takes on the idle server.
        alone_s
            What its members take there one by one.
        """
        if expected_s <= 0:
            return
        self._at_s = at_s
        self._seen.append(took_s / expected_s)
        self._expected_s = _KEPT * self._expected_s + expected_s
        self._alone_s = _KEPT * self._alone_s + alone_s

    def slowdown(self, at_s: float) -> float:
        """Give the time runs take now over what they took on the idle server, at the least."""
        if not self._seen:
            return 1.0
        seen = sorted(self._seen)[int(_QUICK_SHARE * len(self._seen))]
        kept = math.pow(0.5, max(at_s - self._at_s, 0.0) / _FADES_S)
        return _QUIET + (seen - _QUIET) * kept

    @property
    def share(self) -> float:
        """Give what batches take over what their members would take one by one, at most 1."""
        return min(self._expected_s / self._alone_s, 1.0) if self._alone_s > 0 else 1.0
