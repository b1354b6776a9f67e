"""What a call of ``cutpoint plan`` found."""

from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from cutpoint.cli.input_codings import baseline_codings
from cutpoint.cli.output import progress_bar
from cutpoint.cli.plan_inputs import CompiledRows, PlanInputs, compiled_rows, tell_gap
from cutpoint.cli.plan_request import PlanRequest
from cutpoint.cli.plan_rows import PlanRow, plan_rows
from cutpoint.cli.planner_rows import PlannerRow, planner_rows
from cutpoint.planning import Planner, Problem, planner_named


@dataclass(frozen=True)
class Planned:
    """
    Everything that was found.

    Parameters
    ----------
    rows
        The best of the compiled table, per link.
    planners
        Per link, the planners side by side; empty lists if none was asked.
    """

    inputs: PlanInputs
    request: PlanRequest
    compiled: CompiledRows
    rows: list[PlanRow]
    planners: list[list[PlannerRow]]


def planned(inputs: PlanInputs, request: PlanRequest, *, quiet: bool) -> Planned:
    """
    Compile the table, choose a row per link, and ask the planners.

    Raises
    ------
    CostError
        If the limits name what the costs have not.
    """
    compiled = compiled_rows(inputs, request.limits)
    if not quiet:
        tell_gap(compiled)
    codings = [] if inputs.graph is None else baseline_codings(inputs.graph, request.input_as)
    rows = plan_rows(inputs, compiled, request.situations, request.objective, codings)
    planners = _planners(inputs, request)
    onward = request.onward if inputs.costs.num_hosts > 2 else None
    problems = [
        Problem(inputs.costs, conditions, request.limits, onward, request.num_jobs)
        for conditions in request.situations
    ]
    bar: Any = nullcontext(_unheard) if quiet or not planners else progress_bar("planners")
    with bar as listener:
        asked = planner_rows(planners, problems, listener)
    return Planned(inputs, request, compiled, rows, asked)


def _planners(inputs: PlanInputs, request: PlanRequest) -> list[Planner]:
    """Give those that were asked for; two servers are a matter for one that knows of both."""
    if request.planners or inputs.costs.num_hosts < 3:
        return request.planners
    return [planner_named("cutpoint"), planner_named("three-tiers")]


def _unheard(_: int, __: int, ___: str) -> None:
    """Nobody watches."""
