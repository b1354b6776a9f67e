"""What one device believes of the world, learned as the client learns it."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from math import ceil, inf
from typing import NamedTuple

from cutpoint.estimation import (
    LinkEstimator,
    LoadEstimator,
    ProbeBudget,
    ProgressMeter,
    SlowdownEstimator,
    probe_bytes,
)
from cutpoint.estimation.probe_budget import PAIR_BYTES
from cutpoint.records import Conditions, LoadReport
from cutpoint.simulation.world import World

_FIRST_PROBES = 3
_OLDEST_PROBE_S = 10.0
"""Of a longer silence only the latest probes are made up: estimates forget those before."""

_LEAST_SPACING_S = 5e-5

_FIRST_PIECE_S, _PIECE_S, _MOST_PIECES = 0.005, 0.02, 16
_UNKNOWN_PIECE_BYTES = 8 * 1024


class _Probe(NamedTuple):
    sent_s: float
    size_bytes: int
    passed_s: float
    answered_s: float


class Learner:
    """
    The estimators of one device and its server, fed with what the world does.

    Parameters
    ----------
    world
        As it truly is.
    at_s
        When the device connects: the link is probed then, as at every new connection.
    polled
        What the server tells of its load, with the answer to a probe that reaches it at a time;
        ``None`` where it tells nothing.

    Notes
    -----
    Simplified beside the client: a probe shares its link with nothing, and the pieces whose
    acknowledgements give the rate are 20 ms of link time (the first 5), or a sixteenth of the
    upload where that is longer, and not 5 ms each: the estimators take acknowledgements
    together until they span 20 ms. What takes no longer than that is one piece.
    """

    def __init__(
        self,
        world: World,
        at_s: float = 0.0,
        polled: Callable[[float], LoadReport] | None = None,
    ) -> None:
        self._world = world
        self._polled = polled
        self.link = LinkEstimator()
        self.load = LoadEstimator()
        self.slowdown = SlowdownEstimator()
        self.meter = ProgressMeter(self.link.up)
        self.last_used_s = at_s
        self.probed_bytes = 0
        self._budget = ProbeBudget()
        self._round_trip_s = world.delay_up_s + world.delay_down_s
        self._probe: _Probe | None = None
        self.connected(at_s)

    def __repr__(self) -> str:
        return f"<Learner: {self.link.conditions()}>"

    def connected(self, at_s: float) -> None:
        """Measure a link that was connected over just now, perhaps on another path."""
        self.link.forget()
        self.last_used_s, self._probe = at_s, None
        for _ in range(_FIRST_PROBES):
            self.probe(at_s)

    def conditions(
        self,
        at_s: float,
        unavailable: str | None = None,
        most_bytes_per_s: float | None = None,
    ) -> Conditions:
        """Give what is believed at a time; the way up carries no more than a bound, if any."""
        return Conditions(
            self.link.conditions(at_s, most_bytes_per_s),
            self.load.conditions(at_s),
            self.slowdown.factor(at_s),
            unavailable,
            self.load.age_s(at_s),
        )

    def probe(self, at_s: float) -> float:
        """Measure the link by an empty message and one behind it; gives when it is done."""
        probe = self._sent_probe(at_s, probe_bytes(self.link.up.bytes_per_s, is_large=True))
        if probe.answered_s < inf:
            self._take(probe)
        return probe.answered_s

    def probe_while_idle(self, until_s: float) -> None:
        """Make up for the probes of a silence that lasts until now; the last may be under way."""
        self.last_used_s = max(self.last_used_s, until_s - _OLDEST_PROBE_S)
        while True:
            probe = self._probe
            if probe is not None and probe.answered_s <= until_s:
                self._take(probe)
                self._probe = None
            rate = self.link.up.bytes_per_s
            at_s = self._budget.next_s(self.last_used_s, rate)
            if at_s > until_s:
                return
            self.last_used_s = at_s
            size_bytes = self._budget.payload_bytes(rate)
            self._budget.spend(at_s, rate)
            if self._probe is None:
                self._probe = self._sent_probe(at_s, size_bytes)
            elif self._probe.sent_s < at_s:
                # None is added to one under way: how long it takes tells how little passes.
                silent_s = at_s - self._probe.sent_s
                self.link.up.observe_at_most(self._probe.size_bytes, silent_s, at_s)

    def _sent_probe(self, at_s: float, size_bytes: int) -> "_Probe":
        self.probed_bytes += PAIR_BYTES + size_bytes
        passed_s = self._world.up_curve.finish_s(at_s, size_bytes)
        return _Probe(at_s, size_bytes, passed_s, passed_s + self._round_trip_s)

    def _take(self, probe: "_Probe") -> None:
        spacing_s = max(probe.passed_s - probe.sent_s, _LEAST_SPACING_S)
        self.link.observe_round_trip(self._round_trip_s)
        self.link.observe_probe(probe.size_bytes, spacing_s, probe.answered_s)
        if self._polled is not None:
            told = self._polled(probe.answered_s - self._world.delay_down_s)
            self.load.reported(replace(told, at_s=probe.answered_s))

    def pieces(self, size_bytes: float) -> list[int]:
        """Give the pieces in which an upload is acknowledged, by what is believed of the link."""
        rate = self.link.up.bytes_per_s
        piece_bytes = _UNKNOWN_PIECE_BYTES if rate is None else rate * _PIECE_S
        if size_bytes <= piece_bytes:
            return [round(size_bytes)] if size_bytes >= 1 else [1]
        first_bytes = min(piece_bytes * _FIRST_PIECE_S / _PIECE_S, size_bytes / 2)
        num = min(ceil((size_bytes - first_bytes) / piece_bytes), _MOST_PIECES)
        ends = [round(first_bytes + (size_bytes - first_bytes) * n / num) for n in range(num + 1)]
        return [end - begin for begin, end in pairwise([0, *ends]) if end > begin]

    def acknowledgements(self, begun_s: float, size_bytes: float) -> list[tuple[float, int]]:
        """Give when each piece of an upload is acknowledged that has the link for itself."""
        curve, come = self._world.up_curve, []
        carried_bytes = curve.carried_bytes(begun_s)
        for piece_bytes in self.pieces(size_bytes):
            carried_bytes += piece_bytes
            passed_s = max(curve.time_of(carried_bytes), begun_s)
            come.append((passed_s + self._round_trip_s, piece_bytes))
        return come

    def uploaded(self, begun_s: float, size_bytes: float) -> None:
        """Learn from an upload that had the link for itself, and is over."""
        come = self.acknowledgements(begun_s, size_bytes)
        for _, piece_bytes in come:
            self.meter.sent(piece_bytes, begun_s)
        for at_s, piece_bytes in come:
            self.meter.acknowledged(piece_bytes, at_s, self.link.least_round_trip_s)

    def answered(self, wait_s: float, tail_s: float, idle_tail_s: float, at_s: float) -> None:
        """Learn from what a server tells with its answer."""
        self.load.observe(wait_s, tail_s, idle_tail_s, at_s)

    def returned(self, download_s: float, size_bytes: float) -> None:
        """Learn from how long an answer was on its way."""
        self.link.observe_answer(download_s, size_bytes)
