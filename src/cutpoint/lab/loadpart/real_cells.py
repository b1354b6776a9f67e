"""A few cells on the real clock: a real server, real load, and everybody's own estimators."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from cutpoint.lab.arena import Arena, Contender, Place, Shot, Subject, ratio_of_means
from cutpoint.lab.load_series import SERVER_ARGUMENTS
from cutpoint.lab.loadpart.cells import AWARE, BLIND, CUTPOINT
from cutpoint.lab.loadpart.hearing import LoadAware, LoadBlind
from cutpoint.lab.papers.links import DELAY_S, link_name
from cutpoint.lab.progress import Progress
from cutpoint.policies import PUBLISHED, Cutpoint
from cutpoint.simulation.rate_schedule import RateSchedule
from cutpoint.units import from_mbit_per_s

Ratio = tuple[float, tuple[float, float]]

_SETTLES_S = 1.5
"""Every link is at a cell's rate for so long before anything counts: it is probed meanwhile."""


@dataclass(frozen=True)
class RealCell:
    """
    One cell, run.

    Parameters
    ----------
    net, level, mbit_per_s
        Which.
    shots
        Everything that ran.
    seed
        Of the bootstrap.
    """

    net: str
    level: float
    mbit_per_s: float
    shots: tuple[Shot, ...]
    seed: int

    def ratio(self, policy: str, over: str = BLIND) -> Ratio | None:
        """Give mean latency of a policy over another's in the same rounds, with its interval."""
        return ratio_of_means(self.of(policy), self.of(over), self.seed)

    def of(self, policy: str) -> list[Shot]:
        """
        Give a policy's; under load, whatever else held the server's core meanwhile.

        That others hold it is what the cell is about: it is the k that one planner knows of.
        """
        of_policy = [shot for shot in self.shots if shot.contender == policy]
        if self.level == 0:
            return of_policy
        return [replace(shot, contention_server=None) for shot in of_policy]


def run_real_cells(
    subject: Subject,
    factor: float,
    cells: Sequence[tuple[float, float]],
    *,
    num_rounds: int,
    seed: int,
    progress: Progress,
) -> list[RealCell]:
    """
    Run load-blind, LoADPart and cutpoint in turns.

    Parameters
    ----------
    factor
        Of the device.
    cells
        Pairs of level and Mbit/s.
    """
    contenders = (
        Contender(BLIND, lambda: LoadBlind(PUBLISHED[AWARE]())),
        Contender(AWARE, lambda: LoadAware(PUBLISHED[AWARE]())),
        Contender(CUTPOINT, Cutpoint),
    )
    found = []
    progress.begin(f"loadpart: {subject.name} on the real clock", len(cells))
    with Arena(
        subject, contenders, slowdown=factor, delay_s=DELAY_S, arguments=SERVER_ARGUMENTS, pins=True
    ) as arena:
        arena.wait_until_ready()
        for level, mbit_per_s in cells:
            rate = RateSchedule.constant(from_mbit_per_s(mbit_per_s))
            place = Place(link_name(mbit_per_s), rate, rate, load=level)
            arena.settle(place, _SETTLES_S)
            rounds = [arena.round(place, number) for number in range(num_rounds)]
            shots = tuple(shot for done in rounds for shot in done)
            found.append(RealCell(subject.name, level, mbit_per_s, shots, seed))
            progress.advance(f"{level:.0%} at {link_name(mbit_per_s)}")
    return found
