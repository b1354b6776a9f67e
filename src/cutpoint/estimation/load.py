"""What a server's load is now, from what it reports with every answer."""

from math import exp

from cutpoint.records import LoadConditions, LoadReport

_WEIGHT = 0.4
_WEIGHT_OF_STEP = 0.7
"""Of an answer that bears out what the one before showed: a step, and no noise ..."""

_STEP = 1.5
"""... where it is away from the belief by more than this factor."""

_WAIT_FADES_S = 2.0
"""A report loses its hold: while nothing is offloaded, nothing is known of the queue."""

_HOLDS_S, _FADES_S = 5.0, 3.0
"""Nor is it of the slow-down. Believed for a while as it was, it goes then, all of it: however
slow a server was and however little it would take to be worth it, it is tried again after 5-8 s.
Were it to fade from the first moment on, one just not worth it would be tried again and again."""

_STEP_SHARE = 0.5
"""Share of the longest idle time from which a tail shows a step."""

_REMEMBERS_S = 60.0
"""For so long a server that is tried again, and as slow as before, is believed to be at once."""

_WEIGHT_AT_LEAST = 0.7
"""An answer that was given up is a gross miss; a few more of them would each cost patience."""

_TELLING_S = 0.002
"""Idle time of a tail from which its slow-down says enough: a tenth of a millisecond goes into
waking a worker, which is ten times a tail of a few microseconds."""

_LONGEST_KEPT = 0.8
"""Share of the longest idle time that stays with each answer: where short tails follow long ones,
what holds one of them up for milliseconds is no share of the long ones' time."""

_WITNESS_S = 2.0
"""What one answer showed is borne out, or not, by those within this time."""

_FRESH_S = 1.0
"""Figures of a poll that are older say nothing of now."""

_HIGHEST = 1e6
"""Slow-down beyond which no report is believed: conditions must stay finite."""


