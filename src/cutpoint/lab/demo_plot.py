"""The demo as a picture: latency of every inference, over the phases of the link."""

from pathlib import Path
from typing import Any

from cutpoint.lab.demo import DemoResult
from cutpoint.lab.plotting import pyplot

_COLOURS = {"device": "#4c72b0", "split": "#55a868", "server": "#dd8452"}
_FIXED = {"device-only": ("#9db4d6", "-"), "server-only": ("#eab891", "-")}


def plot_demo(result: DemoResult, path: Path) -> None:
    """
    Draw latency against the round, one point per inference of cutpoint.

    Raises
    ------
    MissingDependencyError
        If matplotlib is not installed.
    """
    figure, axes = pyplot().subplots(figsize=(10, 4.5), layout="constrained")
    for policy, (colour, style) in _FIXED.items():
        latency_ms = [record.latency_s * 1e3 for record in result.of(policy)]
        axes.plot(latency_ms, style, color=colour, label=policy, linewidth=2, zorder=1)
    _draw_cutpoint(axes, result)
    _draw_phases(axes, result)
    axes.set_yscale("log")
    axes.set_xlabel("round")
    axes.set_ylabel("latency (ms)")
    title = f"{result.model}, device slowed {result.slowdown:g} x: where cutpoint ran it"
    axes.set_title(title, loc="left")
    figure.legend(loc="outside lower center", ncols=5, fontsize=8, frameon=False)
    figure.savefig(path, dpi=120)
    pyplot().close(figure)


def _draw_cutpoint(axes: Any, result: DemoResult) -> None:
    records = result.of("cutpoint")
    axes.plot([r.latency_s * 1e3 for r in records], color="#333333", linewidth=0.8, zorder=2)
    for where, colour in _COLOURS.items():
        points = [(i, r.latency_s * 1e3) for i, r in enumerate(records) if r.placement == where]
        if points:
            rounds, latency_ms = zip(*points, strict=True)
            label = f"cutpoint: {where}"
            axes.scatter(rounds, latency_ms, s=30, color=colour, label=label, zorder=3)


def _draw_phases(axes: Any, result: DemoResult) -> None:
    phases = [entry.phase for entry in result.entries if entry.policy == "cutpoint"]
    for number, phase in enumerate(result.scenario):
        inside = [index for index, each in enumerate(phases) if each == number]
        if not inside:
            continue
        first = inside[0] - 0.5
        axes.axvline(first, color="#bbbbbb", linewidth=0.8)
        if phase.server == "killed":
            axes.axvspan(first, inside[-1] + 0.5, color="#c44e52", alpha=0.12)
        axes.annotate(
            phase.title.replace(", ", "\n"),
            (first + 0.2, 0.98),
            xycoords=("data", "axes fraction"),
            va="top",
            fontsize=7,
        )
