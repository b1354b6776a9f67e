"""The bench of Triton on paper."""

from pathlib import Path
from statistics import fmean, median

import numpy as np

from cutpoint.lab.plotting import pyplot
from cutpoint.lab.triton_bench.bench import (
    DELAY_S,
    DEVICE_TIMES,
    MODEL,
    POWER,
    UP_BYTES_PER_S,
    TritonBench,
)
from cutpoint.units import format_bandwidth

_COLORS = {
    "device": "#8c8c8c", "server": "#4c72b0", "diamond": "#55a868",
    "loadpart-followon": "#8172b2", "cutpoint": "#c44e52",
}  # fmt: skip


def triton_text(bench: TritonBench) -> str:
    """Give the report as Markdown."""
    settings = bench.settings
    callers = ", ".join(map(str, settings.callers))
    lines = [
        f"{MODEL} on a real Triton (Python backend running ONNX Runtime, segments and ensembles, "
        f"batches of up to 8, one thread each), a device {DEVICE_TIMES:g} times as slow as this "
        f"machine ({bench.device_s * 1e3:.0f} ms), {format_bandwidth(UP_BYTES_PER_S)} and "
        f"{DELAY_S * 1e3:g} ms each way. Another process keeps {callers} requests of the whole "
        f"model under way by tritonclient, {settings.phase_s:g} s each. Sessions take turns; "
        f"joules are those of `{POWER}`.",
        "",
        "What the statistics predict of a request of the whole model (W + E(b), by what was told "
        "before), beside what such requests of tritonclient took, each second:",
        "",
        "| instances | seconds | measured, ms | predicted, ms | median error |",
        "|---|---|---|---|---|",
    ]
    for number, windows in bench.windows.items():
        measured = [each.measured_s for each in windows]
        predicted = [each.predicted_s for each in windows]
        lines.append(
            f"| {number} | {len(windows)} | {_span(measured)} | {_span(predicted)} "
            f"| {bench.error(number):.1%} |"
        )
    lines += ["", *_policies(bench)]
    return "\n".join(lines) + "\n"


def _span(values_s: list[float]) -> str:
    low, high = np.quantile(values_s, [0.05, 0.95]) * 1e3
    return f"{median(values_s) * 1e3:.1f} ({low:.1f}-{high:.1f})"


def _policies(bench: TritonBench) -> list[str]:
    levels = sorted(set(bench.settings.callers))
    lines = [
        "Mean latency in ms, mean joules of the device, and the share that was planned to be "
        "offloaded, by requests of others under way:",
        "",
        "| instances | policy | " + " | ".join(f"{level} others" for level in levels) + " | all |",
        "|---" * (len(levels) + 3) + "|",
    ]
    for number in bench.settings.instances:
        for policy in bench.settings.policies:
            cells = [_cell(bench, policy, number, level) for level in (*levels, None)]
            lines.append(f"| {number} | {policy} | " + " | ".join(cells) + " |")
    return lines


def _cell(bench: TritonBench, policy: str, number: int, level: int | None) -> str:
    shots = bench.of(policy, number, level)
    if not shots:
        return "-"
    latency_ms = fmean(shot.latency_s for shot in shots) * 1e3
    joules = fmean(shot.energy_j for shot in shots)
    share = fmean(shot.planned != "device" for shot in shots)
    return f"{latency_ms:.0f} ms, {joules:.2f} J, {share:.0%}"


def plot_triton(bench: TritonBench, path: Path) -> None:
    """Draw mean latency by load, one panel for each number of instances."""
    levels = sorted(set(bench.settings.callers))
    numbers = bench.settings.instances
    figure, panels = pyplot().subplots(
        1, len(numbers), figsize=(2.6 * len(numbers) + 1, 3.2), sharey=True, layout="constrained",
        squeeze=False,
    )  # fmt: skip
    for axes, number in zip(panels[0], numbers, strict=True):
        for policy in bench.settings.policies:
            means = [
                fmean(shot.latency_s for shot in shots) * 1e3 if shots else np.nan
                for shots in (bench.of(policy, number, level) for level in levels)
            ]
            axes.plot(levels, means, marker="o", ms=3, color=_COLORS.get(policy), label=policy)
        axes.set_title(f"{number} instances" if number > 1 else "1 instance", fontsize=10)
        axes.set_xlabel("requests of others")
    panels[0][0].set_ylabel("mean latency, ms")
    panels[0][0].legend(frameon=False, fontsize=7)
    figure.savefig(path, dpi=120)
    pyplot().close(figure)
