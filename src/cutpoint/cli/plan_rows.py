"""The best row of the compiled table for each link, and the two ends beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, isfinite

import numpy as np

from cutpoint.cli.cut_names import crossing_values, cut_name, id_of, placement_word
from cutpoint.cost import CostTable, HeadRows, placement_of, predict, stages
from cutpoint.planning.objective import Objective, chosen_row, objective_values
from cutpoint.records import Conditions, Parts, Placement


@dataclass(frozen=True)
class PlanRow:
    """
    What is best over one link; infinite values are beyond limits or deadline.

    Parameters
    ----------
    conditions
        Link and load.
    placement
        Host of each block; empty if nothing keeps limits and deadline.
    name, cut, crossing, sent_bytes
        Of the cut, for people and for programs.
    parts, frames_per_s
        Predicted.
    value, device_only, server_only
        What the objective makes small: seconds or joules.
    device_only_s, server_only_s, soonest_s
        Latency of the ends whatever the limits, and the least of what they allow.
    """

    conditions: Conditions
    placement: tuple[int, ...]
    name: str
    cut: str | None
    crossing: tuple[str, ...]
    sent_bytes: float
    parts: Parts
    frames_per_s: float
    value: float
    device_only: float
    server_only: float
    device_only_s: float
    server_only_s: float
    soonest_s: float

    @property
    def where(self) -> Placement | None:
        """Where it runs; ``None`` if nowhere."""
        return placement_word(self.placement) if self.placement else None

    @property
    def saved_by_split(self) -> float | None:
        """Share of the better end's value that a split saves; ``None`` if no end will do."""
        if self.where != "split":
            return 0.0
        end = min(self.device_only, self.server_only)
        if not isfinite(end):
            return None
        return 1 - self.value / end if end else 0.0


def plan_rows(
    costs: CostTable, rows: HeadRows, situations: Sequence[Conditions], objective: Objective
) -> list[PlanRow]:
    """Choose the best row under each of several conditions."""
    return [_plan_row(costs, rows, conditions, objective) for conditions in situations]


def _plan_row(
    costs: CostTable, rows: HeadRows, conditions: Conditions, objective: Objective
) -> PlanRow:
    prediction = predict(rows, conditions)
    latency_s = prediction.latency_s
    values = np.where(rows.is_allowed, objective_values(objective, rows, conditions), inf)
    row = chosen_row(values)
    placement = () if row is None else placement_of(rows.heads[row], costs.num_blocks)
    crossing = crossing_values(costs, placement) if placement else ()
    return PlanRow(
        conditions=conditions,
        placement=placement,
        name=cut_name(costs, placement) if placement else "none",
        cut=id_of(costs, placement) if placement else None,
        crossing=tuple(value.name for value in crossing),
        sent_bytes=sum(value.size_bytes for value in crossing),
        parts=Parts(head_s=inf) if row is None else prediction.parts(row),
        frames_per_s=0.0 if row is None else float(stages(rows, conditions).frames_per_s[row]),
        value=inf if row is None else float(values[row]),
        device_only=float(values[0]),
        server_only=float(values[1]),
        device_only_s=float(latency_s[0]),
        server_only_s=float(latency_s[1]),
        soonest_s=float(np.where(rows.is_allowed, latency_s, inf).min()),
    )
