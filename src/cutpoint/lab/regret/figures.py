"""Regret by policy, and latency over a trace with the trace beneath."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from cutpoint.lab.arena.comparison import kept
from cutpoint.lab.experiments.form import Figure, ResultRow
from cutpoint.lab.plotting import pyplot
from cutpoint.lab.regret.exact import CUTPOINT, ORACLE, ExactCase
from cutpoint.lab.regret.measured import MeasuredCase
from cutpoint.lab.regret.world_of import load_at
from cutpoint.units import mbit_per_s, milliseconds

_SHOWN = {
    ORACLE: "#999999",
    CUTPOINT: "#c44e52",
    "device-only": "#4c72b0",
    "server-only jpeg": "#dd8452",
}
"""Policies whose latency is drawn over time."""

_EXACT, _MEASURED = "#55a868", "#8172b3"
_LEAST_SHOWN = 1e-3
"""On the logarithmic axis of regret."""

_RATE_EVERY_S = 0.5


def drawn_figures(
    rows: Sequence[ResultRow], cases: Sequence[ExactCase], measured: Sequence[MeasuredCase]
) -> tuple[Figure, ...]:
    """
    Give the figures of the report, the bars of regret first.

    Parameters
    ----------
    rows
        Of the report.
    """
    model = cases[0].model
    of_model = [row for row in rows if row.model == model and row.regret is not None]
    bars = Figure(
        "regret",
        f"Regret of every policy, {model}",
        "Mean latency over the oracle's, less one: exact (true conditions known one sample late, "
        "virtual clock) and measured (real clock, over the lowest median). Whiskers are 95 % "
        "intervals. Both have oracles of their own and are not to be compared with each other.",
        partial(_draw_bars, of_model),
    )
    by_link = {each.case.trace.name: each for each in measured}
    return (
        bars,
        *(
            Figure(
                f"regret-{case.trace.name}",
                f"Latency over time on {case.trace.name}, {model}",
                "Lines: what each choice truly takes on the virtual clock. Dots: cutpoint on the "
                "real clock, at the places that were measured. Beneath: the rate of the link; "
                "others load the server to 90 % where it is shaded.",
                partial(_draw_over_time, case, by_link.get(case.trace.name)),
            )
            for case in cases
            if case.model == model
        ),
    )


def _draw_bars(rows: Sequence[ResultRow], path: Path) -> None:
    links = list(dict.fromkeys(row.link for row in rows))
    figure, all_axes = pyplot().subplots(
        1, len(links), figsize=(6 * len(links), 5), layout="constrained", squeeze=False, sharey=True
    )
    names = [
        name
        for name in dict.fromkeys(row.policy for row in rows if row.policy != ORACLE)
        if "(" not in name and "lossless" not in name
    ][::-1]
    for axes, link in zip(all_axes[0], links, strict=True):
        of_link = [row for row in rows if row.link == link]
        _bars(axes, names, [row for row in of_link if row.clock == "virtual"], 0.2, _EXACT, "exact")
        measured = [row for row in of_link if row.clock == "real"]
        _bars(axes, names, measured, -0.2, _MEASURED, "measured")
        axes.set_xscale("log")
        axes.set_title(link, loc="left")
        axes.set_xlabel("regret (%), mean latency over the oracle's, less one")
        axes.set_yticks(range(len(names)), names)
        axes.grid(axis="x", color="#eeeeee")
        axes.set_axisbelow(True)
    all_axes[0][0].legend(frameon=False, loc="lower right")
    figure.savefig(path, dpi=120)
    pyplot().close(figure)


def _bars(
    axes: Any, names: Sequence[str], rows: Sequence[ResultRow], shift: float, colour: str, kind: str
) -> None:
    found = {row.policy: row.regret for row in rows}
    for at, name in enumerate(names):
        regret = found.get(name)
        if regret is None:
            continue
        mean, low, high = (max(each, _LEAST_SHOWN) for each in (regret.mean, *regret.ci))
        whisker = [[100 * max(mean - low, 0.0)], [100 * max(high - mean, 0.0)]]
        axes.barh(at + shift, 100 * mean, 0.38, color=colour, xerr=whisker, ecolor="#666666")
    axes.barh(0, 0, color=colour, label=kind)


def _draw_over_time(case: ExactCase, measured: MeasuredCase | None, path: Path) -> None:
    figure, (above, below) = pyplot().subplots(
        2, 1, figsize=(11, 6), sharex=True, layout="constrained", height_ratios=(3, 1)
    )
    for run in case.runs:
        if run.name in _SHOWN:
            style = "--" if run.name == ORACLE else "-"
            latency_ms = [milliseconds(each) for each in run.run.latency_s]
            above.plot(
                case.positions_s,
                latency_ms,
                style,
                color=_SHOWN[run.name],
                label=run.name,
                lw=1,
                zorder=2 if run.name in (CUTPOINT, ORACLE) else 1,
            )
    if measured is not None:
        shots = [shot for shot in kept(measured.shots) if shot.contender == CUTPOINT]
        above.scatter(
            [shot.spot.position_s for shot in shots],
            [milliseconds(shot.latency_s) for shot in shots],
            s=14,
            color=_SHOWN[CUTPOINT],
            edgecolor="black",
            linewidth=0.4,
            label="cutpoint, real clock",
            zorder=3,
        )
    above.set_yscale("log")
    above.set_ylabel("latency (ms)")
    above.legend(frameon=False, ncols=5, loc="upper center", bbox_to_anchor=(0.5, 1.12))
    _draw_rate(below, case)
    figure.savefig(path, dpi=120)
    pyplot().close(figure)


def _draw_rate(axes: Any, case: ExactCase) -> None:
    trace = case.trace
    times_s = np.arange(0.0, trace.duration_s, _RATE_EVERY_S)
    rates = [
        mbit_per_s(trace.up.sent_bytes(at_s, at_s + _RATE_EVERY_S) / _RATE_EVERY_S)
        for at_s in times_s.tolist()
    ]
    axes.fill_between(times_s, rates, step="post", color="#9db4d6")
    loaded = [at_s for at_s in times_s.tolist() if load_at(trace, at_s)]
    if loaded:
        axes.axvspan(loaded[0], loaded[-1], color="#c44e52", alpha=0.12)
    axes.set_ylabel("link (Mbit/s)")
    axes.set_xlabel(f"position in {trace.name} (s)")
