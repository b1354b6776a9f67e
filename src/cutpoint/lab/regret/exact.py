"""Every policy on the virtual clock: what its choices truly take, beside the best row each time."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cutpoint.cost import CutTable
from cutpoint.graph import Graph
from cutpoint.lab.arena.fixed_row import FixedRow
from cutpoint.lab.arena.subject import INPUT_CODEC
from cutpoint.lab.regret.float32_rows import float32_rows
from cutpoint.lab.regret.hindsight import best_by_past_rate
from cutpoint.lab.regret.lossless_rows import lossless_rows
from cutpoint.lab.regret.world_of import world_of
from cutpoint.lab.traces import Trace
from cutpoint.policies import PUBLISHED, Cutpoint, Policy
from cutpoint.records import LoadConditions
from cutpoint.simulation.belief import BeliefName, MetBelief, Setting
from cutpoint.simulation.exact_run import ExactReplay, ExactRun

EVERY_S = 1 / 30
"""Between two pictures of a camera: what is known one sample late is so old."""

LAGS = (3,)
"""Cutpoint is told what is older, too: so many samples."""

PAST_S = 0.1
"""Of what has passed, so much is told to those who know nothing else: a phase of a trace."""

CLAIMED: BeliefName = "met late"
"""What policies are told in the runs that the claim is about: what the soonest offload of the
sample before truly met."""

BELIEFS: Mapping[BeliefName, str] = {
    "met": " (true conditions)",
    "causal": " (causal)",
    "estimated": " (estimated)",
}
"""What follows a policy's name where it is told something else."""

OWN: BeliefName = "estimated"
"""What a session makes of its transfers, answers and probes: what everybody has who runs live."""

WINDOWS = (1.0, 2.0, 3.0)
"""Means over so many times the oracle's mean latency are told as well: how much of the regret is
that a trace changes within a transfer, which no one number tells."""

CUTPOINT, ORACLE, BEST_FIXED = "cutpoint", "oracle", "best fixed row"
ESTIMATED = CUTPOINT + BELIEFS[OWN]
RACING = f"{CUTPOINT} (estimated, hedge auto)"
ALWAYS = f"{CUTPOINT} (estimated, hedge always)"
TOLD = " (told)"
"""Follows the name of a published policy that has the true conditions in place of estimators."""

_LEARNS_ALONE = "ans"
"""Has no place for conditions: told of them it would be another policy."""

LOSSLESS = "cutpoint lossless"

HINDSIGHT = "best rule on the past rate"
_HINDSIGHT_NOTE = "twenty bins of the rate just seen, the row of each chosen in hindsight"


@dataclass(frozen=True)
class Run:
    """
    One policy, as it is reported.

    Parameters
    ----------
    name
        Policy, with what it was told.
    run
        What it chose and what that took, beside the oracle of its table.
    note
        What one must know to read it.
    """

    name: str
    run: ExactRun
    note: str = ""


