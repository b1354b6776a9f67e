"""What a server's load is now, from what it reports with every answer."""

from math import exp, inf

from cutpoint.records import LoadConditions

_WEIGHT = 0.4
_WAIT_FADES_S = 2.0
_SLOWDOWN_FADES_S = 10.0
"""A report loses its hold: while nothing is offloaded, nothing is known of the load."""

_WEIGHT_AT_LEAST = 0.7
"""An answer that was given up is a gross miss; a few more of them would each cost patience."""

_TELLING_S = 0.002
"""Idle time of a tail from which its slow-down says enough: a tenth of a millisecond goes into
waking a worker, which is ten times a tail of a few microseconds."""

_LONGEST_KEPT = 0.8
"""Share of the longest idle time that stays with each answer: where short tails follow long ones,
what holds one of them up for milliseconds is no share of the long ones' time."""

_HIGHEST = 1e6
"""Slow-down beyond which no report is believed: conditions must stay finite."""


class LoadEstimator:
    """
    Waiting (additive) and slow-down (multiplicative) of one server, ageing to idle.

    A slow-down that rises counts as far as the answer before shows it too: a tail that lost its
    core for some milliseconds by chance would be believed of the next ones. The first answer
    counts in full, and so does every fall: the more, the more time the belief was off by, since
    what delays a short tail only ever adds to it.
    """

    def __init__(self) -> None:
        self._wait_s = 0.0
        self._slowdown = 1.0
        self._longest_s = 0.0
        self._previous = inf
        self._is_guess = False
        self._at_s = 0.0

    def forget(self) -> None:
        """Believe that it is idle: after an outage, what was late because of it is no load."""
        self._wait_s, self._slowdown, self._previous = 0.0, 1.0, inf
        self._is_guess = False

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
        believed_wait_s, believed = self._believed(at_s)
        self._wait_s = (1 - _WEIGHT) * believed_wait_s + _WEIGHT * max(wait_s, 0.0)
        if idle_tail_s > 0:
            ratio = min(max(tail_s / idle_tail_s, 0.1), _HIGHEST)
            self._longest_s = max(_LONGEST_KEPT * self._longest_s, idle_tail_s, _TELLING_S)
            share = idle_tail_s / self._longest_s
            told = min(ratio, max(self._previous, believed))
            weight = self._weight(believed - told) * min(1.0, share * max(believed - told, 1.0))
            self._slowdown = (1 - weight) * believed + weight * told
            # A short tail bears witness to a rise; that one was quick clears nobody.
            self._previous = ratio if idle_tail_s >= _TELLING_S else max(ratio, self._previous)
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
        still, or the link, this is to be forgotten again; and the first answer that is quicker
        counts as much as what was given up did. A short tail that hangs counts as a longer one:
        what held it up is no share of the long ones' time.
        """
        wait_s, believed = self._believed(at_s)
        if idle_tail_s <= 0:
            return
        ratio = min(tail_s / max(idle_tail_s, _TELLING_S), _HIGHEST)
        if ratio <= believed:
            return
        self._previous = ratio
        self._is_guess = True
        self._wait_s = wait_s
        self._slowdown = believed + _WEIGHT_AT_LEAST * (ratio - believed)
        self._at_s = at_s

    def conditions(self, at_s: float) -> LoadConditions:
        """Give the load as believed at a time."""
        return LoadConditions(*self._believed(at_s))

    def _weight(self, fall: float) -> float:
        """Give the weight of an answer; one that is as slow as was guessed confirms it."""
        is_refuted = self._is_guess and fall > self._slowdown / 2
        self._is_guess = is_refuted
        return _WEIGHT_AT_LEAST if is_refuted else _WEIGHT

    def _believed(self, at_s: float) -> tuple[float, float]:
        """Give wait and slow-down as they are after fading."""
        age_s = max(at_s - self._at_s, 0.0)
        return (
            self._wait_s * exp(-age_s / _WAIT_FADES_S),
            1.0 + (self._slowdown - 1.0) * exp(-age_s / _SLOWDOWN_FADES_S),
        )
