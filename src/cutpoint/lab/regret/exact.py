"""Every policy on the virtual clock: what its choices truly take, beside the best row each time."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cutpoint.cost import CutTable
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

WINDOWS = (1.0, 2.0, 3.0)
"""Means over so many times the oracle's mean latency are told as well: how much of the regret is
that a trace changes within a transfer, which no one number tells."""

CUTPOINT, ORACLE, BEST_FIXED = "cutpoint", "oracle", "best fixed row"
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
    every_s
        Between inferences.
    """

    def __init__(
        self,
        model: str,
        trace: Trace,
        table: CutTable,
        busy: LoadConditions,
        every_s: float = EVERY_S,
    ) -> None:
        self.model = model
        self.trace = trace
        self.table = table
        self.world = world_of(trace, busy)
        self.positions_s = np.arange(0.0, trace.duration_s, every_s)
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
            *self._told(CUTPOINT, self._replay, Cutpoint),
            *self._older(),
            *self._averaged(),
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

    def _told(
        self, name: str, replay: ExactReplay, make: Callable[[], Policy], but: Sequence[str] = ()
    ) -> list[Run]:
        """Give the runs of a policy that is told something else than what the claim is about."""
        others = {belief: text for belief, text in BELIEFS.items() if belief not in but}
        return [Run(name + text, replay.run(make(), belief)) for belief, text in others.items()]

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
            runs.append(Run(name, replay.run(make(), CLAIMED)))
            runs += self._told(name, replay, make, but=("met", "causal"))
        # Its rows are fewer; what it is held against is the same for all.
        return [replace(each, run=self._against_all(each.run)) for each in runs]

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