class LoadEstimator:
    """
    Waiting (additive) and slow-down (multiplicative) of one server, ageing to idle.

    A slow-down that rises counts as far as an answer before shows it too: a tail that lost its
    core for some milliseconds by chance would be believed of the next ones. The first answer
    counts in full where its tail is long enough to tell, and so does every fall: the more, the
    more time the belief was off by, since what delays a short tail only ever adds to it.
    """

    def __init__(self) -> None:
        self._wait_s = 0.0
        self._slowdown = 1.0
        self._longest_s = 0.0
        self._witness: float | None = None
        self._witness_at_s = 0.0
        self._is_guess = False
        self._at_s = 0.0
        self._wait_at_s = 0.0
        self._has_heard = False

    def forget(self) -> None:
        """Believe that it is idle: after an outage, what was late because of it is no load."""
        self._wait_s, self._slowdown, self._witness = 0.0, 1.0, None
        self._is_guess = self._has_heard = False

    def age_s(self, at_s: float) -> float | None:
        """Give how long ago anything was heard of the slow-down; ``None`` if nothing was."""
        return max(at_s - self._at_s, 0.0) if self._has_heard else None

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
        self._move_wait(max(wait_s, 0.0), _WEIGHT, at_s)
        if idle_tail_s <= 0:
            return
        believed = self._believed(at_s)
        ratio = min(max(tail_s / idle_tail_s, 0.1), _HIGHEST)
        self._longest_s = max(_LONGEST_KEPT * self._longest_s, idle_tail_s, _TELLING_S)
        share = idle_tail_s / self._longest_s
        witness = self._shown_before(idle_tail_s, at_s)
        told = min(ratio, max(witness, believed))
        is_step = self._is_step(told, believed, witness) and share > _STEP_SHARE
        fall = believed - told
        weight = self._weight(fall, is_step)
        if share < 1.0:
            weight *= min(1.0, share * max(fall, 1.0))
        self._testify(ratio, idle_tail_s, at_s)
        self._slowdown = (1 - weight) * believed + weight * told
        self._at_s, self._has_heard = at_s, True

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
        if idle_tail_s <= 0:
            return
        believed = self._believed(at_s)
        ratio = min(tail_s / max(idle_tail_s, _TELLING_S), _HIGHEST)
        if ratio <= believed:
            return
        self._witness, self._witness_at_s = ratio, at_s
        self._is_guess = True
        self._slowdown = believed + _WEIGHT_AT_LEAST * (ratio - believed)
        self._at_s, self._has_heard = at_s, True

    def reported(self, report: LoadReport) -> None:
        """
        Learn from what a server tells of all its requests, whoever asked them.

        It shows what nothing of one's own shows, while one computes alone. Figures of one's own
        requests, told again, are no news; without any, an empty queue is known all the same.
        """
        seen_at_s = report.at_s - report.age_s
        is_fresh = report.age_s <= _FRESH_S and (not self._has_heard or seen_at_s > self._at_s)
        if is_fresh and report.wait_s is not None:
            self._move_wait(report.wait_s, _WEIGHT, report.at_s)
        elif report.num_pending == 0:
            self._move_wait(0.0, _WEIGHT_OF_STEP, report.at_s)
        if is_fresh and report.slowdown is not None:
            told = min(report.slowdown, _HIGHEST)
            believed = self._believed(report.at_s)
            if self._is_guess and told < believed and seen_at_s - self._at_s < _HOLDS_S:
                return  # the mean counts what was quick before, and not what was given up
            # A mean of many requests, not one: away from the belief it is a step, and no chance.
            is_step = max(told, believed) > _STEP * min(told, believed)
            weight = _WEIGHT_OF_STEP if is_step else _WEIGHT
            self._slowdown = believed + weight * (told - believed)
            self._at_s, self._has_heard = max(seen_at_s, self._at_s), True

    def conditions(self, at_s: float) -> LoadConditions:
        """Give the load as believed at a time."""
        return LoadConditions(self._believed_wait_s(at_s), self._believed(at_s))

    def _weight(self, fall: float, is_step: bool) -> float:
        """Give the weight of an answer; one that is as slow as was guessed confirms it."""
        is_refuted = self._is_guess and fall > self._slowdown / 2
        self._is_guess = is_refuted
        if is_refuted:
            return _WEIGHT_AT_LEAST
        return _WEIGHT_OF_STEP if is_step else _WEIGHT

    def _is_step(self, told: float, believed: float, witness: float) -> bool:
        """Tell whether an answer and the one before are both away from the belief, on one side."""
        is_rise = told > _STEP * believed and witness < _HIGHEST
        return is_rise or max(told, witness) * _STEP < believed

    def _shown_before(self, idle_tail_s: float, at_s: float) -> float:
        """Give the slow-down that another answer bears out."""
        if self._slowdown > 1.0 and _HOLDS_S < at_s - self._at_s <= _REMEMBERS_S:
            return self._slowdown  # tried again, and as slow as it was
        witness = self._witness  # which another thread may forget meanwhile
        if witness is None:  # a short tail may not speak for itself alone
            return _HIGHEST if idle_tail_s >= _TELLING_S else 1.0
        return witness if at_s - self._witness_at_s <= _WITNESS_S else 1.0

    def _testify(self, ratio: float, idle_tail_s: float, at_s: float) -> None:
        """Keep what an answer shows; that a short tail was quick clears a server a little."""
        kept = ratio
        if at_s - self._witness_at_s <= _WITNESS_S:
            left = max(1.0 - idle_tail_s / _TELLING_S, 0.0)
            kept = max(ratio, 1.0 + left * ((self._witness or 1.0) - 1.0))
        self._witness, self._witness_at_s = kept, at_s

    def _move_wait(self, wait_s: float, weight: float, at_s: float) -> None:
        believed_s = self._believed_wait_s(at_s)
        self._wait_s = (1 - weight) * believed_s + weight * wait_s
        self._wait_at_s = at_s

    def _believed_wait_s(self, at_s: float) -> float:
        age_s = at_s - self._wait_at_s
        return self._wait_s * exp(-age_s / _WAIT_FADES_S) if age_s > 0 else self._wait_s

    def _believed(self, at_s: float) -> float:
        """Give the slow-down as it is after its time."""
        beyond_s = at_s - self._at_s - _HOLDS_S
        if beyond_s <= 0:
            return self._slowdown
        return float(self._slowdown ** (1.0 - min(beyond_s / _FADES_S, 1.0)))
