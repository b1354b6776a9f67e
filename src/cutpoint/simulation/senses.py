"""What a policy with estimators of its own senses of an exact world: probes and load reports."""

from collections.abc import Callable
from dataclasses import replace
from heapq import heappop, heappush
from math import inf
from typing import NamedTuple, cast

from cutpoint.policies import Policy
from cutpoint.policies.policy import Sensing
from cutpoint.records import InferenceRecord, LoadReport, Parts, ProbeRequest, ProbeSample
from cutpoint.simulation.world import World, polled_load

ASK_EVERY_S = 0.25
"""A policy is asked so often for probes, as the client asks it."""

FRAME_BYTES = 160
"""Of a probe beside its payload: the frame, and what HTTP/2 and TCP put around it."""


def sensing_of(policy: Policy) -> Sensing | None:
    """Give a policy as what it senses with; ``None`` if it has no estimators of its own."""
    if not callable(getattr(policy, "next_probe", None)):
        return None
    return cast("Sensing", policy)


def told_load(parts: Parts, idle_tail_s: float, at_s: float) -> LoadReport:
    """Give what a server tells of its load with an answer; see `cutpoint.records.LoadReport`."""
    slowdown = parts.tail_s / idle_tail_s if idle_tail_s > 0 else None
    return LoadReport(at_s, 0.0, parts.wait_s, slowdown, ((1, parts.tail_s),), batch=1.0)


class Senses:
    """
    One policy that learns as time goes by: of inferences that have ended, and of its own probes.

    Probes go through the world one after the other, each when the one before was answered. They
    take link time: what is sent while one is under way leaves behind it (`free_s`). A probe's
    answer tells the server's load, as does every answer to an inference.

    Parameters
    ----------
    policy
        Hears of everything; asked for probes if it is a `Sensing` one.
    world
        As it truly is.
    server
        What the policy calls it.
    at_s
        When it connects.
    also
        Hears of every inference that has ended, too.

    Notes
    -----
    Simplified beside the client: a probe meets no inference under way, for those of an exact run
    are each alone in the world; its frame is counted, its acknowledgement on the way back is not.
    """

    def __init__(
        self,
        policy: Policy,
        world: World,
        server: str,
        at_s: float,
        also: Callable[[InferenceRecord], None] = lambda record: None,
    ) -> None:
        self.sent_bytes = 0
        self.free_s = at_s
        self._policy = policy
        self._also = also
        self._sensing = sensing_of(policy)
        self._world = world
        self._server = server
        self._asks_s = at_s if self._sensing else inf
        self._probes = _Probes()
        self._ended: list[tuple[float, int, InferenceRecord]] = []

    def __repr__(self) -> str:
        return f"<Senses of {self._policy.name}: {self.sent_bytes} bytes of probes>"

    def end(self, record: InferenceRecord) -> None:
        """Take note of an inference under way, which teaches when it has ended."""
        heappush(self._ended, (record.at_s + record.latency_s, record.request, record))

    def until(self, now_s: float) -> None:
        """Let the policy sense everything that happens until now, in order."""
        while True:
            ends_s = self._ended[0][0] if self._ended else inf
            at_s = min(ends_s, self._probes.answered_s, self._asks_s)
            if not at_s <= now_s:
                return
            if at_s == ends_s:
                self._hear(heappop(self._ended)[2])
            elif at_s == self._probes.answered_s:
                self._take(at_s)
            else:
                self._ask(at_s)

    def finish(self) -> None:
        """Tell of all inferences that end later, in order."""
        while self._ended:
            self._hear(heappop(self._ended)[2])

    def _hear(self, record: InferenceRecord) -> None:
        self._policy.observe(record)
        self._also(record)
        if self._sensing is not None and record.load is not None:
            self._sensing.sensed(self._server, record.load)

    def _ask(self, at_s: float) -> None:
        assert self._sensing is not None
        self._asks_s = at_s + ASK_EVERY_S
        request = self._sensing.next_probe(self._server, at_s)
        if request is not None and request.sizes_bytes:
            self._asks_s = inf
            self._probes = self._sent(request, at_s, began_s=at_s)

    def _sent(self, request: ProbeRequest, at_s: float, began_s: float) -> "_Probes":
        """Send the first of some probes."""
        world = self._world
        size_bytes, *rest = request.sizes_bytes
        self.sent_bytes += size_bytes + FRAME_BYTES
        passed_s = world.up_curve.finish_s(max(at_s, self.free_s), size_bytes + FRAME_BYTES)
        if passed_s < inf:  # else nothing that is sent later passes either
            self.free_s = passed_s
        answered_s = passed_s + world.delay_up_s + world.delay_down_s
        return _Probes(answered_s, at_s, size_bytes, tuple(rest), began_s)

    def _take(self, at_s: float) -> None:
        """Tell an answer and what it says of the load; send the next one."""
        assert self._sensing is not None
        probe, server = self._probes, self._server
        sample = ProbeSample(at_s, probe.size_bytes, at_s - probe.sent_s)
        self._sensing.sensed(server, sample)
        told = polled_load(self._world, at_s - self._world.delay_down_s)
        self._sensing.sensed(server, replace(told, at_s=at_s))
        if probe.rest_bytes:
            self._probes = self._sent(ProbeRequest(probe.rest_bytes), at_s, probe.began_s)
        else:
            self._probes = _Probes()
            self._asks_s = max(probe.began_s + ASK_EVERY_S, at_s)


class _Probes(NamedTuple):
    """The probe under way, and those that wait behind it; by default none."""

    answered_s: float = inf
    sent_s: float = inf
    size_bytes: int = 0
    rest_bytes: tuple[int, ...] = ()
    began_s: float = inf
