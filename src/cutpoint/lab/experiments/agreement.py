"""Whether a second run of an experiment ranks the policies as the first one did."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path

import msgspec

from cutpoint.exceptions import ExperimentError
from cutpoint.lab.experiments.form import LatencySummary, Report, ResultRow

_UNKNOWN = 0.05
"""Share of the mean by which a row of one inference may be off: it has no interval of its own."""

_LEAST_GAP = 0.02
"""Share by which means must differ on a clock that is not the real one: what is computed rests on
times that each run measures anew, of whose error an interval over inferences knows nothing."""

Place = tuple[str, str, str, str]
"""Model, link, load and clock: within these, policies are ranked by their mean latency."""


@dataclass(frozen=True)
class SavedEnvironment:
    """Whether a saved report samples the full experiment; what else there is, is not read."""

    is_quick: bool


@dataclass(frozen=True)
class SavedReport:
    """
    What is read of ``NAME.json`` to compare two runs.

    Parameters
    ----------
    experiment, seed, environment, rows
        As in `Report`.
    """

    experiment: str
    seed: int
    environment: SavedEnvironment
    rows: tuple[ResultRow, ...]


@dataclass(frozen=True)
class Ranking:
    """
    Two policies at one place, whose 95 % intervals do not overlap.

    Parameters
    ----------
    place
        Where.
    faster, slower
        Policies.
    """

    place: Place
    faster: str
    slower: str

    def __str__(self) -> str:
        model, link, load, clock = self.place
        return f"{self.faster} before {self.slower} ({model}, {link}, {load}, {clock} clock)"


@dataclass(frozen=True)
class Agreement:
    """
    What became of the rankings of a first run in a second.

    Parameters
    ----------
    num_rankings
        Pairs whose intervals do not overlap in the first.
    broken
        Of these, those that came the other way round.
    missing
        Those of which the second run has not both rows.
    """

    num_rankings: int
    broken: tuple[Ranking, ...]
    missing: tuple[Ranking, ...]

    @property
    def is_repeated(self) -> bool:
        """Whether all of them came again."""
        return not self.broken and not self.missing


def read_saved(path: Path) -> SavedReport:
    """
    Read a report.

    Raises
    ------
    ExperimentError
        If the file is none.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=SavedReport)
    except OSError as error:
        raise ExperimentError(f"report {path}: {error.strerror or error}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ExperimentError(
            f"report {path} is none that `cutpoint bench` wrote: {error}"
        ) from error


def agreement(first: SavedReport | Report, second: SavedReport | Report) -> Agreement:
    """
    Look for every ranking of the first run in the second.

    A ranking is a pair of policies at one place whose intervals do not overlap in the first
    run; the second repeats it if its means are in the same order, however its own intervals lie.
    A row of a single inference is taken to be 5 % off either way: an interval of no width would
    make a ranking of every tie. Where latencies are computed and not measured, means must lie 2 %
    apart as well.

    Raises
    ------
    ExperimentError
        If the runs are not of one experiment and seed, one of them alone is quick, or a row
        stands in one of them twice.
    """
    if _identity(first) != _identity(second):
        raise ExperimentError(
            f"{' and '.join(map(_identity, (first, second)))} are not to be compared: run one "
            "experiment twice with one seed, quick or not"
        )
    again = _by_place(second)
    found, broken, missing = 0, [], []
    for ranking in _rankings(_by_place(first)):
        found += 1
        there = again.get(ranking.place, {})
        if ranking.faster not in there or ranking.slower not in there:
            missing.append(ranking)
        elif there[ranking.faster].mean > there[ranking.slower].mean:
            broken.append(ranking)
    return Agreement(found, tuple(broken), tuple(missing))


def _identity(report: SavedReport | Report) -> str:
    quick = ", quick" if report.environment.is_quick else ""
    return f"{report.experiment} with seed {report.seed}{quick}"


def _rankings(places: dict[Place, dict[str, LatencySummary]]) -> Iterator[Ranking]:
    for place, by_policy in places.items():
        gap = 1.0 if place[-1] == "real" else 1.0 + _LEAST_GAP
        for (one, here), (other, there) in combinations(by_policy.items(), 2):
            if _is_before(here, there, gap):
                yield Ranking(place, one, other)
            elif _is_before(there, here, gap):
                yield Ranking(place, other, one)


def _is_before(here: LatencySummary, there: LatencySummary, gap: float) -> bool:
    return here.ci[1] < there.ci[0] and gap * here.mean < there.mean


def _by_place(report: SavedReport | Report) -> dict[Place, dict[str, LatencySummary]]:
    places: dict[Place, dict[str, LatencySummary]] = {}
    for row in report.rows:
        place = (row.model, row.link, row.load, row.clock)
        by_policy = places.setdefault(place, {})
        if row.policy in by_policy:
            raise ExperimentError(
                f"{report.experiment} has two rows of {row.policy} at {', '.join(place)}: "
                "which one to compare is not known"
            )
        by_policy[row.policy] = row.latency_s if row.n > 1 else _widened(row.latency_s)
    return places


def _widened(alone: LatencySummary) -> LatencySummary:
    return replace(alone, ci=((1 - _UNKNOWN) * alone.mean, (1 + _UNKNOWN) * alone.mean))
