"""Whether a server keeps to what is predicted of it, request after request."""

_TIMES_PREDICTED = 3.0
_REQUESTS = 10
"""So many answers in a row that take so much longer than predicted are no jitter."""

_FIRST_S, _LONGEST_S = 1.0, 30.0


class Pace:
    """
    Notices a server that is healthy, answers, and never as soon as predicted.

    The planner sees most slow-downs by itself: the load a server reports, the rate of the
    link. What neither explains (a server that does not tell its times, work outside of
    them) shows here: ten answers in a row that took over three times what was predicted,
    and longer than the device would have. The server is left alone then, for longer each
    time it turns out to be as slow as before.
    """

    def __init__(self) -> None:
        self._slow_in_a_row = 0
        self._pause_s = _FIRST_S

    def __repr__(self) -> str:
        return f"<Pace: {self._slow_in_a_row} slow in a row>"

    def observe(self, took_s: float, predicted_s: float, alone_s: float) -> float:
        """
        Learn from one answer; gives how long to leave the server alone, mostly 0.

        Parameters
        ----------
        took_s, predicted_s
            From the begin of the sending to the answer.
        alone_s
            What the device needs for the same.
        """
        if took_s <= max(_TIMES_PREDICTED * predicted_s, alone_s):
            self._slow_in_a_row, self._pause_s = 0, _FIRST_S
            return 0.0
        self._slow_in_a_row += 1
        if self._slow_in_a_row < _REQUESTS:
            return 0.0
        pause_s = self._pause_s
        self._pause_s = min(2 * pause_s, _LONGEST_S)
        return pause_s
