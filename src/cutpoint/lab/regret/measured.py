"""Every policy and the fixed rows on the real clock, at the same places of a trace."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from cutpoint.lab.arena import Arena, FixedRow, Place, Shot, Visit
from cutpoint.lab.arena.comparison import ratio_of_means, result_row, share_dropped
from cutpoint.lab.arena.measured_regret import MeasuredRegret
from cutpoint.lab.experiments.form import Regret, ResultRow, summarise
from cutpoint.lab.progress import Progress
from cutpoint.lab.regret.exact import BEST_FIXED, CUTPOINT, ORACLE, ExactCase
from cutpoint.lab.regret.world_of import LOAD_TEXT, load_at
from cutpoint.lab.traces import positions

NUM_REPLAYS = 4

_MOST_ROWS = 5
_TIMES_DEVICE = 4.0
"""A row is not replayed at a place where the trace alone makes it take so much longer than
device-only: it is not the best there."""


@dataclass(frozen=True)
class MeasuredCase:
    """
    One trace, measured.

    Parameters
    ----------
    case
        The same on the virtual clock.
    rows
        Fixed rows that were replayed.
    loss
        How much longer the best of them takes on average than the best of all, by the trace.
    shots
        Every inference, those that do not count as well.
    seed
        Of the bootstrap.
    """

    case: ExactCase
    rows: tuple[FixedRow, ...]
    loss: float
    shots: tuple[Shot, ...]
    seed: int

    def result_rows(self) -> list[ResultRow]:
        """Give a row for each policy, the best fixed row and the oracle; none without a result."""
        row_names = [row.name for row in self.rows]
        try:
            regret = MeasuredRegret(self.shots, row_names, self.seed)
        except ValueError:
            return []
        found = [self._row(name, name, regret.of(name)) for name in self._policies(row_names)]
        oracle = regret.oracle()
        if oracle.best_fixed is not None:
            best = oracle.best_fixed
            found.append(
                self._row(
                    best, BEST_FIXED, regret.of(best), f"{best}, of those replayed everywhere"
                )
            )
        kinds = sorted(set(oracle.rows), key=oracle.rows.count, reverse=True)
        best_row = ResultRow(
            model=self.case.model,
            link=self.case.trace.name,
            load=LOAD_TEXT,
            policy=ORACLE,
            clock="real",
            n=len(oracle.median_s),
            latency_s=summarise(oracle.median_s, self.seed),
            regret=Regret("measured", 0.0, (0.0, 0.0)),
            note=f"medians of {', '.join(kinds)}",
        )
        return [best_row, *(row for row in found if row is not None)]

    @property
    def share_dropped(self) -> float:
        """Of all inferences."""
        return share_dropped(self.shots)

    @property
    def num_places(self) -> int:
        """Places at which a row counts."""
        try:
            regret = MeasuredRegret(self.shots, [row.name for row in self.rows], self.seed)
        except ValueError:
            return 0
        return len(regret.oracle().spots)

    def ratios(self) -> dict[str, tuple[float, tuple[float, float]]]:
        """Give the mean latency of cutpoint over that of each other, with its interval."""
        ours = self._of(CUTPOINT)
        others = self._policies([row.name for row in self.rows])
        found = {name: ratio_of_means(ours, self._of(name), self.seed) for name in others}
        return {name: ratio for name, ratio in found.items() if ratio and name != CUTPOINT}

    def log(self) -> list[tuple[object, ...]]:
        """
        Give every inference in short, those that do not count as well.

        Returns
        -------
        list of tuples
            Contender, position in seconds, load, round, latency in seconds, where it was planned
            and where the answer came from, contention on device and server, and why the device
            finished.
        """
        return [
            (
                *(shot.contender, round(shot.spot.position_s, 3), shot.spot.load, shot.round),
                *(round(shot.latency_s, 5), shot.record.planned, shot.record.placement),
                *(_rounded(shot.contention_device), _rounded(shot.contention_server)),
                shot.record.fallback_reason,
            )
            for shot in self.shots
        ]

    def _of(self, contender: str) -> list[Shot]:
        return [shot for shot in self.shots if shot.contender == contender]

    def _policies(self, rows: Sequence[str]) -> list[str]:
        return sorted({shot.contender for shot in self.shots} - set(rows))

    def _row(
        self, contender: str, policy: str, regret: Regret | None, note: str = ""
    ) -> ResultRow | None:
        return result_row(
            self._of(contender),
            model=self.case.model,
            link=self.case.trace.name,
            load=LOAD_TEXT,
            policy=policy,
            regret=regret,
            note=note,
            seed=self.seed,
        )


def _rounded(contention: float | None) -> float | None:
    return None if contention is None else round(contention, 3)


def measured_case(
    arena: Arena,
    case: ExactCase,
    *,
    num_places: int,
    seed: int,
    progress: Progress,
    num_replays: int = NUM_REPLAYS,
) -> MeasuredCase:
    """
    Play a trace to every contender, and replay the rows that may be the best.

    Places are visited in order, as often as rows are to be replayed: each policy comes to a place
    from the one before it, and remembers what it saw there.
    """
    rows, loss = case.rows_worth_replaying(_MOST_ROWS)
    shots: list[Shot] = []
    visits = list(_visits(case, rows, num_places, num_replays, seed))
    progress.begin(f"{case.model} on {case.trace.name}", len(visits))
    for done in arena.rounds(visits):
        shots += done
        progress.advance(f"at {done[0].spot.position_s:.0f} s")
    return MeasuredCase(case, rows, loss, tuple(shots), seed)


def _visits(
    case: ExactCase, rows: Sequence[FixedRow], num_places: int, num_replays: int, seed: int
) -> Iterator[Visit]:
    trace = case.trace
    at = positions(trace, num_places, seed)
    for replay, (number, position_s) in product(range(num_replays), enumerate(at)):
        load = load_at(trace, position_s)
        place = Place(trace.name, trace.up, trace.down, position_s, load)
        yield Visit(place, number + replay, _worth_it(case, rows, position_s))


def _worth_it(case: ExactCase, rows: Sequence[FixedRow], position_s: float) -> tuple[FixedRow, ...]:
    most_s = _TIMES_DEVICE * float(case.table.head_s[0])
    return tuple(row for row in rows if case.latency_at(position_s, row) <= most_s)
