"""What ``cutpoint plan`` tells: tables and words for people, one document for programs."""

from math import isfinite

from cutpoint.cli.input_codings import input_type
from cutpoint.cli.links import format_link
from cutpoint.cli.output import out, table
from cutpoint.cli.plan_rows import PlanRow
from cutpoint.cli.planned import Planned
from cutpoint.cli.planners_table import (
    EXPLAINED,
    failures,
    first_calls,
    planner_document,
    planners_table,
)
from cutpoint.cli.verdict import verdict, verdict_behind, verdict_by_input
from cutpoint.planning.objective import Objective
from cutpoint.records import RAW
from cutpoint.units import format_duration, format_size

_WIDE = 120
"""Columns below which a terminal has no room for the parts."""


def print_plan(made: Planned) -> None:
    """Tell people what was found."""
    objective = made.request.objective
    _print_heading(made)
    columns, cells = _best_rows(made)
    out.print(table(f"where {_is_best(objective)}", columns, cells, left=2))
    for line in _about_codecs(made):
        out.print(line, markup=False, soft_wrap=True)
    for row, planners in zip(made.rows, made.planners, strict=True):
        if planners and row.conditions.link is not None:
            out.print()
            out.print(planners_table(row.conditions.link, planners, out.width))
            for line in (first_calls(planners), *failures(planners)):
                if line:
                    out.print(line, markup=False, soft_wrap=True)
    if any(made.planners):
        out.print(EXPLAINED, soft_wrap=True)
    out.print()
    out.print(_verdict(made), soft_wrap=True)


def plan_document(made: Planned) -> dict[str, object]:
    """Give everything that is printed; units are in the keys, the infinite becomes null."""
    inputs, objective = made.inputs, made.request.objective
    hosts = [
        {"source": source, "whole_s": whole_s}
        for source, whole_s in zip(inputs.sources, inputs.whole_s, strict=True)
    ]
    return {
        "model": inputs.costs.name,
        "sha256": inputs.costs.sha256 or None,
        "hosts": hosts,
        "num_blocks": inputs.costs.num_blocks,
        "num_rows": len(made.compiled.rows.heads),
        "codecs": [coding.name for coding in inputs.codecs.codings],
        "error_measure": inputs.codecs.measure or None,
        "notes": inputs.codecs.notes,
        "objective": _objective_document(objective),
        "links": [
            {**_row_document(row), "planners": [planner_document(each) for each in planners]}
            for row, planners in zip(made.rows, made.planners, strict=True)
        ],
        "verdict": _verdict(made),
    }


def _verdict(made: Planned) -> str:
    objective = made.request.objective
    said = (
        verdict(made.rows, objective),
        verdict_by_input(made.rows, objective),
        verdict_behind(made.rows, made.planners),
    )
    return " ".join(each for each in said if each)


def _best_rows(made: Planned) -> tuple[list[str], list[list[str]]]:
    """Give the columns and cells of the table: the best, its parts, and the ends beside it."""
    objective, rows = made.request.objective, made.rows
    has_codecs = any(row.parts.encode_s for row in rows)
    own = [] if objective.name == "latency" else [_heading(objective)]
    parts = ["head", *(["encode"] if has_codecs else []), "up", "tail", "down"]
    server = "" if made.inputs.graph is None else f" {input_type(made.inputs.graph)}"
    ends = ["device", f"server{server}".strip(), *(f"as {b.coding}" for b in rows[0].baselines)]
    columns = ["link", "best", *own, "latency", *parts, *ends]
    cells = [_cells(row, objective, has_codecs=has_codecs) for row in rows]
    if out.width < _WIDE:
        begin = columns.index("head")
        for line in (columns, *cells):
            del line[begin : begin + len(parts)]
    return columns, cells


def _about_codecs(made: Planned) -> list[str]:
    """Say how the ends are meant, and what the codecs shown do to the outputs."""
    lines = []
    if made.rows[0].baselines:
        each = ", ".join(
            f"as {b.coding} ({format_size(b.input_bytes)})" for b in made.rows[0].baselines
        )
        lines.append(f"{each}: server-only where the input comes so, and encoding it costs nothing")
    shown = {
        (row.codec, " and ".join(row.crossing[:2])): row.error
        for row in made.rows
        if row.error is not None and row.codec != RAW
    }
    measure = made.inputs.codecs.measure
    lines += [
        f"{codec} at {crossing}: " + (f"{measure} error {error:.2g}" if error else "exact")
        for (codec, crossing), error in shown.items()
    ]
    return lines


