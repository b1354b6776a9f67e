"""One net, one link, one level of load: every policy on the virtual clock."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

import numpy as np

from cutpoint.cost import CutTable
from cutpoint.lab.load_series import LoadSeries
from cutpoint.lab.loadpart.hearing import LoadAware, LoadBlind
from cutpoint.lab.papers.links import DELAY_S
from cutpoint.lab.papers.paper_net import PaperNet
from cutpoint.policies import PUBLISHED, Cutpoint, Policy
from cutpoint.simulation.belief import BeliefName
from cutpoint.simulation.exact_run import ExactReplay, ExactRun
from cutpoint.simulation.rate_schedule import RateSchedule
from cutpoint.simulation.world import World
from cutpoint.units import from_mbit_per_s

BLIND, AWARE, FOLLOW_ON, CUTPOINT = "load-blind", "loadpart", "loadpart-followon", "cutpoint"
FULL, ORACLE, DEVICE_ONLY, SERVER_ONLY = (
    "cutpoint, any codec",
    "oracle",
    "device-only",
    "server-only",
)

EVERY_S = 1.0
"""Between two inferences."""

Maker = Callable[[], Policy]

_MAKERS: Mapping[str, tuple[Maker, BeliefName]] = MappingProxyType(
    {
        BLIND: (lambda: LoadBlind(PUBLISHED[AWARE]()), "true"),
        AWARE: (lambda: LoadAware(PUBLISHED[AWARE]()), "true"),
        FOLLOW_ON: (lambda: LoadAware(PUBLISHED[FOLLOW_ON]()), "true"),
        CUTPOINT: (Cutpoint, "estimated"),
    }
)
"""Who decides, and what it is told: the true link, but cutpoint nothing."""


@dataclass(frozen=True)
class NetTables:
    """
    The rows of one net.

    Parameters
    ----------
    net
        As measured.
    raw
        Pixels and values as they are: LoADPart's rows, the follow-on's and cutpoint's.
    coded
        The same with every codec that the tolerance allows.
    """

    net: PaperNet
    raw: CutTable
    coded: CutTable

    @classmethod
    def of(cls, net: PaperNet, factor: float) -> "NetTables":
        """Make them for a device that is slower by a factor."""
        cuts = {
            cut.id: cut for make, _ in _MAKERS.values() for cut in make().candidates(net.pixels)
        }
        return cls(net, net.raw_table(factor, tuple(cuts.values())), net.pixel_table(factor))


class LoadCell:
    """
    What every policy takes, at a constant link and a load that was measured over time.

    Parameters
    ----------
    tables
        Of the net.
    series
        What requests met at this level of load.
    mbit_per_s
        Of the link, up and down.
    num_inferences
        One a second.
    """

    def __init__(
        self, tables: NetTables, series: LoadSeries, mbit_per_s: float, num_inferences: int
    ) -> None:
        self.tables = tables
        self.level = series.level
        self.mbit_per_s = mbit_per_s
        rate = RateSchedule.constant(from_mbit_per_s(mbit_per_s))
        load = series.schedule_for(tables.net.whole_s)
        self._world = World(rate, rate, DELAY_S, DELAY_S, load)
        self._positions_s = np.arange(num_inferences, dtype=np.float64) * np.float64(EVERY_S)

    @property
    def net(self) -> str:
        """Name of the net."""
        return self.tables.net.name

    @cached_property
    def runs(self) -> Mapping[str, ExactRun]:
        """Every policy by name, the oracle among the same rows as the published ones."""
        raw = ExactReplay(self.tables.raw, self._world, self._positions_s)
        runs = {name: self._run(raw, name) for name in _MAKERS}
        coded = ExactReplay(self.tables.coded, self._world, self._positions_s)
        runs[FULL] = coded.run(Cutpoint(), "estimated")
        runs[DEVICE_ONLY], runs[SERVER_ONLY] = raw.fixed(0), raw.fixed(1)
        runs[ORACLE] = raw.oracle()
        return runs

    def mean_s(self, policy: str) -> float:
        """Give the mean latency of a policy."""
        return self.runs[policy].mean_s

    def saving(self, policy: str, over: str = BLIND) -> float:
        """Give by what share a policy's mean latency is lower than another's."""
        return 1.0 - self.mean_s(policy) / self.mean_s(over)

    def _run(self, replay: ExactReplay, name: str) -> ExactRun:
        make, belief = _MAKERS[name]
        policy = make()
        policy.candidates(self.tables.net.pixels)  # where it learns what the nodes are
        return replay.run(policy, belief)


def average_saving(cells: Sequence[LoadCell], policy: str, over: str = BLIND) -> float:
    """Give the mean over cells of what a policy saves in each."""
    return float(np.mean([cell.saving(policy, over) for cell in cells]))


def overall_saving(cells: Sequence[LoadCell], policy: str, over: str = BLIND) -> float:
    """Give by what share the latency averaged over all cells is lower."""
    sums = [sum(cell.mean_s(name) for cell in cells) for name in (policy, over)]
    return 1.0 - sums[0] / sums[1]
