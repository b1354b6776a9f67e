"""The best row of the compiled table for each link, and the ends beside it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf, isfinite

import numpy as np

from cutpoint.cli.cut_names import crossing_values, cut_name, id_of, placement_word
from cutpoint.cli.plan_inputs import CompiledRows, PlanInputs
from cutpoint.cost import CostTable, HeadRows, placement_of, predict, stages
from cutpoint.planning.objective import Objective, chosen_row, objective_values
from cutpoint.records import RAW, Conditions, Parts, Placement
from cutpoint.units import format_size


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
    name, cut, crossing, codec, codecs, sent_bytes
        Of the row, for people and for programs; a codec for each crossing value.
    error
        What the codec does to the outputs, where that was seen.
    parts, frames_per_s
        Predicted.
    value, device_only, server_only
        What the objective makes small: seconds or joules.
    best_end, best_split
        The least of it among rows of either kind, whatever their codec.
    baselines
        Of server-only, for each way in which the input may come; encoding it so costs nothing.
    device_only_s, server_only_s, soonest_s
        Latency of the ends whatever the limits, and the least of what they allow.
    """

    conditions: Conditions
    placement: tuple[int, ...]
    name: str
    cut: str | None
    crossing: tuple[str, ...]
    codec: str
    codecs: tuple[str, ...]
    sent_bytes: float
    error: float | None
    parts: Parts
    frames_per_s: float
    value: float
    device_only: float
    server_only: float
    best_end: float
    best_split: float
    baselines: tuple["Baseline", ...]
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
        return self.saved_over(None)

    def saved_over(self, baseline: "Baseline | None") -> float | None:
        """Do so where server-only may also take the input as a baseline does."""
        end = min(self.best_end, inf if baseline is None else baseline.value)
        if self.best_split >= end:
            return 0.0
        return 1 - self.best_split / end if isfinite(end) else None


@dataclass(frozen=True)
class Baseline:
    """
    Server-only, where the input comes encoded in some way.

    Parameters
    ----------
    coding, input_bytes
        Of the input.
    value, latency_s
        What the objective makes small, and seconds.
    """

    coding: str
    input_bytes: float
    value: float
    latency_s: float


def plan_rows(
    inputs: PlanInputs,
    compiled: CompiledRows,
    situations: Sequence[Conditions],
    objective: Objective,
    codings: Sequence[tuple[str, float]] = (),
) -> list[PlanRow]:
    """
    Choose the best row under each of several conditions.

    Parameters
    ----------
    codings
        Ways in which the input may come, and its bytes then.
    """
    return [
        _plan_row(inputs, compiled, conditions, objective, codings) for conditions in situations
    ]


def row_name(costs: CostTable, rows: HeadRows, row: int) -> str:
    """Name a row for people: its cut, and its codec with what is then sent."""
    name = cut_name(costs, placement_of(rows.heads[row], costs.num_blocks))
    codec = rows.codecs[row]
    if codec == RAW:
        return name
    return f"{name} as {codec} ({format_size(float(rows.up_bytes[row]))})"


def _plan_row(
    inputs: PlanInputs,
    compiled: CompiledRows,
    conditions: Conditions,
    objective: Objective,
    codings: Sequence[tuple[str, float]],
) -> PlanRow:
    costs, rows = inputs.costs, compiled.rows
    prediction = predict(rows, conditions)
    latency_s = prediction.latency_s
    values = np.where(rows.is_allowed, objective_values(objective, rows, conditions), inf)
    is_split = np.array([0 < head < costs.everything for head in rows.heads])
    row = chosen_row(values)
    placement = () if row is None else placement_of(rows.heads[row], costs.num_blocks)
    crossing = crossing_values(costs, placement) if placement else ()
    codec = RAW if row is None else rows.codecs[row]
    cut = id_of(costs, placement) if placement else None
    return PlanRow(
        conditions=conditions,
        placement=placement,
        name="none" if row is None else row_name(costs, rows, row),
        cut=cut,
        crossing=tuple(value.name for value in crossing),
        codec=codec,
        codecs=_codecs_of(compiled, row, len(crossing)),
        sent_bytes=0.0 if row is None else float(rows.up_bytes[row]),
        error=inputs.codecs.error(cut, codec),
        parts=Parts(head_s=inf) if row is None else prediction.parts(row),
        frames_per_s=0.0 if row is None else float(stages(rows, conditions).frames_per_s[row]),
        value=inf if row is None else float(values[row]),
        device_only=float(values[0]),
        server_only=float(values[1]),
        best_end=float(values[~is_split].min()),
        best_split=float(values[is_split].min(initial=inf)),
        baselines=tuple(_baseline(rows, conditions, objective, each) for each in codings),
        device_only_s=float(latency_s[0]),
        server_only_s=float(latency_s[1]),
        soonest_s=float(np.where(rows.is_allowed, latency_s, inf).min()),
    )


def _codecs_of(compiled: CompiledRows, row: int | None, num_crossing: int) -> tuple[str, ...]:
    if row is None:
        return ()
    if compiled.cut_table is None:
        return (RAW,) * num_crossing
    return compiled.cut_table.codecs_of(row)


def _baseline(
    rows: HeadRows, conditions: Conditions, objective: Objective, coding: tuple[str, float]
) -> Baseline:
    name, input_bytes = coding
    server = replace(rows.only([1]), up_bytes=np.array([input_bytes]))
    value = float(objective_values(objective, server, conditions)[0])
    latency_s = float(predict(server, conditions).latency_s[0])
    return Baseline(name, input_bytes, value if server.is_allowed[0] else inf, latency_s)
