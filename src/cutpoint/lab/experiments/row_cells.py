"""The columns that the rows of a report are shown in."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cutpoint.lab.experiments.form import ResultRow
from cutpoint.units import milliseconds


@dataclass(frozen=True)
class Cell:
    """
    One field of a table.

    Parameters
    ----------
    text
        For people.
    order
        What the table is sorted by; ``None`` to go by the text.
    """

    text: str
    order: float | None = None


@dataclass(frozen=True)
class Column:
    """
    One column of a table.

    Parameters
    ----------
    title
        Above it.
    of
        Gives the cell of a row.
    is_number
        Whether it is set flush right.
    """

    title: str
    of: Callable[[ResultRow], Cell]
    is_number: bool = True


def columns_of(rows: Sequence[ResultRow]) -> list[Column]:
    """Give the columns that say something of these rows."""
    columns = list(_ALWAYS)
    columns += [column for column, is_told in _SOMETIMES if any(map(is_told, rows))]
    return columns


def _words(title: str, of: Callable[[ResultRow], str]) -> Column:
    return Column(title, lambda row: Cell(of(row)), is_number=False)


def _ms(title: str, of: Callable[[ResultRow], float]) -> Column:
    return Column(title, lambda row: Cell(f"{milliseconds(of(row)):,.4g}", of(row)))


def _interval(row: ResultRow) -> Cell:
    low, high = (f"{milliseconds(end):,.4g}" for end in row.latency_s.ci)
    return Cell(f"{low} - {high}", row.latency_s.ci[0])


def _throughput(row: ResultRow) -> Cell:
    value = row.throughput_per_s
    return Cell("", None) if value is None else Cell(f"{value:,.4g}", value)


def _energy(row: ResultRow) -> Cell:
    return Cell("", None) if row.energy_j is None else Cell(f"{row.energy_j:.4g}", row.energy_j)


def _regret(row: ResultRow) -> Cell:
    if row.regret is None:
        return Cell("", None)
    mean, (low, high) = row.regret.mean, row.regret.ci
    return Cell(f"{mean:.1%} ({low:.1%} - {high:.1%}), {row.regret.kind}", mean)


_ALWAYS = (
    _words("model", lambda row: row.model),
    _words("link", lambda row: row.link),
    _words("load", lambda row: row.load),
    _words("policy", lambda row: row.policy),
    _words("clock", lambda row: row.clock),
    Column("n", lambda row: Cell(f"{row.n:,}", row.n)),
    _ms("mean ms", lambda row: row.latency_s.mean),
    Column("95 % of the mean", _interval),
    _ms("p50", lambda row: row.latency_s.p50),
    _ms("p95", lambda row: row.latency_s.p95),
    _ms("p99", lambda row: row.latency_s.p99),
)

_SOMETIMES: tuple[tuple[Column, Callable[[ResultRow], bool]], ...] = (
    (Column("regret", _regret), lambda row: row.regret is not None),
    (Column("per second", _throughput), lambda row: row.throughput_per_s is not None),
    (Column("joules", _energy), lambda row: row.energy_j is not None),
    (
        Column("dropped", lambda row: Cell(f"{row.num_dropped:,}", row.num_dropped)),
        lambda row: row.num_dropped > 0,
    ),
    (_words("note", lambda row: row.note), lambda row: bool(row.note)),
)
