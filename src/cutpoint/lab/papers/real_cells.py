"""Cells of a published table on the real clock: everything that was chosen, run in turns."""

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import floor

from cutpoint.lab.arena import CUTPOINT as SOONEST
from cutpoint.lab.arena import Arena, Contender, Place, Shot, Subject
from cutpoint.lab.papers.choices import CUTPOINT, EXACT, ORACLE, Choice, Chooser, Way
from cutpoint.lab.papers.device_profile import device_profile
from cutpoint.records import RAW
from cutpoint.simulation.rate_schedule import RateSchedule
from cutpoint.wire.codecs import codec_named

_READY_S = 120.0
_MOST_TRIES = 2
_MOST_TRIES_TO_CONFIRM = 4
_TIMES_SEEN = 3
"""Inferences of cutpoint over a new link before anything counts: who has just come from another
one is the matter of link traces, not of fixed links."""


@dataclass(frozen=True)
class Effort:
    """
    How much is run on the real clock.

    Parameters
    ----------
    most_s
        What takes longer per request is left to the virtual clock.
    budget_s
        About what one way may take over one link, all its inferences together.
    fewest, most
        Inferences of a way over one link.
    link_s
        After so long over one link nothing is run again because it did not count.
    """

    most_s: float = 10.0
    budget_s: float = 2.0
    fewest: int = 1
    most: int = 5
    link_s: float = 15.0

    def rounds_of(self, latency_s: float) -> int:
        """Give how often a way is run; never where it takes too long."""
        if latency_s > self.most_s:
            return 0
        return max(self.fewest, min(self.most, floor(self.budget_s / max(latency_s, 1e-9))))


@dataclass(frozen=True)
class RealCells:
    """
    Everything that was run of one net.

    Parameters
    ----------
    shots
        By link and name of what was run: a way as text, or ``cutpoint``.
    """

    shots: Mapping[tuple[str, str], Sequence[Shot]] = field(default_factory=dict)

    def of(self, link: str, choice: Choice) -> Sequence[Shot]:
        """Give the shots of what a policy chose over a link; cutpoint's are its own, if it ran."""
        if choice.policy == EXACT:
            return ()
        name = CUTPOINT if choice.policy == CUTPOINT else str(choice.way)
        return self.shots.get((link, name), ())


def run_cells(
    subject: Subject,
    chooser: Chooser,
    *,
    delay_s: float,
    effort: Effort,
    confirmed: Mapping[str, Sequence[Way]] | None = None,
    listener: Callable[[str], None] = lambda _: None,
) -> RealCells:
    """
    Run what every policy chose over every link, in turns, one way of running only once.

    What several policies chose alike is run once and counts for each of them: the same cut and
    codec is the same work. cutpoint has a session of its own, which decides by itself from what
    it has seen of the link.

    Parameters
    ----------
    delay_s
        One-way delay of every link.
    confirmed
        By link: ways that take too long, to be run once all the same.
    listener
        Told what runs next.
    """
    wanted = confirmed or {}
    plans = {link: _plan(chooser, link, effort, wanted.get(link, ())) for link in chooser.links}
    contenders = _contenders(plans.values())
    for kind in {each.input for each in contenders}:
        subject.keep_profile(kind, chooser.factor, device_profile(subject, kind, chooser.factor))
    with Arena(subject, contenders, slowdown=chooser.factor, delay_s=delay_s) as arena:
        arena.wait_until_ready(_READY_S)
        # The quickest link first: what is believed of a link is older the slower the next is.
        for link in sorted(plans, key=lambda each: -_rate(chooser, each)):
            listener(f"{subject.name} at {link}")
            counts = _wanted(plans[link], chooser, link, effort)
            asked = _Asked(counts, {str(way) for way in wanted.get(link, ())})
            _run_link(arena, _place(chooser, link), asked, effort.link_s)
    return RealCells(_by_link(arena.shots))


