"""Rates of a link as a table: a time and one or two rates a line, units in the header."""

import csv
import math
import re
from collections.abc import Mapping
from pathlib import Path

from cutpoint.exceptions import TraceError
from cutpoint.simulation.rate_schedule import RateSchedule

TIME_COLUMN = "seconds"

_UNITS_BYTES_PER_S: Mapping[str, float] = {
    "bytes_per_s": 1.0,
    "bit_per_s": 1 / 8,
    "kbit_per_s": 1e3 / 8,
    "mbit_per_s": 1e6 / 8,
    "gbit_per_s": 1e9 / 8,
}
_RATE_COLUMN = re.compile(r"(up|down)_(.+)")
_COLUMNS = f"write {TIME_COLUMN!r}, 'up_UNIT' and perhaps 'down_UNIT', UNIT one of " + ", ".join(
    _UNITS_BYTES_PER_S
)


def read_rate_csv(path: Path) -> tuple[RateSchedule, RateSchedule | None]:
    """
    Read both directions of a link.

    Parameters
    ----------
    path
        Of a CSV file with a header: ``seconds`` (when a rate begins; from 0, rising),
        ``up_mbit_per_s`` (or another unit, such as ``up_bytes_per_s``) and perhaps
        ``down_mbit_per_s``. The last rate lasts as long as the one before it.

    Returns
    -------
    up, down : RateSchedule
        They repeat; ``down`` is ``None`` without a column for it.

    Raises
    ------
    TraceError
        If a column is missing, unknown or twice there, or a line has no number where one belongs.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            lines = [(number, row) for number, row in enumerate(csv.reader(file), 1) if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise TraceError(f"{path}: cannot be read as CSV: {error}") from error
    if not lines:
        raise TraceError(f"{path}: is empty; {_COLUMNS}")
    columns = _columns(path, lines[0][1])
    table = [_numbers(path, number, row, columns) for number, row in lines[1:]]
    lengths_s = _lengths_s(path, [row[0] for row in table], [number for number, _ in lines[1:]])
    up, *down = (
        RateSchedule(tuple(zip(lengths_s, (row[place] for row in table), strict=True)), repeat=True)
        for place in range(1, len(columns))
    )
    return up, down[0] if down else None


def _columns(path: Path, header: list[str]) -> list[tuple[str, int, float]]:
    """Give name, index and unit of the columns, the time's first, then up, then down."""
    found: dict[str, tuple[str, int, float]] = {}
    for index, given in enumerate(header):
        name = given.strip().lower()
        rate = _RATE_COLUMN.fullmatch(name)
        way = rate[1] if rate else name
        unit = _UNITS_BYTES_PER_S.get(rate[2]) if rate else 1.0
        if unit is None or way not in (TIME_COLUMN, "up", "down") or way in found:
            state = "twice there" if way in found else "none that is known"
            raise TraceError(f"{path}, line 1: column {given!r} is {state}; {_COLUMNS}")
        if not rate and way != TIME_COLUMN:
            raise TraceError(f"{path}, line 1: column {given!r} has no unit; {_COLUMNS}")
        found[way] = (name, index, unit)
    for way in (TIME_COLUMN, "up"):
        if way not in found:
            raise TraceError(f"{path}, line 1: no column for {way!r}; {_COLUMNS}")
    return [found[way] for way in (TIME_COLUMN, "up", "down") if way in found]


def _numbers(
    path: Path, number: int, row: list[str], columns: list[tuple[str, int, float]]
) -> list[float]:
    read = []
    for name, index, unit in columns:
        text = row[index] if index < len(row) else ""
        try:
            value = float(text) * unit
        except ValueError:
            value = math.nan
        if not 0 <= value < math.inf:
            raise TraceError(
                f"{path}, line {number}: {name} is {text!r}; write a finite number of at least 0"
            )
        read.append(value)
    return read


def _lengths_s(path: Path, starts_s: list[float], numbers: list[int]) -> list[float]:
    if len(starts_s) < 2:
        raise TraceError(f"{path}: has fewer than two lines of rates; a constant one needs two")
    if starts_s[0] != 0:
        raise TraceError(f"{path}, line {numbers[0]}: the first time must be 0, got {starts_s[0]}")
    lengths_s = []
    for here_s, next_s, number in zip(starts_s, starts_s[1:], numbers[1:], strict=False):
        if next_s <= here_s:
            raise TraceError(
                f"{path}, line {number}: {next_s} s is not after the line above ({here_s} s)"
            )
        lengths_s.append(next_s - here_s)
    return [*lengths_s, lengths_s[-1]]
