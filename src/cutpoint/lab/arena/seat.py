"""One contender in the arena: its session, its own link, and where that link is now."""

import time
from itertools import pairwise
from typing import Any

from cutpoint.client.session import InferenceSession
from cutpoint.cost import CutTable
from cutpoint.execution.runtime import quiet_options
from cutpoint.graph import Arrays, Cut, Graph
from cutpoint.lab.arena.contender import Contender
from cutpoint.lab.arena.place import Place
from cutpoint.lab.arena.subject import LOSSY_CODECS, Subject
from cutpoint.lab.link_process import LinkProcess
from cutpoint.policies import Fixed, Policy, Situation, policy_named
from cutpoint.records import InferenceRecord, Plan
from cutpoint.simulation.rate_schedule import RateSchedule

_HELD_S = 1.0
"""Between its turns a link has the mean rate of so long before."""

_LEAST_HELD_BYTES_PER_S = 2e3
"""... and at least this: a session whose link stands still for long loses its server."""

_LED_STEPS = 16
"""What a link is led through is played in so many steps, each at its mean rate."""


class Noting:
    """
    A policy, and what it was asked last.

    Parameters
    ----------
    policy
        Decides.
    """

    def __init__(self, policy: Policy) -> None:
        self.inner = policy
        self.situation: Situation | None = None
        self.name = policy.name
        self.needs_every_candidate = policy.needs_every_candidate

    def __getattr__(self, name: str) -> Any:
        """Give what the policy has beside that."""
        if name == "inner":
            raise AttributeError(name)
        return getattr(self.inner, name)

    def candidates(self, graph: Graph) -> Any:
        """Give those of the policy."""
        found: tuple[Cut, ...] = tuple(self.inner.candidates(graph))
        return found

    def decide(self, situation: Situation) -> Plan:
        """Decide as the policy does."""
        self.situation = situation
        return self.inner.decide(situation)

    def observe(self, record: InferenceRecord) -> None:
        """Let the policy learn."""
        self.inner.observe(record)


class Seat:
    """
    A session with a link of its own, so that no other's probes and uploads disturb it.

    Parameters
    ----------
    contender
        Who sits there.
    subject
        What is run.
    server
        Address of the server, behind the link.
    slowdown
        Of the emulated device.
    delay_s
        One-way delay of the link.

    Raises
    ------
    CutpointError
        As `InferenceSession`.
    """

    def __init__(
        self, contender: Contender, subject: Subject, server: str, slowdown: float, delay_s: float
    ) -> None:
        self.contender = contender
        given = contender.policy
        self.policy = Noting(policy_named(given) if isinstance(given, str) else given())
        self._subject = subject
        self._at: tuple[RateSchedule | None, RateSchedule | None] | None = None
        self._led_in: tuple[Place, float] | None = None
        self.link = LinkProcess(server, delay_s=delay_s)
        self.link.start()
        try:
            self.session = self._opened(slowdown)
        except BaseException:
            self.link.close()
            raise

    @property
    def is_led(self) -> bool:
        """Whether what it believes decides what it does."""
        return not isinstance(self.policy.inner, Fixed)

    def __repr__(self) -> str:
        return f"<Seat of {self.contender.name}>"

    @property
    def table(self) -> CutTable | None:
        """What its policy decided among last."""
        situation = self.policy.situation
        return None if situation is None else situation.table

    def lead_in(self, place: Place, lead_s: float) -> None:
        """
        Let its link come to a place in so long: the session sees it coming, by its probes.

        The link is held there, should the turn come later. Nobody is led whose choice is always
        the same.
        """
        if place.is_steady:
            self._steadily(place)
        elif self.is_led and (self._led_in is None or self._led_in[0] != place):
            from_s = max(place.position_s - lead_s, 0.0)
            at = from_s, place.position_s
            self.link.play(_led(place.up, *at), _led(place.down, *at), 0.0)
            self._at = None
            self._led_in = place, time.perf_counter() + place.position_s - from_s

    def wait_to_be_there(self) -> None:
        """Wait until the link is where it was led to."""
        if self._led_in is not None:
            time.sleep(max(self._led_in[1] - time.perf_counter(), 0.0))

    def run(self, place: Place, example: int) -> tuple[InferenceRecord, Arrays]:
        """Run once, from exactly this place of its link; hold the link where it then is."""
        if place.is_steady:
            self._steadily(place)
        else:
            self.link.play(place.up, place.down, place.position_s)
            self._at = None
        self._led_in = None
        began_s = time.perf_counter()
        feed = self._subject.feed(self.contender.input, example)
        names = list(self._subject.graph(self.contender.input).outputs)
        outputs = self.session.run(names, feed)
        if not place.is_steady:
            self.hold(place, place.position_s + time.perf_counter() - began_s)
        record = self.session.last_record
        if record is None:
            raise RuntimeError("a session with a server records every inference")
        return record, dict(zip(names, outputs, strict=True))

    def hold(self, place: Place, at_s: float) -> None:
        """Keep the link as it is: what its trace brings is not to be seen before its turn."""
        self.link.play(_held(place.up, at_s), _held(place.down, at_s), 0.0)

    def close(self) -> None:
        """End the session and the link."""
        self.session.close()
        self.link.close()

    def _opened(self, slowdown: float) -> InferenceSession:
        kind, subject = self.contender.input, self._subject
        settings: dict[str, Any] = {"codecs": self.contender.codecs, "check_rate": 0.0}
        if self.contender.is_lossy:
            settings["tolerance"] = subject.tolerance
            settings["calibration"] = subject.calibration
            settings["codecs"] = self.contender.codecs or LOSSY_CODECS
        return InferenceSession(
            subject.path(kind),
            quiet_options(1),
            server=self.link.address,
            policy=self.policy,
            profile=subject.profile(kind, slowdown),
            slowdown=slowdown,
            objective=self.contender.objective,
            power=self.contender.power,
            hedge=self.contender.hedge,
            **settings,
        )

    def _steadily(self, place: Place) -> None:
        if self._at != (place.up, place.down):
            self.link.play(place.up, place.down, 0.0)
            self._at = place.up, place.down
            self._led_in = None


def _led(schedule: RateSchedule | None, from_s: float, to_s: float) -> RateSchedule | None:
    """Give a stretch of a link, and then what it is held at where that ends."""
    held = _held(schedule, to_s)
    if schedule is None or held is None or from_s >= to_s:
        return held
    step_s = (to_s - from_s) / _LED_STEPS
    ends_s = [from_s + step_s * number for number in range(_LED_STEPS)] + [to_s]
    rates = [schedule.sent_bytes(*each) / step_s for each in pairwise(ends_s)]
    return RateSchedule((*((step_s, rate) for rate in rates), *held.phases))


def _held(schedule: RateSchedule | None, at_s: float) -> RateSchedule | None:
    if schedule is None:
        return None
    span_s = min(_HELD_S, at_s)
    rate = schedule.sent_bytes(at_s - span_s, at_s) / span_s if span_s else schedule.bandwidth_at(0)
    return RateSchedule.constant(max(rate, _LEAST_HELD_BYTES_PER_S))
