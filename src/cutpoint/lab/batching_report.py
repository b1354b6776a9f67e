"""The batching bench on paper."""

from pathlib import Path

import numpy as np

from cutpoint.lab.batching_bench import MODES, BatchingBench, ModelRow
from cutpoint.lab.plotting import pyplot

_COLORS = {"segments": "#c44e52", "tails": "#55a868", "off": "#4c72b0"}
_NAMES = {"segments": "across cuts", "tails": "per-tail queues", "off": "no batches"}


def batching_text(bench: BatchingBench) -> str:
    """Give the report as Markdown."""
    environment = bench.environment
    lines = [
        f"{bench.num_clients} clients at three cuts of one model, each with a connection of its "
        f"own and asking again as soon as it is answered; three servers asked in turns, "
        f"{bench.duration_s:g} s each: {environment.cpu}, one worker with one thread, ONNX Runtime "
        f"{environment.runtime}.",
        "",
        "| model | "
        + " | ".join(f"{_NAMES[mode]}, answers/s" for mode in MODES)
        + " | over per-tail queues (95 %) | over no batches (95 %) | mean batch | of per-tail "
        "queues | server CPU per answer, over per-tail queues | wrong answers |",
        "|---" * (len(MODES) + 7) + "|",
    ]
    lines += [_line(row) for row in bench.models]
    lines += ["", "What tails take as batches on the idle server, per request:", ""]
    lines += ["| model | tail | " + " | ".join(f"{size}" for size in (1, 2, 4, 8)) + " |"]
    lines += ["|---" * 6 + "|"]
    for row in bench.models:
        lines += [
            f"| {row.model} | {cut} | " + " | ".join(_per_request(times_s)) + " |"
            for cut, times_s in zip(row.cuts, row.tails_s, strict=True)
        ]
    return "\n".join(lines) + "\n"


def _line(row: ModelRow) -> str:
    speeds = " | ".join(f"{row.mode(mode).throughput_per_s:.1f}" for mode in MODES)
    ratios = []
    for mode in MODES[1:]:
        ratio = row.ratio_to(mode)
        ratios.append(f"{ratio.median:.2f} ({ratio.lower:.2f}-{ratio.upper:.2f})")
    batches = " | ".join(f"{row.mode(mode).batch:.2f}" for mode in MODES[:2])
    num_wrong = sum(mode.num_wrong for mode in row.modes)
    ours, theirs = (row.mode(mode).cpu_per_answer_s for mode in MODES[:2])
    cpu = f"{ours / theirs:.2f}" if theirs else "-"
    return f"| {row.model} | {speeds} | {' | '.join(ratios)} | {batches} | {cpu} | {num_wrong} |"


def _per_request(times_s: dict[int, float]) -> list[str]:
    return [
        f"{times_s[size] / size * 1e3:.2f} ms" if size in times_s else "-" for size in (1, 2, 4, 8)
    ]


def plot_batching(bench: BatchingBench, path: Path) -> None:
    """Draw throughput by model and way to batch."""
    figure, axes = pyplot().subplots(figsize=(6.5, 3.5), layout="constrained")
    width = 0.27
    for index, mode in enumerate(MODES):
        shares = [
            row.mode(mode).throughput_per_s / row.mode("off").throughput_per_s
            for row in bench.models
        ]
        places = np.arange(len(shares)) + (index - 1) * width
        axes.bar(places, shares, width, color=_COLORS[mode], label=_NAMES[mode])
    axes.set_xticks(range(len(bench.models)), [row.model for row in bench.models])
    axes.set_ylabel("answers/s, no batches = 1")
    axes.legend(frameon=False, fontsize=8)
    axes.set_title("Requests that entered at different cuts run as one", loc="left", fontsize=10)
    figure.savefig(path, dpi=120)
    pyplot().close(figure)
