"""What ``cutpoint plan`` writes into files: costs, the compiled table, a plot."""

from collections.abc import Sequence
from pathlib import Path

from cutpoint.cli.links import format_link
from cutpoint.cli.output import err
from cutpoint.cli.plan_rows import PlanRow, row_name
from cutpoint.cli.planned import Planned
from cutpoint.cli.verdict import best_behind
from cutpoint.cost import write_cost_table, write_cut_table
from cutpoint.exceptions import CostError
from cutpoint.lab.plan_plots import PlottedPlan, best_cut_map, plot_plan
from cutpoint.planning import MAX_SEGMENTS, holdable
from cutpoint.planning.objective import Objective
from cutpoint.records import Conditions
from cutpoint.units import format_duration, from_mbit_per_s

_WIDER = 3.0
"""The map goes on by this factor beyond the links that were asked about."""

_LEAST_MBIT, _MOST_MBIT = 0.5, 200.0
_MOST_LOAD = 16.0

_AREA = "(area of a block: its time on the device)"


def write_files(
    made: Planned, *, save_costs: Path | None, table: Path | None, plot: Path | None
) -> None:
    """
    Write what was asked for.

    Raises
    ------
    CutpointError, OSError
        If memory is capped and a table is wanted, or a file cannot be written, or drawn.
    """
    if save_costs is not None:
        write_cost_table(made.inputs.costs, save_costs)
    if table is not None:
        _write_table(made, table)
    if plot is not None:
        draw_plan(made, plot)


def _write_table(made: Planned, path: Path) -> None:
    """Write what both hosts can hold of the compiled table, and say what the rest costs."""
    compiled, graph = made.compiled.cut_table, made.inputs.graph
    if compiled is None or graph is None:
        return
    if made.request.limits.has_memory_caps:
        raise CostError(
            f"no table is written to {path} under memory caps: a session holds the whole model on "
            "the device, so that it can finish alone, and the server holds it too; leave out "
            "--device-memory and --server-memory, or --table"
        )
    held, regret = holdable(graph, compiled)
    num_dropped = len(compiled.splits) - len(held.splits)
    if num_dropped:
        err.print(
            f"note: {num_dropped} of {len(compiled.splits)} cuts are not in {path}: more than "
            f"{MAX_SEGMENTS} segments would slow the model; choosing among the others costs "
            f"{regret:.2%} on average",
            markup=False,
        )
    write_cut_table(held, made.inputs.costs.name, path)


def draw_plan(made: Planned, path: Path) -> None:
    """
    Draw the best cut over bandwidth and load, and the graph of one of the plans.

    Raises
    ------
    MissingDependencyError
        If matplotlib or networkx is not installed.
    """
    costs, rows, found = made.inputs.costs, made.compiled.rows, made.rows
    objective = made.request.objective
    situations = [row.conditions for row in found]
    links = [each.link for each in situations if each.link is not None]
    rates = [link.bandwidth_up_bytes_per_s for link in links]
    load = situations[0].load
    best = best_cut_map(
        rows,
        objective,
        situations[0],
        (
            min(from_mbit_per_s(_LEAST_MBIT), min(rates) / _WIDER),
            max(from_mbit_per_s(_MOST_MBIT), max(rates) * _WIDER),
        ),
        (min(1.0, load.slowdown), max(_MOST_LOAD, load.slowdown * 2)),
    )
    title, placement = _drawn(made)
    plot_plan(
        PlottedPlan(
            table=costs,
            title=f"{costs.name}: {_what(objective)}",
            map_title=_map_title(situations),
            graph_title=title,
            best=best,
            names=[row_name(costs, rows, row) for row in range(len(rows.heads))],
            asked=[(link.bandwidth_up_bytes_per_s, load.slowdown) for link in links],
            placement=placement,
        ),
        path,
    )


def _drawn(made: Planned) -> tuple[str, tuple[int, ...]]:
    """Choose whose graph is drawn: a plan of three hosts that is soonest, or the best row."""
    for row, answers in zip(made.rows, made.planners, strict=True):
        behind = best_behind(answers)
        if behind is not None and behind.latency_s < row.parts.latency_s:
            link = "" if row.conditions.link is None else format_link(row.conditions.link)
            latency = format_duration(behind.latency_s)
            return f"the plan of {behind.planner} at {link}: {latency} {_AREA}", behind.placement
    row = max(made.rows, key=_worth_drawing)
    return _graph_title(row), row.placement or (0,) * made.inputs.costs.num_blocks


def _worth_drawing(row: PlanRow) -> float:
    """Prefer the plan that gains most by splitting; one that only a split allows even more."""
    if row.where is None:
        return -1.0
    saved = row.saved_by_split
    return 2.0 if saved is None else saved + (0.5 if row.where == "split" else 0.0)


def _map_title(situations: Sequence[Conditions]) -> str:
    link, load = situations[0].link, situations[0].load
    if link is None:
        return ""
    text = f"at {format_duration(link.round_trip_s)} round trip"
    if load.wait_s:
        text += f" and {format_duration(load.wait_s)} in the server's queue"
    others = {each.link.round_trip_s for each in situations if each.link is not None}
    return text + (" (other links that were asked about have another)" if len(others) > 1 else "")


def _graph_title(row: PlanRow) -> str:
    link = "" if row.conditions.link is None else f" at {format_link(row.conditions.link)}"
    if row.where is None:
        return f"nothing is allowed{link}; drawn: all on the device"
    where = "a split" if row.where == "split" else row.name
    latency = format_duration(row.parts.latency_s)
    return f"the plan{link}: {where}, {latency} {_AREA}"


def _what(objective: Objective) -> str:
    return {
        "latency": "which cut answers soonest",
        "throughput": "which cut lets most frames pass",
        "energy": "which cut costs the device least energy",
        "weighted": "which cut has the least latency and energy, weighed",
        "p95": "which cut has the least 95th percentile",
        "deadline": f"least energy within {format_duration(objective.deadline_s)}",
    }[objective.name]
