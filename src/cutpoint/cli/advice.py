"""What ``cutpoint advise`` found: made, said in words and a table, and as one document."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np

from cutpoint.cli.input_codings import input_codings
from cutpoint.cli.output import out, progress_bar, table
from cutpoint.cli.plan_inputs import PlanInputs, compiled_rows
from cutpoint.cost import NO_LIMITS
from cutpoint.cost.cost_table import Column
from cutpoint.lab.plan_plots import WORTH_IT, Savings, savings
from cutpoint.planning.objective import Objective
from cutpoint.records import Conditions
from cutpoint.units import format_bandwidth, format_duration, format_size, mbit_per_s

_SHOWN_LOADS = 5


@dataclass(frozen=True)
class Advice:
    """
    What splitting saves, for each way in which the input may travel.

    Parameters
    ----------
    like
        Round trip and waiting at every point.
    savings
        In the order in which the codings were asked about.
    """

    inputs: PlanInputs
    objective: Objective
    like: Conditions
    savings: tuple[Savings, ...]


def advice(
    inputs: PlanInputs,
    objective: Objective,
    like: Conditions,
    grid: tuple[Column, Column],
    codings: Sequence[str],
    *,
    quiet: bool,
) -> Advice:
    """
    Compare splits with the ends over a grid of bandwidths and loads.

    Parameters
    ----------
    grid
        Bandwidths in bytes per second, and loads; ascending.
    codings
        Of the input, as written; the usual ones if there is none.
    """
    wanted = [] if inputs.graph is None else input_codings(inputs.graph, codings)
    rows = compiled_rows(inputs, NO_LIMITS).rows
    bar: Any = nullcontext(_unheard) if quiet else progress_bar("conditions")
    found = []
    with bar as listener:
        for done, coding in enumerate(wanted):
            listener(done, len(wanted), f"input as {coding[0]}")
            found.append(savings(rows, objective, like, *grid, coding))
    return Advice(inputs, objective, like, tuple(found))


def print_advice(found: Advice) -> None:
    """Tell people: words first, then the small table."""
    device_s, server_s = found.inputs.whole_s[:2]
    device, server = found.inputs.sources[:2]
    out.print(f"[bold]{found.inputs.costs.name}[/bold]: ", end="")
    out.print(
        f"{format_duration(device_s)} on the device ({device}), {format_duration(server_s)} on "
        f"the server ({server})",
        markup=False,
        soft_wrap=True,
    )
    out.print(verdict(found), soft_wrap=True)
    for each in found.savings:
        out.print(f"  - {finding(each)}", soft_wrap=True)
    out.print(
        "Of the input only the coding is assumed, and that it costs no time; what crosses a "
        "split travels as it is.",
        soft_wrap=True,
    )
    if any(each.is_worth_it.any() for each in found.savings):
        out.print()
        out.print(_table(found))


def verdict(found: Advice) -> str:
    """Say in one sentence or two whether splitting pays."""
    what = {
        "latency": "latency",
        "throughput": "time between frames",
        "energy": "the device's energy",
        "weighted": "latency and energy, weighed",
        "p95": "the 95th percentile of latency",
        "deadline": f"energy within {format_duration(found.objective.deadline_s)}",
    }[found.objective.name]
    where = _where(found)
    paying = [each for each in found.savings if each.is_worth_it.any()]
    name = found.inputs.costs.name
    if not paying:
        return (
            f"Splitting {name} does not pay {where}, however the input travels: no split saves "
            f"over {WORTH_IT:.0%} of {what}. Switch between device-only and server-only; "
            "cutpoint does that by itself."
        )
    if len(paying) < len(found.savings):
        names = " or ".join(each.coding for each in paying)
        return (
            f"Splitting {name} pays in a part of the conditions {where}, and only if the input "
            f"travels as {names}; otherwise switch between device-only and server-only. In {what}:"
        )
    return f"Splitting {name} pays in a part of the conditions {where}. In {what}:"


def finding(each: Savings) -> str:
    """Say what splitting saves for one coding of the input."""
    start = f"input as {each.coding} ({format_size(each.input_bytes)}): "
    if not each.is_worth_it.any():
        return start + "splitting does not pay anywhere"
    most, bandwidth, load = each.largest
    return start + (
        f"a split is best by over {WORTH_IT:.0%} in {_percent(each.share_of_conditions)} of the "
        f"conditions; there it saves {each.mean:.0%} on average, at most {most:.0%} "
        f"(at {format_bandwidth(bandwidth)}, load {load:.3g})"
    )


def advice_document(found: Advice) -> dict[str, object]:
    """Give everything that is printed, and the whole grid; units are in the keys."""
    hosts = [
        {"source": source, "whole_s": whole_s}
        for source, whole_s in zip(found.inputs.sources, found.inputs.whole_s, strict=True)
    ]
    link = found.like.link
    return {
        "model": found.inputs.costs.name,
        "sha256": found.inputs.costs.sha256,
        "hosts": hosts,
        "objective": found.objective.text.partition("=")[0],
        "round_trip_s": None if link is None else link.round_trip_s,
        "wait_s": found.like.load.wait_s,
        "worth_it": WORTH_IT,
        "verdict": verdict(found),
        "inputs": [_saving_document(each) for each in found.savings],
    }


def _saving_document(each: Savings) -> dict[str, object]:
    most, bandwidth, load = each.largest
    return {
        "input_as": each.coding,
        "input_bytes": each.input_bytes,
        "finding": finding(each),
        "share_of_conditions": each.share_of_conditions,
        "mean_saving": each.mean,
        "largest_saving": most,
        "largest_at": {"bandwidth_bytes_per_s": bandwidth, "load": load} if most else None,
        "ranges": [
            {"load": float(slowdown), "bandwidth_bytes_per_s": each.range_at(index)}
            for index, slowdown in enumerate(each.loads)
        ],
        "bandwidths_bytes_per_s": each.bandwidths_bytes_per_s.tolist(),
        "loads": each.loads.tolist(),
        "saving": each.share.tolist(),
    }


def _table(found: Advice) -> Any:
    loads = found.savings[0].loads
    shown = np.unique(np.linspace(0, len(loads) - 1, _SHOWN_LOADS).round().astype(int))
    rows = [
        [f"{loads[index]:.3g}", *(_range(each.range_at(index)) for each in found.savings)]
        for index in shown.tolist()
    ]
    columns = ("load", *(f"input as {each.coding}" for each in found.savings))
    return table(f"where splitting saves over {WORTH_IT:.0%}", columns, rows)


def _range(ends: tuple[float, float] | None) -> str:
    if ends is None:
        return "nowhere"
    low, high = (mbit_per_s(end) for end in ends)
    return f"{low:.3g} - {high:.3g} Mbit/s"


def _where(found: Advice) -> str:
    first, link = found.savings[0], found.like.link
    low, high = first.bandwidths_bytes_per_s[[0, -1]]
    rate = format_bandwidth(float(low))
    rate = f"at {rate}" if low == high else f"from {rate} to {format_bandwidth(float(high))}"
    loads = f"load {first.loads[0]:.3g}"
    if len(first.loads) > 1:
        loads += f" to {first.loads[-1]:.3g}"
    round_trip_s = 0.0 if link is None else link.round_trip_s
    return f"{rate} at {loads} ({format_duration(round_trip_s)} round trip)"


def _percent(share: float) -> str:
    return "under 1%" if share < 0.01 else f"{share:.0%}"


def _unheard(_: int, __: int, ___: str) -> None:
    """Nobody watches."""
