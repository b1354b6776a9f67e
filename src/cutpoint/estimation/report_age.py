"""How long a report was on its way, told by differences of a clock that nobody shares."""

_LONGEST_S = 30.0
"""Nothing is under way for longer: either clock was set, and what was compared is void."""

_DRIFT = 1e-3
"""Two clocks' seconds differ by less: the quickest report of long ago is no measure for ever."""


class ReportAge:
    """
    Tells the reports that were held up from those that came as soon as any.

    When a report was written is told by its sender's clock, which may be an hour off and is not
    set by anybody. The difference between both clocks is not known; that it is the same for each
    report is: what is more than the least of them is time on the way beyond the quickest.
    """

    def __init__(self) -> None:
        self._least_s: float | None = None
        self._written_s = 0.0
        self._at_s = 0.0

    def older_s(self, written_s: float | None, at_s: float) -> float:
        """
        Give how much longer this report was under way than the quickest of late.

        Parameters
        ----------
        written_s
            By its sender's clock; ``None`` where that was not told.
        at_s
            When it came, by one's own.
        """
        if written_s is None:
            return 0.0
        offset_s = at_s - written_s
        if self._least_s is not None and written_s >= self._written_s:
            least_s = self._least_s + _DRIFT * max(at_s - self._at_s, 0.0)
        else:  # the first, or of a clock that begins anew, as after a restart
            least_s = offset_s
        if not offset_s - least_s <= _LONGEST_S:
            least_s = offset_s
        self._least_s = min(least_s, offset_s)
        self._written_s, self._at_s = written_s, at_s
        return offset_s - self._least_s