def _contenders(plans: Iterable[Mapping[Way, int]]) -> list[Contender]:
    """Give every way once, whatever the link, and cutpoint."""
    ways: dict[str, Way] = {}
    for plan in plans:
        for way in plan:
            # The device alone is one way, whoever chose it: floats as published, before pixels.
            ways.setdefault(str(way), way)
    return [*(_contender(name, way) for name, way in ways.items()), SOONEST]


def _run_link(arena: Arena, place: Place, asked: "_Asked", link_s: float) -> None:
    for _ in range(_TIMES_SEEN):
        arena.round(place, only=(SOONEST.name,))
    del arena.shots[-_TIMES_SEEN:]
    began_s = time.perf_counter()
    while names := asked.missing(may_repeat=time.perf_counter() - began_s < link_s):
        for shot in arena.round(place, asked.num_rounds, only=names):
            asked.add(shot)


def _by_link(shots: Sequence[Shot]) -> dict[tuple[str, str], list[Shot]]:
    found: dict[tuple[str, str], list[Shot]] = {}
    for shot in shots:
        found.setdefault((shot.spot.link, shot.contender), []).append(shot)
    return found


def _plan(chooser: Chooser, link: str, effort: Effort, confirmed: Sequence[Way]) -> dict[Way, int]:
    """Give how often each way is run over a link."""
    plan = {
        choice.way: effort.rounds_of(choice.latency_s)
        for choice in chooser.choices(link)
        if choice.policy not in (CUTPOINT, EXACT, ORACLE)
    }
    plan.update(dict.fromkeys(confirmed, 1))
    return {way: num for way, num in plan.items() if num}


def _wanted(plan: Mapping[Way, int], chooser: Chooser, link: str, effort: Effort) -> dict[str, int]:
    """Give how many inferences of each way, and of cutpoint, are to count."""
    own = next(each for each in chooser.choices(link) if each.policy == CUTPOINT)
    counts = {str(way): num for way, num in plan.items()}
    counts[SOONEST.name] = max(effort.rounds_of(own.latency_s), effort.fewest)
    return counts


class _Asked:
    """
    Who is still to run: what does not count is run again, as often as was wanted at first.

    Parameters
    ----------
    wanted
        Inferences that are to count, by name.
    confirmed
        Names of those that confirm the virtual clock: without them there is nothing to say.
    """

    def __init__(self, wanted: Mapping[str, int], confirmed: Collection[str]) -> None:
        self._wanted = wanted
        self._confirmed = confirmed
        self._counted = dict.fromkeys(wanted, 0)
        self._run = dict.fromkeys(wanted, 0)
        self.num_rounds = 0

    def missing(self, *, may_repeat: bool) -> tuple[str, ...]:
        """Give who takes part in the next round: what takes long drops out first."""
        return tuple(
            name
            for name, num in self._wanted.items()
            if self._counted[name] < num and self._run[name] < self._most(name, may_repeat)
        )

    def add(self, shot: Shot) -> None:
        """Take note of an inference."""
        self._run[shot.contender] += 1
        self._counted[shot.contender] += shot.is_kept and shot.is_as_planned
        self.num_rounds = max(self._run.values())

    def _most(self, name: str, may_repeat: bool) -> int:
        if name in self._confirmed:
            return _MOST_TRIES_TO_CONFIRM
        return self._wanted[name] * (_MOST_TRIES if may_repeat else 1)


def _contender(name: str, way: Way) -> Contender:
    is_lossy = way.codec != RAW and not codec_named(way.codec).is_lossless
    return Contender(name, way.policy, input=way.fed, codecs=way.codec, is_lossy=is_lossy)


def _place(chooser: Chooser, link: str) -> Place:
    schedule = RateSchedule.constant(_rate(chooser, link))
    return Place(link, schedule, schedule)


def _rate(chooser: Chooser, link: str) -> float:
    """Give what a link carries: as much as the way back, whose answers are hardly framed."""
    conditions = chooser.links[link].link
    return 0.0 if conditions is None else conditions.bandwidth_down_bytes_per_s
