"""Whose turn it is when there is not enough for all: nobody takes more than the others leave."""

import math
from dataclasses import dataclass

from cutpoint.exceptions import OverloadedError

_MEMORY_S = 1.0
"""What a caller had is forgotten by this time constant."""

_CONTENDED_S = 5.0
"""So long after somebody was turned away there is not enough for all."""

_TOLERANCE = 1.1
"""A caller may be so many times above the mean before it is refused."""

_BURST_S = 0.01
"""And this much of the server's time more, so that two equals do not refuse each other."""

_SHARED_EVERY_S = 0.02

_MOST_CALLERS = 4096


@dataclass
class _Caller:
    had_s: float = 0.0
    at_s: float = 0.0
    asked_at_s: float = 0.0

    def faded_s(self, at_s: float) -> float:
        """Give what it had, less what is forgotten."""
        return self.had_s * math.exp(-max(at_s - self.at_s, 0.0) / _MEMORY_S)


class FairShares:
    """
    Refuses callers that had more than their share while others are turned away.

    The share is one of time on the server, among those who asked for anything lately. With
    room for all there are no shares: a lone caller may have everything. Not thread-safe.
    """

    def __init__(self) -> None:
        self._callers: dict[str, _Caller] = {}
        self._turned_away: dict[str, float] = {}
        self._tidied_at_s = self._shared_at_s = -math.inf
        self._mean_s = 0.0

    def __repr__(self) -> str:
        return f"<FairShares: {len(self._callers)} callers>"

    def check(self, caller: str, at_s: float) -> None:
        """
        Refuse a caller that had more than its share.

        Raises
        ------
        OverloadedError
            Says when it may have more.
        """
        own = self._known(caller, at_s)
        own.asked_at_s = at_s
        if not self._is_contended(caller, at_s):
            return
        had_s, allowed_s = own.faded_s(at_s), _TOLERANCE * self._share_s(at_s) + _BURST_S
        if had_s > allowed_s:
            retry_after_s = _MEMORY_S * math.log(had_s / allowed_s)
            raise OverloadedError(
                f"this client had more than its share of a server that turns others away: try "
                f"again in {retry_after_s:.3f} s, or compute on the device",
                retry_after_s,
            )

    def took(self, caller: str, duration_s: float, at_s: float) -> None:
        """Note that a caller was given time on the server."""
        own = self._known(caller, at_s)
        own.had_s, own.at_s = own.faded_s(at_s) + duration_s, at_s

    def turned_away(self, caller: str, at_s: float) -> None:
        """Note that there was no room for a caller."""
        self._known(caller, at_s)
        self._turned_away.pop(caller, None)
        self._turned_away[caller] = at_s
        if len(self._turned_away) > 2:  # the last two tell of anybody whether it was another
            del self._turned_away[next(iter(self._turned_away))]

    def _share_s(self, at_s: float) -> float:
        """Give what those who asked lately had, on average; added up now and then only."""
        if at_s - self._shared_at_s > _SHARED_EVERY_S:
            self._shared_at_s = at_s
            active = [
                each for each in self._callers.values() if at_s - each.asked_at_s < _CONTENDED_S
            ]
            self._mean_s = sum(each.faded_s(at_s) for each in active) / max(len(active), 1)
        return self._mean_s

    def _is_contended(self, caller: str, at_s: float) -> bool:
        """Tell whether somebody else was turned away lately."""
        return any(
            other != caller and at_s - then_s < _CONTENDED_S
            for other, then_s in self._turned_away.items()
        )

    def _known(self, caller: str, at_s: float) -> _Caller:
        if at_s - self._tidied_at_s > _CONTENDED_S or len(self._callers) > _MOST_CALLERS:
            self._tidy(at_s)
        found = self._callers.get(caller)
        if found is None:
            found = self._callers[caller] = _Caller(at_s=at_s, asked_at_s=at_s)
        return found

    def _tidy(self, at_s: float) -> None:
        """Forget those who have not asked lately; all of them if everybody has."""
        self._tidied_at_s = at_s
        lately = {
            name: each
            for name, each in self._callers.items()
            if at_s - each.asked_at_s < _CONTENDED_S
        }
        self._callers = lately if len(lately) <= _MOST_CALLERS else {}
