"""What one connection's server tells of its load, as reports that can be believed."""

from collections.abc import Mapping

from cutpoint.client.told_times import ToldTimes
from cutpoint.estimation import ReportAge
from cutpoint.records import LoadReport
from cutpoint.wire.load_text import LOAD, ToldLoad, read
from cutpoint.wire.protocol import Parameter


class LoadReports:
    """Makes reports of parameters; one connection's, for clocks are compared along it."""

    def __init__(self) -> None:
        self._age = ReportAge()

    def polled(self, parameters: Mapping[str, Parameter], at_s: float) -> LoadReport | None:
        """Give what rode on an acknowledged probe or on a refusal; ``None`` for nothing."""
        told = read(parameters.get(LOAD))
        return None if told is None else self._report(told, at_s, is_polled=True)

    def answered(
        self, parameters: Mapping[str, Parameter], at_s: float, times: ToldTimes | None
    ) -> LoadReport | None:
        """
        Give what rode on an answer; of a server that tells nothing else, what that answer took.

        Parameters
        ----------
        times
            That the server told of the answer; ``None`` where it told none that can be true.
        """
        told = read(parameters.get(LOAD))
        if told is not None:
            return self._report(told, at_s, is_polled=False)
        if times is None:
            return None
        slowdown = times.tail_s / times.idle_s if times.idle_s > 0 and times.tail_s > 0 else None
        return LoadReport(at_s, wait_s=times.wait_s, slowdown=slowdown)

    def _report(self, told: ToldLoad, at_s: float, *, is_polled: bool) -> LoadReport:
        age_s = (told.age_s or 0.0) + self._age.older_s(told.at_s, at_s)
        return LoadReport(
            at_s,
            age_s,
            told.wait_s,
            told.slowdown,
            told.execution_s,
            told.batch,
            told.num_pending,
            is_polled,
        )
