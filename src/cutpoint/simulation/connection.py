"""One server as a simulated device sees it: what it believes of it, and whether it may be used."""

from collections import deque
from math import inf

import numpy as np

from cutpoint.estimation import Breaker, Lateness, Pace
from cutpoint.records import Conditions, LoadReport
from cutpoint.simulation.learner import Learner
from cutpoint.simulation.server import SimulatedServer
from cutpoint.simulation.shared_lane import SharedLane
from cutpoint.simulation.world import World

_WATCH_EVERY_S, _CHECK_TIMEOUT_S, _ROUND_TRIPS = 0.25, 0.4, 4.0
"""Health is checked so often; a check may take so long, and so many round trips more."""

_STALL_S = 0.1
"""A check that takes longer tells of a stall: what was late because of it is no load."""

_FIRST_RETRY_S, _LONGEST_RETRY_S, _HANDSHAKE_ROUND_TRIPS = 0.2, 1.0, 3.0
_LEAST_PAUSE_S = 0.05
_CHECKED_BYTES = 200.0


class SimulatedConnection:
    """
    The estimators, the breaker and the standing of one device with one server.

    Parameters
    ----------
    name
        Of the server.
    world
        The device's.
    server
        At the other end.
    up, down
        Lanes of the link.
    rng
        Source of all jitter.

    Notes
    -----
    The client's `ServerConnection` and its supervisor, as far as they decide anything. What the
    supervisor's thread does in its time is made up for when the device looks: probes of an idle
    link, health checks, attempts to connect. Simplified: health checks and probes take no room
    on a shared link, and a doubt ends with one check and one measurement of the link.
    """

    def __init__(
        self,
        name: str,
        world: World,
        server: SimulatedServer,
        up: SharedLane,
        down: SharedLane,
        rng: np.random.Generator,
    ) -> None:
        self.name = name
        self.world = world
        self.server = server
        self.up = up
        self.down = down
        self.learner = Learner(world, polled=server.load.told)
        self.breaker = Breaker(rng)
        self.pace = Pace()
        self.lateness = Lateness()
        self.recovered_s = -inf
        self._rng = rng
        self.round_trip_s = world.delay_up_s + world.delay_down_s
        curves = (world.up_curve, world.down_curve)
        self._interrupted = tuple(curve for curve in curves if curve.has_outages)
        self._acks: deque[tuple[float, int]] = deque()
        self._reopens_s: float | None = None
        self._suspect_until_s = -inf
        self._suspicion = ""

    def __repr__(self) -> str:
        return f"<SimulatedConnection to {self.name}: {self.learner!r}>"

    def unavailable(self, at_s: float) -> str | None:
        """Give why the server cannot be used at a time; ``None`` when it can."""
        if self._reopens_s is not None:
            if at_s < self._reopens_s:
                return f"server {self.name} is not there"
            self._reopen(self._reopens_s)
        if at_s < self._suspect_until_s:
            return self._suspicion
        if self._is_silent(at_s):
            return f"server {self.name} does not answer"
        return self.breaker.reason(at_s)

    def conditions(self, at_s: float, unavailable: str | None) -> Conditions:
        """Give what is believed at a time, when nothing is under way."""
        self.hear(at_s)
        if self._reopens_s is None and unavailable is None:
            self.learner.probe_while_idle(at_s)
        return self.learner.conditions(at_s, unavailable)

    def send(self, sizes: list[int], at_s: float) -> None:
        """Note that an upload begins, in pieces."""
        self.hear(at_s)
        for size_bytes in sizes:
            self.learner.meter.sent(size_bytes, at_s)

    def passed(self, size_bytes: int, at_s: float) -> None:
        """Note that a piece has left the bottleneck: its acknowledgement is on its way."""
        self._acks.append((at_s + self.round_trip_s, size_bytes))

    def hear(self, at_s: float) -> None:
        """Take the acknowledgements that have come by now."""
        acks, learner = self._acks, self.learner
        if not acks or acks[0][0] > at_s:
            return
        round_trip_s = self.round_trip_s  # what every probe finds it to be
        while acks and acks[0][0] <= at_s:
            heard_s, size_bytes = acks.popleft()
            learner.meter.acknowledged(size_bytes, heard_s, round_trip_s)
            learner.last_used_s = heard_s

    def told_load(self, at_s: float, *, is_polled: bool = True) -> LoadReport:
        """Give what the server tells of its load, with something that arrives now."""
        server, left_s = self.server, at_s - self.world.delay_down_s
        return server.load.told(left_s, server.num_pending, at_s, is_polled=is_polled)

    def answered(self, at_s: float, wait_s: float, tail_s: float, idle_s: float) -> None:
        """Learn from an answer that came in time."""
        self.breaker.succeeded(at_s)
        self.learner.answered(wait_s, tail_s, idle_s, at_s)
        self.learner.last_used_s = at_s

    def late(self, at_s: float, *, is_link_slow: bool) -> None:
        """
        Learn from a request that was given up.

        Parameters
        ----------
        is_link_slow
            Whether it was still leaving, and acknowledged meanwhile: the server is well then.
        """
        self.learner.meter.stalled(at_s)
        self.learner.meter.dropped()
        self._acks.clear()
        reason = f"server {self.name} answers late"
        if not is_link_slow:
            self.breaker.failed(at_s, f"{reason}: left alone for a while")
        self._doubt(at_s, reason)

    def dropped(self) -> None:
        """Forget a request that was called off because nobody waits for it any more."""
        self.learner.meter.dropped()
        self._acks.clear()

    def refused(self, at_s: float, retry_after_s: float) -> None:
        """Leave the server alone for as long as it says."""
        self.learner.meter.dropped()
        self._acks.clear()
        pause_s = max(retry_after_s, _LEAST_PAUSE_S)
        self.breaker.hold(at_s, pause_s, f"server {self.name} is overloaded")

    def lost(self, at_s: float, back_s: float, *, is_asked: bool) -> None:
        """
        Note that the server died.

        Parameters
        ----------
        back_s
            When it is there again.
        is_asked
            Whether requests of this device were lost with it.
        """
        self.learner.meter.dropped()
        self._acks.clear()
        if is_asked:
            self.breaker.failed(at_s, f"server {self.name} closed the connection")
        retry_s, attempt_s = _FIRST_RETRY_S, at_s
        while attempt_s < back_s:
            attempt_s += retry_s * float(self._rng.uniform(0.5, 1.0))
            retry_s = min(2 * retry_s, _LONGEST_RETRY_S)
        self._reopens_s = attempt_s + _HANDSHAKE_ROUND_TRIPS * self.round_trip_s

    def paced(self, at_s: float, took_s: float, predicted_s: float, alone_s: float) -> None:
        """Learn how an answer kept to what was predicted; see `ServerConnection.paced`."""
        self.lateness.observe(took_s, predicted_s)
        pause_s = self.pace.observe(took_s, predicted_s, alone_s)
        if pause_s > 0:
            reason = f"server {self.name} takes much longer than predicted, time and again"
            self.breaker.hold(at_s, pause_s, reason)

    def given_up(self, after_s: float, predicted_s: float) -> None:
        """Learn that no answer had come after a time; see `ServerConnection.given_up`."""
        if after_s > predicted_s:
            self.lateness.observe(after_s, predicted_s)

    def computes_still(self, at_s: float, began_s: float, since_s: float, idle_s: float) -> None:
        """Learn that a tail was not done after a time; see `ServerConnection.computes_still`."""
        if began_s > self.recovered_s:
            self.learner.load.observe_at_least(since_s, idle_s, at_s)

    def _doubt(self, at_s: float, reason: str) -> None:
        """Send nothing more until a check has passed and the link was measured."""
        checked_s = self.world.up_curve.finish_s(at_s, _CHECKED_BYTES) + self.round_trip_s
        self._suspicion = f"{reason}; it is being checked"
        if checked_s == inf:
            self._suspect_until_s = inf
            return
        if checked_s - at_s > _STALL_S + _ROUND_TRIPS * self.round_trip_s:
            self._recovered(checked_s)
        self._suspect_until_s = self.learner.probe(checked_s)
        self.learner.last_used_s = checked_s

    def _reopen(self, at_s: float) -> None:
        self._reopens_s = None
        self.breaker.reconnected(at_s)
        self.learner.connected(at_s)
        self._suspect_until_s = -inf
        self._recovered(at_s)

    def _recovered(self, at_s: float) -> None:
        self.recovered_s = at_s
        self.learner.load.forget()

    def _is_silent(self, at_s: float) -> bool:
        """Tell whether the link has carried nothing for so long that a check has failed."""
        timeout_s = _CHECK_TIMEOUT_S + _ROUND_TRIPS * self.round_trip_s
        for curve in self._interrupted:
            if curve.rate_at(at_s) > 0:
                continue
            silent_since_s = curve.time_of(curve.carried_bytes(at_s))
            checked_s = np.ceil(silent_since_s / _WATCH_EVERY_S) * _WATCH_EVERY_S
            if at_s > checked_s + timeout_s:
                return True
        return False
