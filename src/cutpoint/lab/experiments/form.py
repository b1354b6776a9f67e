"""The one form of every report: who was how fast, where, and what that shows."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from cutpoint.records import Environment

Clock = Literal["real", "virtual", "planned"]
"""``real``: by a clock; ``virtual``: by a simulation; ``planned``: summed from a table."""

RegretKind = Literal["exact", "measured"]
"""``exact``: against the best row under true conditions, on the virtual clock; ``measured``:
against the row with the lowest median at the same place of the link, replayed on the real one."""

CONFIDENCE = 0.95
_RESAMPLES = 2000


@dataclass(frozen=True)
class LatencySummary:
    """
    Latencies of one row, in seconds.

    Parameters
    ----------
    mean, p50, p95, p99
        Mean and percentiles.
    ci
        Ends of the 95 % bootstrap interval of the mean.
    """

    mean: float
    p50: float
    p95: float
    p99: float
    ci: tuple[float, float]


@dataclass(frozen=True)
class Regret:
    """
    Mean latency over that of the oracle, minus one.

    A measured one is of medians: those of the places of the link, whatever became of the slowest
    inferences at each.

    Parameters
    ----------
    kind
        How the oracle was found; figures of two kinds are not to be compared.
    mean
        0 is the oracle's.
    ci
        Ends of its 95 % interval.
    """

    kind: RegretKind
    mean: float
    ci: tuple[float, float]


@dataclass(frozen=True)
class ResultRow:
    """
    One policy on one model, link and load.

    Parameters
    ----------
    model, link, load, policy
        Names for people; the link's is its trace's or its rate.
    clock
        What kind of seconds these are.
    n
        Inferences that count.
    latency_s
        Of those.
    throughput_per_s
        Inferences per second, where it was looked at.
    energy_j
        Mean joules of the device per inference, where a power profile says.
    regret
        Against the oracle of the same model, link and load; ``None`` where there is none.
    num_dropped
        Inferences that do not count: other work held the cores meanwhile.
    note
        What one must know to read this row.
    """

    model: str
    link: str
    load: str
    policy: str
    clock: Clock
    n: int
    latency_s: LatencySummary
    throughput_per_s: float | None = None
    energy_j: float | None = None
    regret: Regret | None = None
    num_dropped: int = 0
    note: str = ""


@dataclass(frozen=True)
class Claim:
    """
    Something that the run shows, or not; made by `at_most` and `at_least`.

    Parameters
    ----------
    name
        What is claimed, with its direction and unit.
    value, bound
        What was found, and what it is held against.
    holds
        Whether it does; one about a value that is not a number never does.
    """

    name: str
    value: float
    bound: float
    holds: bool


@dataclass(frozen=True)
class ReportEnvironment:
    """
    Where and how a report was made.

    Parameters
    ----------
    host
        Processor and runtime.
    version
        Of cutpoint.
    is_quick
        Whether it samples the full experiment.
    elapsed_s
        What the whole run took.
    traces
        Names of the traces used.
    notes
        Anything else that one must know, such as a tool that was not there.
    """

    host: Environment
    version: str
    is_quick: bool
    elapsed_s: float
    traces: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Report:
    """
    What one experiment found; ``NAME.json`` is exactly this.

    Parameters
    ----------
    experiment
        Its name.
    seed
        Everything random in it is drawn from.
    environment
        Where and how.
    rows
        Who was how fast.
    claims
        What it shows.
    details
        Whatever else it measured, as msgspec writes it.
    """

    experiment: str
    seed: int
    environment: ReportEnvironment
    rows: tuple[ResultRow, ...] = ()
    claims: tuple[Claim, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        """Whether every claim does."""
        return all(claim.holds for claim in self.claims)


@dataclass(frozen=True)
class Figure:
    """
    A plot of a report.

    Parameters
    ----------
    name
        Of its file, without a suffix; the experiment's own name for the first.
    title, caption
        For people.
    draw
        Draws it into the file it is given, PNG or SVG by its suffix.
    """

    name: str
    title: str
    caption: str
    draw: Callable[[Path], None]


def at_most(name: str, value: float, bound: float) -> Claim:
    """Claim that a value is not above a bound."""
    return Claim(name, float(value), float(bound), bool(value <= bound))


def at_least(name: str, value: float, bound: float) -> Claim:
    """Claim that a value is not below a bound."""
    return Claim(name, float(value), float(bound), bool(value >= bound))


def summarise(
    latency_s: Sequence[float], seed: int = 0, ci: tuple[float, float] | None = None
) -> LatencySummary:
    """
    Sum up the latencies of one row.

    Parameters
    ----------
    latency_s
        One per inference.
    seed
        Of the bootstrap.
    ci
        Interval of the mean, where inferences are not independent of one another; by default
        it is taken from draws of single ones.

    Raises
    ------
    ValueError
        If there are none, or one is not a finite time.
    """
    given = np.asarray(latency_s, float)
    if not given.size or not np.all(np.isfinite(given)) or np.any(given < 0):
        raise ValueError(f"latencies are finite and at least one; got {given.size}")
    p50, p95, p99 = (float(each) for each in np.percentile(given, [50, 95, 99]))
    ci = _mean_interval(given, seed) if ci is None else ci
    return LatencySummary(float(given.mean()), p50, p95, p99, ci)


def interval(values: Sequence[float]) -> tuple[float, float]:
    """Give the ends of the 95 % interval of bootstrapped values."""
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(np.asarray(values, float), [tail, 1 - tail])
    return float(low), float(high)


def _mean_interval(given: np.ndarray, seed: int) -> tuple[float, float]:
    if given.size == 1 or math.isclose(float(given.min()), float(given.max()), rel_tol=1e-12):
        return float(given.mean()), float(given.mean())
    rng = np.random.default_rng(seed)
    drawn = rng.integers(0, given.size, (_RESAMPLES, given.size)) if given.size <= 5000 else None
    if drawn is not None:
        return interval(given[drawn].mean(axis=1))
    # Of thousands the mean is normal: a table of draws would be gigabytes.
    half = 1.959964 * float(given.std(ddof=1)) / math.sqrt(given.size)
    return float(given.mean()) - half, float(given.mean()) + half
