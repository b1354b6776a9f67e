"""What ``cutpoint plan`` tells: tables and words for people, one document for programs."""

from math import isfinite

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
from cutpoint.cli.verdict import verdict, verdict_behind
from cutpoint.planning.objective import Objective
from cutpoint.units import format_duration


def print_plan(made: Planned) -> None:
    """Tell people what was found."""
    objective = made.request.objective
    _print_heading(made)
    first = ("link", "best", *(() if objective.name == "latency" else (_heading(objective),)))
    columns = (*first, "latency", "head", "up", "tail", "down", "device", "server")
    cells = [_cells(row, objective) for row in made.rows]
    out.print(table(f"where {_is_best(objective)}", columns, cells, left=2))
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
        "objective": _objective_document(objective),
        "links": [
            {**_row_document(row), "planners": [planner_document(each) for each in planners]}
            for row, planners in zip(made.rows, made.planners, strict=True)
        ],
        "verdict": _verdict(made),
    }


def _verdict(made: Planned) -> str:
    said = verdict(made.rows, made.request.objective)
    return f"{said} {verdict_behind(made.rows, made.planners)}".strip()


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
        "p95": "the 95th percentile is least",
        "deadline": f"the device spends least within {format_duration(objective.deadline_s)}",
    }[objective.name]


def _heading(objective: Objective) -> str:
    return {"throughput": "frames/s", "p95": "p95"}.get(objective.name, "energy")


def _cells(row: PlanRow, objective: Objective) -> list[str]:
    link = "" if row.conditions.link is None else format_link(row.conditions.link)
    ends = (_value(row.device_only, objective), _value(row.server_only, objective))
    if row.where is None:
        return [link, "none", *[""] * (5 if objective.name == "latency" else 6), *ends]
    parts = row.parts
    shown = [parts.latency_s, parts.head_s, parts.upload_s, parts.wait_s + parts.tail_s]
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
        "power": objective.power.name if objective.unit == "J" else None,
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
    }
