"""Whether splitting pays, in plain words."""

from collections.abc import Sequence
from math import isfinite

from cutpoint.cli.links import format_link
from cutpoint.cli.plan_rows import PlanRow
from cutpoint.cli.planner_rows import PlannerRow
from cutpoint.lab.plan_plots import WORTH_IT
from cutpoint.planning.objective import Objective
from cutpoint.units import format_duration, format_size


def verdict(rows: Sequence[PlanRow], objective: Objective) -> str:
    """Say at which links a split is worth it, by how much, and where nothing will do."""
    sentences = []
    needed = [row for row in rows if row.saved_by_split is None]
    if needed:
        sentences.append(
            f"At {_links(needed)} only a split will do: neither end {_keeps(objective)}."
        )
    paying = [row for row in rows if (row.saved_by_split or 0.0) >= WORTH_IT]
    if paying:
        most = max(row.saved_by_split or 0.0 for row in paying)
        sentences.append(
            f"Splitting pays at {_links(paying)}: it saves up to {most:.0%}"
            f"{_of_what(objective)} over {_better_end(rows)}."
        )
    impossible = [row for row in rows if row.where is None]
    sentences += [_impossible(row, objective) for row in impossible]
    other = "other " if impossible else ""
    if not (needed or paying) and len(impossible) < len(rows):
        sentences.append(f"Splitting does not pay at any {other}of these links: {_advice(rows)}")
    return " ".join(sentences)


def verdict_by_input(rows: Sequence[PlanRow], objective: Objective) -> str:
    """Say whether a split that pays does so too where the input comes encoded; else nothing."""
    if not any(_pays(row.saved_by_split) for row in rows):
        return ""
    return " ".join(
        _by_input(each.coding, each.input_bytes, position, rows, objective)
        for position, each in enumerate(rows[0].baselines)
    )


def _by_input(
    coding: str, input_bytes: float, position: int, rows: Sequence[PlanRow], objective: Objective
) -> str:
    start = f"If the server takes the input as {coding} ({format_size(input_bytes)}),"
    saved = [(row, row.saved_over(row.baselines[position])) for row in rows]
    paying = [row for row, share in saved if _pays(share)]
    if not paying:
        return f"{start} splitting does not pay at any of these links."
    most = max((share or 0.0 for _, share in saved), default=0.0)
    if not most:
        return f"{start} only a split will do at {_links(paying)} still."
    return (
        f"{start} splitting pays at {_links(paying)}, and saves up to {most:.0%}"
        f"{_of_what(objective)}."
    )


def _pays(share: float | None) -> bool:
    """Tell whether a split is worth it, or all there is."""
    return share is None or share >= WORTH_IT


def verdict_behind(rows: Sequence[PlanRow], planners: Sequence[Sequence[PlannerRow]]) -> str:
    """Say where the server behind the server helps; nothing if no plan uses it."""
    sentences = []
    for row, answers in zip(rows, planners, strict=True):
        best = best_behind(answers)
        if best is None or row.conditions.link is None:
            continue
        saved = 1 - best.latency_s / row.parts.latency_s if row.where else 1.0
        if saved > 0:
            sentences.append(
                f"At {format_link(row.conditions.link)} the server behind the server saves "
                f"{saved:.0%} more: {format_duration(best.latency_s)} ({best.planner})."
            )
    return " ".join(sentences)


def best_behind(answers: Sequence[PlannerRow]) -> PlannerRow | None:
    """Give the soonest answer that uses a third host; ``None`` if there is none."""
    behind = [each for each in answers if max(each.placement, default=0) > 1]
    return min(behind, key=lambda each: each.latency_s, default=None)


def _ends(rows: Sequence[PlanRow]) -> tuple[bool, bool]:
    """Tell whether device-only and server-only keep limits and deadline at some of the links."""
    return (
        any(isfinite(row.device_only) for row in rows),
        any(isfinite(row.server_only) for row in rows),
    )


def _better_end(rows: Sequence[PlanRow]) -> str:
    has_device, has_server = _ends(rows)
    if has_device and has_server:
        return "the better of device-only and server-only"
    return "device-only" if has_device else "server-only"


def _advice(rows: Sequence[PlanRow]) -> str:
    if all(_ends(rows)):
        return (
            "choose between the device and the server. cutpoint will do that for you, and fall "
            "back when the server is gone."
        )
    return f"{_better_end(rows)} is what the limits leave, and it is better."


def _of_what(objective: Objective) -> str:
    return {
        "latency": "",
        "throughput": " of the time between frames",
        "energy": " of the device's energy",
        "weighted": " of latency and energy, weighed",
        "p95": " of the 95th percentile",
        "deadline": " of the device's energy",
    }[objective.name]


def _keeps(objective: Objective) -> str:
    if objective.name == "deadline":
        return f"keeps the deadline of {format_duration(objective.deadline_s)} and the limits"
    return "keeps the limits"


def _impossible(row: PlanRow, objective: Objective) -> str:
    link = row.conditions.link
    where = "" if link is None else f" at {format_link(link)}"
    if objective.name == "deadline" and row.soonest_s < float("inf"):
        return (
            f"Nothing keeps the deadline of {format_duration(objective.deadline_s)}{where}: "
            f"the soonest answer takes {format_duration(row.soonest_s)}."
        )
    return f"Nothing keeps the limits{where}."


def _links(rows: Sequence[PlanRow]) -> str:
    return "; ".join(format_link(row.conditions.link) for row in rows if row.conditions.link)
