"""The cells of a published table: every policy on one net and link, on both clocks."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cutpoint.lab.arena import Shot, kept
from cutpoint.lab.arena.comparison import MOST_DROPPED
from cutpoint.lab.papers.choices import CUTPOINT, ORACLE, Choice, Chooser, Way
from cutpoint.lab.papers.links import world_of
from cutpoint.lab.papers.real_cells import RealCells
from cutpoint.simulation.exact import exact_parts


@dataclass(frozen=True)
class Entry:
    """
    One policy in a cell.

    Parameters
    ----------
    policy
        Its name.
    way
        What it runs there, by the table.
    virtual_s
        Latency on the virtual clock.
    shots
        On the real clock, those that do not count as well; none where that takes too long.
    """

    policy: str
    way: Way
    virtual_s: float
    shots: Sequence[Shot] = ()

    @property
    def counted(self) -> Sequence[Shot]:
        """
        Give the shots that count; none where too many do not.

        A way that was finished by the device alone is another way: only a policy that decides by
        itself answers for that.
        """
        is_own = self.policy == CUTPOINT
        found = [shot for shot in kept(self.shots) if is_own or shot.is_as_planned]
        most_dropped = MOST_DROPPED * len(self.shots)
        return found if len(self.shots) - len(found) <= most_dropped else ()

    @cached_property
    def real_s(self) -> float | None:
        """Mean latency on the real clock."""
        if not self.counted:
            return None
        return float(np.mean([shot.latency_s for shot in self.counted]))


@dataclass(frozen=True)
class Cell:
    """
    One net over one link.

    Parameters
    ----------
    net, link
        Names.
    mbit_per_s
        Of the link.
    entries
        By policy, in the order of the table; the oracle last.
    """

    net: str
    link: str
    mbit_per_s: float
    entries: tuple[Entry, ...]

    def entry(self, policy: str) -> Entry:
        """
        Give a policy's entry.

        Raises
        ------
        KeyError
            If it did not take part.
        """
        return {each.policy: each for each in self.entries}[policy]

    def speedup(self, policy: str, over: str) -> float:
        """Give latency of one policy / that of another, on the virtual clock."""
        return self.entry(over).virtual_s / self.entry(policy).virtual_s

    def real_speedup(self, policy: str, over: str) -> float | None:
        """Give the same on the real clock; ``None`` unless both ran there."""
        slow, quick = self.entry(over).real_s, self.entry(policy).real_s
        return None if slow is None or quick is None else slow / quick


def cell_of(chooser: Chooser, link: str, mbit_per_s: float, real: RealCells) -> Cell:
    """Put together what every policy takes over one link."""
    entries = [
        Entry(choice.policy, choice.way, virtual_s(chooser, link, choice), real.of(link, choice))
        for choice in chooser.choices(link)
    ]
    ran = [each for each in entries[:-1] if each.counted]
    if ran:
        # On the real clock the oracle is whatever was quickest there, by the median.
        best = min(ran, key=lambda each: np.median([shot.latency_s for shot in each.counted]))
        entries[-1] = Entry(ORACLE, entries[-1].way, entries[-1].virtual_s, best.shots)
    return Cell(chooser.net.name, link, mbit_per_s, tuple(entries))


def virtual_s(chooser: Chooser, link: str, choice: Choice) -> float:
    """Give what a choice takes in a world where the conditions of a link are true for ever."""
    world, table = world_of(chooser.links[link]), chooser.table_of(choice.way.fed)
    return exact_parts(table, world, 0.0, chooser.row_of(choice.way)).latency_s


@dataclass(frozen=True)
class Agreement:
    """
    How far the real clock is from the virtual one over one link.

    Parameters
    ----------
    num
        Nets and ways of running that ran on both.
    median, worst
        Of real / virtual - 1: the middle one, and that which is furthest from 0.
    """

    num: int
    median: float
    worst: float


def agreements(cells: Sequence[Cell]) -> dict[str, Agreement]:
    """Compare the clocks over each link; every way counts once, cutpoint's own choices apart."""
    apart: dict[str, dict[tuple[str, str], float]] = {}
    for cell in cells:
        for entry in cell.entries:
            if entry.real_s is not None and entry.policy not in (CUTPOINT, ORACLE):
                found = apart.setdefault(cell.link, {})
                found[cell.net, str(entry.way)] = entry.real_s / entry.virtual_s - 1
    return {
        link: Agreement(
            len(found), float(np.median(list(found.values()))), max(found.values(), key=abs)
        )
        for link, found in apart.items()
    }
