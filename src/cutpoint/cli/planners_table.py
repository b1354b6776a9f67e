"""Planners side by side, as tables for people and rows for programs."""

from collections.abc import Sequence
from math import isfinite

from rich.table import Table

from cutpoint.cli.links import format_link
from cutpoint.cli.output import table
from cutpoint.cli.planner_rows import PlannerRow
from cutpoint.records import LinkConditions
from cutpoint.units import format_duration

_COLUMNS = (
    "planner", "cut", "head", "up", "tail", "down", "latency", "frames/s", "promises", "kept",
    "decides in", "status",
)  # fmt: skip

EXPLAINED = (
    "head to latency, and frames/s: under the whole objective, whatever the planner counts. "
    "promises: what its own objective gives for its plan (a latency, * a longest stage, "
    "** the end of all jobs' uploads); kept: whether that is what the plan takes. "
    "decides in: median of a few calls, after a first one. Planners pursue their own goals, "
    "whatever --objective asks; of a mix of cuts, cut to frames/s are those of its first."
)
"""What the columns mean, told once below the tables."""

_BRIEF = 60
"""Longer errors are told in full below the tables."""

_MUCH, _NOTICED_S = 10, 0.002

_MARKS = {"latency": "", "stage": "*", "jobs": "**", None: ""}


_PARTS = slice(2, 6)
"""Columns that a narrow terminal has no room for."""

_WIDE = 130


def planners_table(link: LinkConditions, rows: Sequence[PlannerRow], width: int) -> Table:
    """
    Give the table of one link; the least latency stands out.

    Parameters
    ----------
    width
        Of the terminal in columns: the parts are left out where it is narrow.
    """
    least_s = min((row.latency_s for row in rows), default=0.0)
    lines = [list(_COLUMNS)]
    lines += [_cells(row, is_least=row.latency_s <= least_s * (1 + 1e-9)) for row in rows]
    if width < _WIDE:
        for line in lines:
            del line[_PARTS]
    return table(f"planners at {format_link(link)}", lines[0], lines[1:], left=2)


def first_calls(rows: Sequence[PlannerRow]) -> str:
    """Name the planners whose first call took much longer, because it compiles or imports."""
    slow = [
        f"{row.planner} {format_duration(row.first_call_s)}"
        for row in rows
        if row.first_call_s is not None
        and row.decide_s is not None
        and row.first_call_s > max(_MUCH * row.decide_s, _NOTICED_S)
    ]
    return f"First calls that took longer: {', '.join(slow)}." if slow else ""


def failures(rows: Sequence[PlannerRow]) -> list[str]:
    """Say why planners failed, a line each, where their row does not."""
    return [
        f"{row.planner}: {row.error}" for row in rows if _why_none(row) != row.error and row.error
    ]


def planner_document(row: PlannerRow) -> dict[str, object]:
    """Give everything about one planner's answer; the infinite becomes null."""
    has_plan = row.parts is not None
    return {
        "planner": row.planner,
        "status": row.status,
        "error": row.error,
        "goal": row.goal,
        "cut": row.name or None,
        "crossing": row.crossing,
        "placement": row.placement,
        "parts": row.parts,
        "latency_s": row.latency_s,
        "frames_per_s": row.frames_per_s,
        "promised_s": row.promised_s,
        "achieved_s": row.achieved_s if has_plan else None,
        "is_promise_kept": row.is_promise_kept,
        "decide_s": row.decide_s,
        "first_call_s": row.first_call_s,
    }


def _cells(row: PlannerRow, *, is_least: bool) -> list[str]:
    if row.parts is None:
        decides = "" if row.decide_s is None else format_duration(row.decide_s)
        return [row.planner, _why_none(row), *[""] * 8, decides, row.status]
    parts = row.parts
    latency = _shown(row.latency_s)
    return [
        row.planner,
        row.name,
        _shown(parts.head_s + parts.encode_s),
        _shown(parts.upload_s),
        _shown(parts.wait_s + parts.tail_s),
        _shown(parts.download_s),
        f"[bold]{latency}[/bold]" if is_least else latency,
        "" if row.frames_per_s is None else _rate(row.frames_per_s),
        _shown(row.promised_s) + _MARKS[row.goal],
        "yes" if row.is_promise_kept else f"no: {_shown(row.achieved_s)}",
        "" if row.decide_s is None else format_duration(row.decide_s),
        row.status,
    ]


def _why_none(row: PlannerRow) -> str:
    error = row.error or "finds none that keeps the limits"
    return error if len(error) <= _BRIEF else error.partition(": ")[0]


def _shown(duration_s: float) -> str:
    if not duration_s:
        return "-"
    return format_duration(duration_s) if isfinite(duration_s) else "never"


def _rate(frames_per_s: float) -> str:
    return f"{frames_per_s:.3g}" if isfinite(frames_per_s) else "no limit"
