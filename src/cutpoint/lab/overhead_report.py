"""The overhead bench on paper."""

from pathlib import Path

from cutpoint.lab.overhead_bench import OverheadBench, OverheadRow
from cutpoint.lab.plotting import pyplot

GOALS = {"whole": 1.01, "segments": 1.05, "server": 1.03}
"""Ratio that each way may cost at most."""

_WAYS = {
    "whole": 'here, `hold="whole"`',
    "segments": 'here, `hold="segments"`',
    "server": "all of it on the server",
}
_COLORS = {"whole": "#c44e52", "segments": "#4c72b0", "server": "#55a868"}


def overhead_text(bench: OverheadBench) -> str:
    """Give the report as Markdown."""
    environment = bench.environment
    lines = [
        f"What a session of cutpoint takes over what it stands on, measured in turns: "
        f"{environment.cpu}, one thread, ONNX Runtime {environment.runtime}. Here: CPU time of "
        "the calling thread over that of ONNX Runtime's own session, beside a server that is "
        "watched. There: latency over that of the faster of a unary and a streaming client that "
        "do nothing else.",
        "",
        "| model | where it runs | ratio of medians (95 %) | goal | reference | pairs | memory |",
        "|---|---|---|---|---|---|---|",
        *(_line(row) for row in bench.rows),
        "",
        f"Wrong answers: {sum(row.num_wrong for row in bench.rows)}. Answers that came from "
        f"elsewhere than the row says: {sum(row.num_elsewhere for row in bench.rows)}.",
    ]
    return "\n".join(lines) + "\n"


def _line(row: OverheadRow) -> str:
    ratio = row.ratio
    memory = "-"
    if row.memory_bytes:
        memory = (
            f"{row.memory_bytes / 2**20:.0f} against {row.reference_memory_bytes / 2**20:.0f} MiB"
        )
    return (
        f"| {row.model} | {_WAYS[row.way]} | **{ratio.ratio:.3f}** ({ratio.low:.3f}-"
        f"{ratio.high:.3f}) | {GOALS[row.way]:.2f} | {row.reference}, "
        f"{ratio.reference_s * 1e3:.2f} ms | {ratio.num_pairs} | {memory} |"
    )


def plot_overhead(bench: OverheadBench, path: Path) -> None:
    """Draw each ratio with its interval, and its goal."""
    figure, axes = pyplot().subplots(figsize=(6.5, 3.2), layout="constrained")
    for position, row in enumerate(bench.rows):
        ratio = row.ratio
        spread = [[ratio.ratio - ratio.low], [ratio.high - ratio.ratio]]
        axes.errorbar(ratio.ratio, position, xerr=spread, fmt="o", color=_COLORS[row.way])
        axes.plot([GOALS[row.way]] * 2, [position - 0.3, position + 0.3], color="black", lw=1)
    axes.axvline(1.0, color="grey", lw=0.8, ls="--")
    axes.set_yticks(range(len(bench.rows)), [f"{row.model}, {row.way}" for row in bench.rows])
    axes.invert_yaxis()
    axes.set_xlabel("times the reference (bars: 95 %; black: goal)")
    axes.set_title("What cutpoint costs", loc="left", fontsize=10)
    figure.savefig(path, dpi=120)
    pyplot().close(figure)
