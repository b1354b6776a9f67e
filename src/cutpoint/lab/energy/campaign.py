"""The energy experiment under way: tables by net, joules on both clocks."""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from cutpoint.cost import CutTable
from cutpoint.lab.arena import (
    BASELINES,
    CUTPOINT,
    Arena,
    Contender,
    Place,
    Shot,
    Visit,
    prepare_subject,
    published,
    slowdown_for,
)
from cutpoint.lab.arena.rows_seat import ROWS
from cutpoint.lab.energy import case
from cutpoint.lab.energy.case import EnergyCase
from cutpoint.lab.experiments.experiment import Options
from cutpoint.lab.regret.loaded_server import measure_loaded
from cutpoint.lab.regret.world_of import DELAY_S, LOAD
from cutpoint.lab.traces import Trace
from cutpoint.policies import PUBLISHED
from cutpoint.simulation.rate_schedule import RateSchedule
from cutpoint.units import from_mbit_per_s

DEVICE_S = 0.15
"""What each whole net takes on its slowed device."""

MEASURED_ON = "raspberry-pi-4b-wifi"
"""What the device draws on the real clock."""

LINKS_MBIT_PER_S = (2.0, 8.0, 20.0)
"""On the real clock."""

_NUM_PICTURES = 4
_SETTLES_S = 2.0
_NUM_WARM = 3
"""Rounds at a new rate that do not count: estimators are to know it."""


class EnergyCampaign:
    """
    Everything that is computed and measured.

    Parameters
    ----------
    traces
        Of the link, on the virtual clock.
    options
        Of the experiment.
    num_rounds
        At each rate on the real clock.
    """

    def __init__(self, traces: Sequence[Trace], options: Options, num_rounds: int) -> None:
        self.cases: list[EnergyCase] = []
        self.shots: list[Shot] = []
        self.slowdowns: dict[str, float] = {}
        self._traces = tuple(traces)
        self._options = options
        self._num_rounds = num_rounds

    def __repr__(self) -> str:
        return f"<EnergyCampaign: {len(self.cases)} cases, {len(self.shots)} measured>"

    def compute(self, name: str) -> None:
        """Take the table of a net, as a session has it, for every trace."""
        self._in_arena(name, (), lambda arena: self._add_cases(name, arena))

    def measure(self, name: str) -> None:
        """Do the same, and run every policy on the real clock."""

        def work(arena: Arena) -> None:
            self._add_cases(name, arena)
            for rate in LINKS_MBIT_PER_S:
                self._measure_at(arena, rate)

        self._in_arena(name, contenders(), work)

    def _measure_at(self, arena: Arena, rate_mbit_per_s: float) -> None:
        rate = RateSchedule.constant(from_mbit_per_s(rate_mbit_per_s))
        place = Place(f"{rate_mbit_per_s:g} Mbit/s", rate, rate)
        arena.settle(place, _SETTLES_S)
        visits = [Visit(place, number) for number in range(_NUM_WARM + self._num_rounds)]
        rounds = list(arena.rounds(visits))
        self.shots += [shot for done in rounds[_NUM_WARM:] for shot in done]

    def _add_cases(self, name: str, arena: Arena) -> None:
        table = _table_of(arena)
        busy = measure_loaded(arena, LOAD).answered
        graph = arena.subject.graph("uint8")
        self.cases += [EnergyCase(name, trace, table, busy, graph) for trace in self._traces]

    def _in_arena(
        self, name: str, seats: Sequence[Contender], work: Callable[[Arena], None]
    ) -> None:
        seed = self._options.seed
        with tempfile.TemporaryDirectory(prefix="cutpoint-energy-") as folder:
            subject = prepare_subject(name, Path(folder), num_pictures=_NUM_PICTURES, seed=seed)
            slowdown = self.slowdowns[name] = slowdown_for(subject, DEVICE_S)
            with Arena(subject, seats, slowdown=slowdown, delay_s=DELAY_S, with_rows=True) as arena:
                arena.wait_until_ready()
                work(arena)


def contenders() -> tuple[Contender, ...]:
    """Give who runs on the real clock: all draw what the same device does."""
    ours = (
        replace(CUTPOINT, name=case.CUTPOINT, objective="energy"),
        replace(CUTPOINT, name=case.SOONEST),
    )
    thrifty = (
        replace(published(name), name=case.thrifty_name(name), objective="energy")
        for name in case.THRIFTY
    )
    everyone = (*ours, *BASELINES, *map(published, PUBLISHED), *thrifty)
    return tuple(replace(each, power=MEASURED_ON) for each in everyone)


def _table_of(arena: Arena) -> CutTable:
    table = arena.table(ROWS)
    if table is None:
        raise RuntimeError("the session that replays rows has not decided yet: wait until ready")
    return table
