"""Probes that a simulated policy asks for, sent over the same link as everything else."""

from functools import partial
from typing import Any

from cutpoint.policies import Policy
from cutpoint.records import ProbeSample
from cutpoint.simulation.connection import SimulatedConnection
from cutpoint.simulation.senses import ASK_EVERY_S, FRAME_BYTES, sensing_of
from cutpoint.simulation.virtual_clock import VirtualClock


class Probing:
    """
    Asks a policy with estimators of its own for probes, and tells it of their answers.

    Probes share the rate of the link with whatever else is on it. A policy is not asked while
    one is under way, nor while its server cannot be used; a probe whose server died is lost.

    Parameters
    ----------
    clock
        Of the simulation.
    policy
        Asked; one that does not sense never is.
    connection
        To its server.
    """

    def __init__(
        self, clock: VirtualClock, policy: Policy, connection: SimulatedConnection
    ) -> None:
        self.sent_bytes = 0
        self._clock = clock
        self._sensing = sensing_of(policy)
        self._connection = connection
        self._edition = 0
        self._is_under_way = False
        self._is_over = False
        if self._sensing is not None:
            connection.server.on_death(self._lose)
            clock.later(0.0, self._ask)

    def __repr__(self) -> str:
        return f"<Probing of {self._connection.name}: {self.sent_bytes} bytes>"

    def end(self) -> None:
        """Ask no more: its device rests for good."""
        self._is_over = True

    def _ask(self, _: Any) -> None:
        if self._is_over or self._sensing is None:
            return
        self._clock.later(ASK_EVERY_S, self._ask)
        connection, now_s = self._connection, self._clock.now_s
        if self._is_under_way or connection.unavailable(now_s) is not None:
            return
        request = self._sensing.next_probe(connection.name, now_s)
        if request is not None and request.sizes_bytes:
            self._is_under_way = True
            self._send(request.sizes_bytes)

    def _send(self, sizes_bytes: tuple[int, ...]) -> None:
        self.sent_bytes += sizes_bytes[0] + FRAME_BYTES
        passed = partial(self._passed, self._edition, sizes_bytes, self._clock.now_s)
        self._connection.up.send(sizes_bytes[0] + FRAME_BYTES, passed)

    def _passed(self, edition: int, sizes_bytes: tuple[int, ...], sent_s: float) -> None:
        answered = partial(self._answered, edition, sizes_bytes, sent_s)
        self._clock.later(self._connection.round_trip_s, answered)

    def _answered(self, edition: int, sizes_bytes: tuple[int, ...], sent_s: float, _: Any) -> None:
        if edition != self._edition or self._sensing is None:
            return
        connection, now_s = self._connection, self._clock.now_s
        sample = ProbeSample(now_s, sizes_bytes[0], now_s - sent_s)
        self._sensing.sensed(connection.name, sample)
        self._sensing.sensed(connection.name, connection.told_load(now_s))
        if len(sizes_bytes) > 1:
            self._send(sizes_bytes[1:])
        else:
            self._is_under_way = False

    def _lose(self, _: float) -> None:
        self._edition += 1
        self._is_under_way = False
