"""Cells as rows of a report, on both clocks."""

import importlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from math import inf, sqrt

import numpy as np

from cutpoint.lab.arena import result_row
from cutpoint.lab.experiments.form import Clock, LatencySummary, Regret, ResultRow, summarise
from cutpoint.lab.papers.cells import Cell, Entry
from cutpoint.lab.papers.choices import ORACLE
from cutpoint.lab.papers.paper_claims import MOST_APART

_FEW = 30
"""Below so many inferences, an interval drawn from them alone is too narrow."""


def rows_of(cells: Iterable[Cell], most_s: float) -> tuple[ResultRow, ...]:
    """
    Give the rows of cells: every policy on the virtual clock, and those that ran on the real one.

    Parameters
    ----------
    most_s
        What takes longer is marked, and said not to have run on the real clock if it has not.
    """
    return tuple(row for cell in cells for row in (*_virtual(cell, most_s), *_real(cell)))


def planned_rows_of(cells: Iterable[Cell]) -> tuple[ResultRow, ...]:
    """Give the rows of cells that are summed from a table alone."""
    return tuple(row for cell in cells for row in _virtual(cell, inf, "planned"))


def _virtual(cell: Cell, most_s: float, clock: Clock = "virtual") -> Iterator[ResultRow]:
    best_s = cell.entry(ORACLE).virtual_s
    for entry in cell.entries:
        regret = entry.virtual_s / best_s - 1
        yield ResultRow(
            model=cell.net,
            link=cell.link,
            load="idle",
            policy=entry.policy,
            clock=clock,
            n=1,
            latency_s=summarise([entry.virtual_s]),
            regret=Regret("exact", regret, (regret, regret)),
            note=f"{entry.way}{_too_long(entry, most_s)}",
        )


def _too_long(entry: Entry, most_s: float) -> str:
    """Mark what takes too long for the real clock; some of it ran there to confirm the other."""
    if entry.virtual_s <= most_s:
        return ""
    where = "on the real clock as well" if entry.counted else "on the virtual clock alone"
    return f"; over {most_s:g} s: {where}"


def _real(cell: Cell) -> Iterator[ResultRow]:
    for entry in cell.entries:
        row = result_row(
            entry.counted,
            model=cell.net,
            link=cell.link,
            load="idle",
            policy=entry.policy,
            note=_ways_run(entry),
        )
        if row is not None:
            latencies_s = [shot.latency_s for shot in entry.counted]
            yield replace(
                row,
                latency_s=_with_wide_ends(row.latency_s, latencies_s),
                num_dropped=len(entry.shots) - len(latencies_s),
            )


def _ways_run(entry: Entry) -> str:
    """Say what ran: a session that decides by itself may have run something else."""
    found: dict[str, int] = {}
    for shot in entry.counted:
        record = shot.record
        where = ", ".join(record.crossing) if record.planned == "split" else record.planned
        codecs = "+".join(dict.fromkeys(each for each in record.codecs if each != "raw"))
        name = f"{where} {codecs}".strip()
        found[name] = found.get(name, 0) + 1
    return "; ".join(f"{num} x {name}" for name, num in found.items())


def _with_wide_ends(summary: LatencySummary, latencies_s: list[float]) -> LatencySummary:
    """Widen the interval of a few inferences to Student's; one has what clocks may be apart."""
    num = len(latencies_s)
    if num >= _FEW:
        return summary
    if num == 1:
        half = MOST_APART * summary.mean
    else:
        quantile = float(importlib.import_module("scipy.special").stdtrit(num - 1, 0.975))
        half = quantile * float(np.std(latencies_s, ddof=1)) / sqrt(num)
    low, high = summary.ci
    return replace(
        summary, ci=(max(min(low, summary.mean - half), 0.0), max(high, summary.mean + half))
    )