class ExactCase:
    """
    One model on one trace.

    Parameters
    ----------
    model
        Its name.
    trace
        Played from its beginning to its end.
    table
        Of the model that is fed pixels, with every codec that may be used.
    busy
        What the server is like in the middle third.
    graph
        Of the model that is fed pixels: policies take their features from it.
    every_s
        Between inferences.
    is_detailed
        Whether cutpoint is told this and that, and the published policies the truth, as well.
    """

    def __init__(
        self,
        model: str,
        trace: Trace,
        table: CutTable,
        busy: LoadConditions,
        graph: Graph | None = None,
        every_s: float = EVERY_S,
        *,
        is_detailed: bool = True,
    ) -> None:
        self.model = model
        self.trace = trace
        self.table = table
        self.world = world_of(trace, busy)
        self.positions_s = np.arange(0.0, trace.duration_s, every_s)
        self._graph = graph
        self._is_detailed = is_detailed
        self._replay = self._replayed(table)

    @property
    def oracle_s(self) -> NDArray[np.float64]:
        """What the best row takes at each position."""
        return self._replay.oracle_s

    @cached_property
    def runs(self) -> tuple[Run, ...]:
        """Every policy and baseline, the oracle first."""
        best = self._replay.best_fixed_row
        return (
            Run(ORACLE, self._replay.oracle()),
            Run(CUTPOINT, self._replay.run(Cutpoint(), CLAIMED)),
            Run(ESTIMATED, self._replay.run(Cutpoint(), OWN, gives_up=True)),
            Run(RACING, self._replay.run(Cutpoint(), OWN, hedge="auto", gives_up=True)),
            Run(ALWAYS, self._replay.run(Cutpoint(), OWN, hedge="always", gives_up=True)),
            *(self._detailed() if self._is_detailed else ()),
            Run(HINDSIGHT, best_by_past_rate(self._replay, HINDSIGHT, PAST_S), _HINDSIGHT_NOTE),
            *self._published(),
            Run(BEST_FIXED, self._replay.fixed(best), FixedRow.of(self.table, best).name),
            *self._ends(),
            *self._lossless(),
        )

    def rows_worth_replaying(self, most: int) -> tuple[tuple[FixedRow, ...], float]:
        """
        Give device-only, and the rows that are the best somewhere, most often first.

        Parameters
        ----------
        most
            Rows in all.

        Returns
        -------
        rows
            Chosen.
        loss
            How much longer the best of them takes on average than the best of all.
        """
        counted = np.bincount(self._replay.oracle_rows, minlength=len(self.table.cuts))
        counted[self._replay.best_fixed_row] += 1
        order = [int(row) for row in np.argsort(-counted, kind="stable") if counted[row] and row]
        chosen = [0, *order[: most - 1]]
        of_chosen_s = self._replay.latency_s[:, chosen].min(axis=1)
        loss = float(of_chosen_s.mean() / self.oracle_s.mean()) - 1.0
        return tuple(FixedRow.of(self.table, row) for row in chosen), loss

    def latency_at(self, position_s: float, row: FixedRow) -> float:
        """Give what a row takes at a position nearby, by the trace."""
        index = int(np.abs(self.positions_s - position_s).argmin())
        found = self.table.find(row.cut, row.codec)
        return float("inf") if found is None else float(self._replay.latency_s[index, found])

    def _detailed(self) -> Iterator[Run]:
        """Give the runs of cutpoint that is told something else than what the claims are about."""
        for belief, text in BELIEFS.items():
            if belief != OWN:
                yield Run(CUTPOINT + text, self._replay.run(Cutpoint(), belief))
        yield from self._older()
        yield from self._averaged()

    def _older(self) -> list[Run]:
        """Give the runs of cutpoint that is told what is several samples old."""
        setting = Setting(self.table, self.world, self.positions_s, PAST_S)
        return [
            Run(f"{CUTPOINT} ({lag} samples late)", self._replay.run(Cutpoint(), belief))
            for lag, belief in ((lag, MetBelief(setting, lag=lag)) for lag in LAGS)
        ]

    def _averaged(self) -> list[Run]:
        """Give the runs of cutpoint that is told means over windows begun one sample ago."""
        runs = []
        for times in WINDOWS:
            window_s = times * float(self.oracle_s.mean())
            replay = ExactReplay(self.table, self.world, self.positions_s, window_s)
            name = f"{CUTPOINT} (late, mean over {times:.0f} latencies)"
            runs.append(Run(name, replay.run(Cutpoint(), "late")))
        return runs

    def _published(self) -> list[Run]:
        replay = self._replayed(float32_rows(self.table))
        runs: list[Run] = []
        for name, make in PUBLISHED.items():
            live = replay.run(self._asked(make()), OWN, gives_up=True)
            runs.append(
                Run(name, live, f"{live.probe_bytes / self.trace.duration_s:,.0f} B/s of probes")
            )
            if self._is_detailed and name != _LEARNS_ALONE:
                told = replay.run(self._asked(make()), CLAIMED, is_told_only=True)
                runs.append(Run(name + TOLD, told))
        # Its rows are fewer; what it is held against is the same for all.
        return [replace(each, run=self._against_all(each.run)) for each in runs]

    def _asked(self, policy: Policy) -> Policy:
        """Let a policy see the graph, as a session does."""
        if self._graph is not None:
            policy.candidates(self._graph)
        return policy

    def _ends(self) -> list[Run]:
        plain = self._replayed(float32_rows(self.table))
        runs = [
            Run("device-only", self._replay.fixed(0)),
            Run("server-only float32", self._against_all(plain.fixed(1))),
            Run("server-only uint8", self._replay.fixed(1)),
        ]
        jpeg = self.table.find(self.table.cuts[1].id, INPUT_CODEC)
        if jpeg is not None:
            runs.append(Run("server-only jpeg", self._replay.fixed(jpeg)))
        return runs

    def _lossless(self) -> list[Run]:
        replay = self._replayed(lossless_rows(self.table))
        note = "nothing lossy; regret against the best row that loses nothing"
        return [
            Run(LOSSLESS, replay.run(Cutpoint(), CLAIMED), note),
            Run("oracle lossless", replay.oracle(), note),
        ]

    def _against_all(self, run: ExactRun) -> ExactRun:
        replay = self._replay
        return replace(run, oracle_rows=replay.oracle_rows, oracle_s=replay.oracle_s)

    def _replayed(self, table: CutTable) -> ExactReplay:
        return ExactReplay(table, self.world, self.positions_s, PAST_S)
