"""One net on one trace: what every policy chooses there, and what that costs several devices."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cutpoint.cost import CutTable, PowerProfile
from cutpoint.graph import Graph
from cutpoint.lab.arena.subject import INPUT_CODEC
from cutpoint.lab.regret.float32_rows import float32_rows
from cutpoint.lab.regret.world_of import world_of
from cutpoint.lab.traces import Trace
from cutpoint.planning import LATENCY, Objective
from cutpoint.policies import PUBLISHED, Cutpoint, Policy
from cutpoint.records import LoadConditions
from cutpoint.simulation.belief import BeliefName
from cutpoint.simulation.exact_run import ExactReplay

EVERY_S = 0.1
"""Between inferences."""

CUTPOINT = "cutpoint, energy"
WEIGHTED = "cutpoint, weighted:0.5"
SOONEST = "cutpoint, latency"
ORACLE = "oracle of energy"

BELIEVED: BeliefName = "estimated"
"""What policies are told: what a session's own estimators make of its transfers and answers. Those
with estimators of their own go by them."""

THRIFTY = ("neurosurgeon", "diamond")
"""Published schemes that look at what the device draws, if they are told to: Neurosurgeon has a
target of energy, DIAMOND weighs it."""

Floats = NDArray[np.float64]
Chosen = NDArray[np.intp]


@dataclass(frozen=True)
class EnergyRun:
    """
    What one policy's choices truly took and cost.

    Parameters
    ----------
    policy
        Its name, with its objective.
    energy_j, latency_s
        Of every inference. Shape ``(n,)``.
    """

    policy: str
    energy_j: Floats
    latency_s: Floats

    @property
    def mean_j(self) -> float:
        """Mean joules of an inference."""
        return float(self.energy_j.mean())

    @property
    def mean_s(self) -> float:
        """Mean latency."""
        return float(self.latency_s.mean())


class EnergyCase:
    """
    One net on one trace.

    Parameters
    ----------
    model
        Its name.
    trace
        Played from its beginning to its end.
    table
        Its rows, with the times of a slowed device.
    busy
        What the server is like in the middle third.
    graph
        Of the model that is fed pixels: policies take their features from it.
    """

    def __init__(
        self,
        model: str,
        trace: Trace,
        table: CutTable,
        busy: LoadConditions,
        graph: Graph | None = None,
    ) -> None:
        self.model = model
        self.trace = trace
        self.table = table
        self._graph = graph
        world, positions_s = world_of(trace, busy), np.arange(0.0, trace.duration_s, EVERY_S)
        self._replay = ExactReplay(table, world, positions_s)
        self._plain = ExactReplay(float32_rows(table), world, positions_s)

    def __repr__(self) -> str:
        return f"<EnergyCase {self.model} on {self.trace.name}>"

    def runs(self, power: PowerProfile) -> tuple[EnergyRun, ...]:
        """Give every policy on a device, the oracle first: the row that costs least each time."""
        energy, both = Objective("energy", power=power), Objective("weighted", power=power)
        ours = {
            ORACLE: self._replay.energy_j(power).argmin(axis=1),
            CUTPOINT: self._replay.run(Cutpoint(), BELIEVED, objective=energy).rows,
            WEIGHTED: self._replay.run(Cutpoint(), BELIEVED, objective=both).rows,
            **self._indifferent,
        }
        thrifty = {thrifty_name(name): self._chosen(name, energy) for name in THRIFTY}
        return (
            *_runs(self._replay, ours, power),
            *_runs(self._plain, {**self._published, **thrifty}, power),
        )

    @cached_property
    def _indifferent(self) -> dict[str, Chosen]:
        """Rows of those whose choice has nothing to do with what a device draws."""
        ends = {"device-only": 0, "server-only uint8": 1}
        jpeg = self.table.find(self.table.cuts[1].id, INPUT_CODEC)
        if jpeg is not None:
            ends["server-only jpeg"] = jpeg
        return {
            SOONEST: self._replay.run(Cutpoint(), BELIEVED).rows,
            **{name: self._replay.fixed(row).rows for name, row in ends.items()},
        }

    @cached_property
    def _published(self) -> dict[str, Chosen]:
        """Rows of the published schemes: floats, nothing encoded."""
        return {name: self._chosen(name, LATENCY) for name in PUBLISHED}

    def _chosen(self, name: str, objective: Objective) -> Chosen:
        policy: Policy = PUBLISHED[name]()
        if self._graph is not None:
            policy.candidates(self._graph)  # as a session does: they take their features from it
        return self._plain.run(policy, BELIEVED, objective=objective).rows


def thrifty_name(policy: str) -> str:
    """Give what a published scheme that is told to save joules is called."""
    return f"{policy}, energy"


def _runs(
    replay: ExactReplay, chosen: Mapping[str, Chosen], power: PowerProfile
) -> Iterator[EnergyRun]:
    joules = replay.energy_j(power)
    at = np.arange(len(joules))
    for name, rows in chosen.items():
        yield EnergyRun(name, joules[at, rows], replay.latency_s[at, rows])
