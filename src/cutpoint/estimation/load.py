"""What a server's load is now, from what it reports with every answer."""

from math import exp

from cutpoint.records import LoadConditions

_WEIGHT = 0.4
_WAIT_FADES_S = 2.0
_SLOWDOWN_FADES_S = 10.0
"""A report loses its hold: while nothing is offloaded, nothing is known of the load."""

_WEIGHT_AT_LEAST = 0.7
"""An answer that was given up is a gross miss; a few more of them would each cost patience."""

_HIGHEST = 1e6
"""Slow-down beyond which no report is believed: conditions must stay finite."""


class LoadEstimator:
    """Waiting (additive) and slow-down (multiplicative) of one server, ageing to idle."""

    def __init__(self) -> None:
        self._wait_s = 0.0
        self._slowdown = 1.0
        self._at_s = 0.0

    def forget(self) -> None:
        """Believe that it is idle: after an outage, what was late because of it is no load."""
        self._wait_s, self._slowdown = 0.0, 1.0

    def observe(self, wait_s: float, tail_s: float, idle_tail_s: float, at_s: float) -> None:
        """
        Learn from one answer.

        Parameters
        ----------
        wait_s
            Its time in the server's queue.
        tail_s, idle_tail_s
            What its tail took, and takes on the idle server.
        at_s
            When the answer came.
        """
        believed = self.conditions(at_s)
        self._wait_s = (1 - _WEIGHT) * believed.wait_s + _WEIGHT * max(wait_s, 0.0)
        if idle_tail_s > 0:
            ratio = min(max(tail_s / idle_tail_s, 0.1), _HIGHEST)
            self._slowdown = (1 - _WEIGHT) * believed.slowdown + _WEIGHT * ratio
        self._at_s = at_s

    def observe_at_least(self, tail_s: float, idle_tail_s: float, at_s: float) -> None:
        """
        Learn from an answer that was given up while the server computed.

        Parameters
        ----------
        tail_s, idle_tail_s
            What its tail had taken by then, and takes on the idle server.
        at_s
            When it was given up.

        Notes
        -----
        A server that answers just after the device has gone on alone would otherwise never be
        known to be slow: no answer of its own is ever seen. Where it turns out to have stood
        still, or the link, this is to be forgotten again.
        """
        believed = self.conditions(at_s)
        if idle_tail_s <= 0 or tail_s <= believed.slowdown * idle_tail_s:
            return
        ratio = min(tail_s / idle_tail_s, _HIGHEST)
        self._wait_s = believed.wait_s
        self._slowdown = believed.slowdown + _WEIGHT_AT_LEAST * (ratio - believed.slowdown)
        self._at_s = at_s

    def conditions(self, at_s: float) -> LoadConditions:
        """Give the load as believed at a time."""
        age_s = max(at_s - self._at_s, 0.0)
        return LoadConditions(
            wait_s=self._wait_s * exp(-age_s / _WAIT_FADES_S),
            slowdown=1.0 + (self._slowdown - 1.0) * exp(-age_s / _SLOWDOWN_FADES_S),
        )
