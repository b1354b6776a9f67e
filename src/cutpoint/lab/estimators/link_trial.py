"""Estimators of a link on a made-up clock: some seconds of transfers, some of silence."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import inf, log
from typing import Protocol

from cutpoint.estimation import BurstProbe, ProbingLink, SingleTransfer, TinyProbes, TwoSizePing
from cutpoint.lab.estimators.verdict import Verdict, lags_s
from cutpoint.records import LinkConditions, ProbeRequest, ProbeSample
from cutpoint.simulation.flight import Flights
from cutpoint.simulation.learner import Learner
from cutpoint.simulation.rate_schedule import RateSchedule
from cutpoint.simulation.senses import FRAME_BYTES
from cutpoint.simulation.world import World

TRANSFER_BYTES = 20_000
"""Of each real transfer, and of that which is foretold."""

BUSY_S, SILENT_S = 5.0, 5.0
"""A transfer as soon as the last one is through and a moment later; then none at all."""

_EVERY_S = 0.1
_DELAY_S = 0.01
_FAST_DOWN = RateSchedule.constant(1e9)

PUBLISHED: Mapping[str, Callable[[], ProbingLink]] = {
    "neurosurgeon": SingleTransfer,
    "dads": TwoSizePing,
    "loadpart": BurstProbe,
    "diamond": TinyProbes,
}
CUTPOINT = "cutpoint"


@dataclass(frozen=True)
class LinkSetting:
    """
    A link to be estimated.

    Parameters
    ----------
    name
        For people.
    up
        Its rate.
    duration_s
        To be watched.
    steps_s
        When the rate changes for good, where lag is to be told.
    """

    name: str
    up: RateSchedule
    duration_s: float
    steps_s: tuple[float, ...] = ()


class Seat(Protocol):
    """An estimator in its place: it hears of what happens until a time, and is asked then."""

    @property
    def probe_bytes(self) -> int:
        """What was sent for nothing but to learn, frames included."""
        ...

    def until(self, now_s: float) -> None:
        """Let pass what happens until a time, probes of its own included."""
        ...

    def transfer(self, at_s: float) -> float:
        """Send a real transfer; gives when it has arrived."""
        ...

    def conditions(self, now_s: float) -> LinkConditions | None:
        """Give the link as it is believed to be."""
        ...


def link_verdicts(setting: LinkSetting) -> Iterator[Verdict]:
    """Judge every estimator of a link."""
    yield _judged(CUTPOINT, setting, OwnSeat(_world(setting)))
    for name, make in PUBLISHED.items():
        yield _judged(name, setting, ProbingSeat(make(), _world(setting)))


def _world(setting: LinkSetting) -> World:
    return World(setting.up, _FAST_DOWN, _DELAY_S, _DELAY_S)


def _judged(name: str, setting: LinkSetting, seat: Seat) -> Verdict:
    world = _world(setting)
    at_s, off_s, off_log, next_s = [], [], [], 0.0
    for tick in range(1, int(setting.duration_s / _EVERY_S)):
        now_s = tick * _EVERY_S
        seat.until(now_s)
        true_s = world.up_curve.finish_s(now_s, TRANSFER_BYTES) - now_s + _DELAY_S
        link = seat.conditions(now_s)
        if link is not None and true_s < inf:
            predicted_s = link.message_up_s + TRANSFER_BYTES / link.bandwidth_up_bytes_per_s
            at_s.append(now_s)
            off_s.append(abs(predicted_s - true_s))
            off_log.append(abs(log(predicted_s / true_s)))
        if now_s % (BUSY_S + SILENT_S) < BUSY_S and now_s >= next_s:
            next_s = seat.transfer(now_s) + _EVERY_S
    lags = lags_s(at_s, off_log, setting.steps_s) if setting.steps_s else ()
    spent = seat.probe_bytes / setting.duration_s
    return Verdict(name, setting.name, tuple(off_s), tuple(off_log), lags, spent)


class OwnSeat:
    """The session's own estimator, fed as a session feeds it."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._learner = Learner(world)
        self._flights = Flights(self._learner)
        self._arrives_s = 0.0

    @property
    def probe_bytes(self) -> int:
        """What was sent for nothing but to learn, frames included."""
        return self._learner.probed_bytes

    def until(self, now_s: float) -> None:
        """Hear what comes, and probe where nothing was sent for a while."""
        for at_s in self._flights.until(now_s):
            self._learner.last_used_s = at_s
        if now_s >= self._arrives_s:
            self._learner.probe_while_idle(now_s)

    def transfer(self, at_s: float) -> float:
        """Send a real transfer."""
        self._flights.begin(at_s, TRANSFER_BYTES)
        self._arrives_s = self._world.up_curve.finish_s(at_s, TRANSFER_BYTES) + 2 * _DELAY_S
        return self._arrives_s

    def conditions(self, now_s: float) -> LinkConditions | None:
        """Give the link as it is believed to be."""
        most = self._flights.most_bytes_per_s(now_s)
        return self._learner.link.conditions(now_s, most)


class ProbingSeat:
    """
    A published estimator: probes and transfers leave one after the other.

    Parameters
    ----------
    link
        The estimator.
    world
        As it truly is.
    """

    def __init__(self, link: ProbingLink, world: World) -> None:
        self._link = link
        self._world = world
        self._free_s = 0.0
        self._waiting: list[int] = []
        self._probe: tuple[float, float, int] | None = None
        self._transfers: list[tuple[float, float]] = []
        self.probe_bytes = 0

    def until(self, now_s: float) -> None:
        """Hear what was answered, and send what is asked for."""
        while self._transfers and self._transfers[0][1] <= now_s:
            sent_s, answered_s = self._transfers.pop(0)
            self._link.transferred(TRANSFER_BYTES, answered_s - sent_s, answered_s)
        while self._probe is not None and self._probe[1] <= now_s:
            sent_s, answered_s, size_bytes = self._probe
            self._link.sensed(ProbeSample(answered_s, size_bytes, answered_s - sent_s))
            self._probe = None
            self._send(answered_s)
        if self._probe is None:
            request = self._link.next_probe(now_s)
            if request is not None:
                self._begin(request, now_s)

    def transfer(self, at_s: float) -> float:
        """Send a real transfer, behind a probe that is under way."""
        answered_s = self._answered_s(at_s, TRANSFER_BYTES)
        self._transfers.append((at_s, answered_s))
        return answered_s

    def conditions(self, now_s: float) -> LinkConditions | None:
        """Give the link as it is believed to be."""
        return self._link.conditions()

    def _begin(self, request: ProbeRequest, at_s: float) -> None:
        self._waiting = list(request.sizes_bytes)
        self._send(at_s)

    def _send(self, at_s: float) -> None:
        if self._waiting:
            size_bytes = self._waiting.pop(0)
            self.probe_bytes += size_bytes + FRAME_BYTES
            self._probe = at_s, self._answered_s(at_s, size_bytes), size_bytes

    def _answered_s(self, at_s: float, size_bytes: int) -> float:
        self._free_s = self._world.up_curve.finish_s(max(at_s, self._free_s), size_bytes)
        return self._free_s + 2 * _DELAY_S
