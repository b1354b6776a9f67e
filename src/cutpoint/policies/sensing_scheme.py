"""Published schemes with estimators of their own: probes, and what servers tell of their load."""

from abc import abstractmethod
from dataclasses import replace
from math import isfinite
from typing import Protocol

from cutpoint.estimation import ProbingLink
from cutpoint.policies.policy import Situation
from cutpoint.policies.published import Published
from cutpoint.records import (
    Conditions,
    InferenceRecord,
    LoadConditions,
    LoadReport,
    ProbeRequest,
    ProbeSample,
)

_MOST_SERVERS = 64

_SHORTEST_S, _LONGEST_S = 1e-9, 86400.0
"""No inference takes longer, and no probe longer or less."""

_HIGHEST = 1e6
"""Seconds, or slow-down, beyond which no word of a server is believed."""


class LoadSense(Protocol):
    """What a scheme makes of a server's word on its load."""

    def observe(self, report: LoadReport) -> None:
        """Learn from a report."""
        ...

    def conditions(self, at_s: float) -> LoadConditions:
        """Give the load as believed at a time."""
        ...


class Senses:
    """
    What a scheme has learnt of one server.

    Parameters
    ----------
    link
        Its estimator of the link.
    load
        Its estimator of the load; ``None`` for a scheme that knows of none.
    """

    def __init__(self, link: ProbingLink, load: LoadSense | None = None) -> None:
        self.link = link
        self.load = load
        self.is_load_known = False


class SensingScheme(Published):
    """
    A published scheme that believes its own estimators.

    While its estimator of the link has no figure, it believes what every policy is told; of the
    load likewise. Whether a server can be used at all stays the session's to say, and so does the
    rate of the way back, which none of these papers measures.
    """

    is_steady = False

    def __init__(self) -> None:
        super().__init__()
        self._senses: dict[str, Senses] = {}

    @abstractmethod
    def new_senses(self) -> Senses:
        """Give the estimators for a server that was not met before."""

    def next_probe(self, server: str, at_s: float) -> ProbeRequest | None:
        """Give what the paper's estimators send now."""
        return self.senses_of(server).link.next_probe(at_s)

    def sensed(self, server: str, sample: ProbeSample | LoadReport) -> None:
        """Learn from an answered probe, or from what a server told of its load."""
        senses = self.senses_of(server)
        if isinstance(sample, ProbeSample):
            if _SHORTEST_S <= sample.duration_s <= _LONGEST_S:
                senses.link.sensed(sample)
        elif senses.load is not None and isfinite(sample.at_s):
            senses.load.observe(believable(sample))
            senses.is_load_known = True

    def observe(self, record: InferenceRecord) -> None:
        """Learn the link from an answered offload: its time less the server's."""
        is_won_here = record.race is not None and record.race.is_won
        if record.server is None or record.placement == "device" or is_won_here:
            return
        measured, latency_s = record.measured, record.latency_s
        if not 0 <= latency_s <= _LONGEST_S:
            return  # the end of it, which probes are put off by, would lie in the far future
        on_link_s = measured.upload_s + measured.download_s
        if _SHORTEST_S <= on_link_s <= _LONGEST_S:
            link = self.senses_of(record.server).link
            link.transferred(record.sent_bytes, on_link_s, record.at_s + latency_s)

    def believed(self, situation: Situation) -> Conditions:
        """Give link and load by its own estimators, as far as they have a figure."""
        told, senses = situation.conditions, self.senses_of(situation.server or "")
        found, link, load = senses.link.conditions(), told.link, told.load
        if found is not None and link is not None:
            link = replace(found, bandwidth_down_bytes_per_s=link.bandwidth_down_bytes_per_s)
        if senses.load is not None and senses.is_load_known:
            load = senses.load.conditions(situation.at_s)
        return replace(told, link=link, load=load)

    def senses_of(self, server: str) -> Senses:
        """Give what was learnt of a server, nothing at first."""
        found = self._senses.get(server)
        if found is None:
            while len(self._senses) >= _MOST_SERVERS:
                del self._senses[next(iter(self._senses))]
            found = self._senses[server] = self.new_senses()
        return found


def believable(report: LoadReport) -> LoadReport:
    """Give a report without what cannot be true: a policy is not stuck because a server lies."""
    execution_s = tuple(
        (batch, each_s)
        for batch, each_s in report.execution_s
        if batch >= 1 and 0 < each_s <= _HIGHEST
    )
    return replace(
        report,
        wait_s=_told(report.wait_s),
        slowdown=_told(report.slowdown),
        batch=_told(report.batch),
        execution_s=execution_s,
    )


def _told(figure: float | None) -> float | None:
    return figure if figure is not None and 0 <= figure <= _HIGHEST else None