def _print_heading(made: Planned) -> None:
    inputs = made.inputs
    names = ("the device", "the server", "the server behind it")
    hosts = [
        f"{format_duration(whole_s)} on {name} ({source})"
        for whole_s, name, source in zip(inputs.whole_s, names, inputs.sources, strict=False)
    ]
    load = made.request.situations[0].load
    out.print(f"[bold]{inputs.costs.name}[/bold]: ", end="")
    out.print(", ".join(hosts), markup=False, soft_wrap=True)
    if load.wait_s or load.slowdown != 1:
        wait = format_duration(load.wait_s)
        out.print(f"server: load {load.slowdown:g}, {wait} in its queue")


def _is_best(objective: Objective) -> str:
    return {
        "latency": "it answers soonest",
        "throughput": "most frames pass",
        "energy": "the device spends least",
        "weighted": f"latency and energy are least, {objective.energy_share:.0%} on the energy",
        "p95": "the 95th percentile is least",
        "deadline": f"the device spends least within {format_duration(objective.deadline_s)}",
    }[objective.name]


def _heading(objective: Objective) -> str:
    own = {"throughput": "frames/s", "p95": "p95", "weighted": "weighted"}
    return own.get(objective.name, "energy")


def _cells(row: PlanRow, objective: Objective, *, has_codecs: bool) -> list[str]:
    link = "" if row.conditions.link is None else format_link(row.conditions.link)
    values = (row.device_only, row.server_only, *(each.value for each in row.baselines))
    ends = [_value(each, objective) for each in values]
    if row.where is None:
        num_empty = 5 + (objective.name != "latency") + has_codecs
        return [link, "none", *[""] * num_empty, *ends]
    parts = row.parts
    encode = [parts.encode_s] if has_codecs else []
    shown = [parts.latency_s, parts.head_s, *encode, parts.upload_s, parts.wait_s + parts.tail_s]
    own = [] if objective.name == "latency" else [_value(row.value, objective)]
    best = f"cut at {row.name}" if row.where == "split" else row.name
    times = [format_duration(each) if each else "-" for each in (*shown, parts.download_s)]
    return [link, best, *own, *times, *ends]


def _value(value: float, objective: Objective) -> str:
    if not isfinite(value):
        return "too late" if objective.name == "deadline" else "not allowed"
    if objective.name == "throughput":
        return f"{1 / value:.3g}/s" if value else "no limit"
    return f"{value:.3g} J" if objective.unit == "J" else format_duration(value)


def _objective_document(objective: Objective) -> dict[str, object]:
    return {
        "name": objective.name,
        "unit": objective.unit,
        "deadline_s": objective.deadline_s if objective.name == "deadline" else None,
        "power": objective.power.name if objective.counts_joules else None,
        "energy_share": objective.energy_share if objective.name == "weighted" else None,
        "spread": objective.spread if objective.name == "p95" else None,
    }


def _row_document(row: PlanRow) -> dict[str, object]:
    link, load = row.conditions.link, row.conditions.load
    return {
        "bandwidth_up_bytes_per_s": None if link is None else link.bandwidth_up_bytes_per_s,
        "bandwidth_down_bytes_per_s": None if link is None else link.bandwidth_down_bytes_per_s,
        "round_trip_s": None if link is None else link.round_trip_s,
        "wait_s": load.wait_s,
        "load": load.slowdown,
        "placement": row.where,
        "cut": row.cut,
        "crossing": row.crossing,
        "codec": row.codec,
        "codecs": row.codecs,
        "error": row.error,
        "sent_bytes": row.sent_bytes,
        "parts": row.parts if row.where else None,
        "latency_s": row.parts.latency_s,
        "frames_per_s": row.frames_per_s,
        "value": row.value,
        "device_only_value": row.device_only,
        "server_only_value": row.server_only,
        "device_only_s": row.device_only_s,
        "server_only_s": row.server_only_s,
        "soonest_s": row.soonest_s,
        "saved_by_split": row.saved_by_split,
        "baselines": [
            {
                "input_as": each.coding,
                "input_bytes": each.input_bytes,
                "value": each.value,
                "latency_s": each.latency_s,
                "saved_by_split": row.saved_over(each),
            }
            for each in row.baselines
        ],
    }
