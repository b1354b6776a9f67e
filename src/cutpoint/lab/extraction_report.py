"""The extraction bench on paper."""

from pathlib import Path

from cutpoint.lab.extraction_bench import ExtractionBench
from cutpoint.lab.plotting import pyplot


def extraction_text(bench: ExtractionBench) -> str:
    """Give the report as Markdown."""
    lines = [
        f"{bench.environment.cpu}, one thread. Both parts of a cut, found and written as models of "
        "their own; weights are referred to. The first cut also writes every node of the graph.",
        "",
        "| net | nodes | first cut | further cuts, median | slowest | cuts |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row.model} | {row.num_nodes} | {row.first_s * 1e3:.1f} ms | {row.median_s * 1e3:.1f} "
        f"ms | {row.slowest_s * 1e3:.1f} ms | {row.num_cuts} |"
        for row in bench.rows
    ]
    return "\n".join(lines) + "\n"


def plot_extraction(bench: ExtractionBench, path: Path) -> None:
    """Draw milliseconds over the number of nodes."""
    figure, axes = pyplot().subplots(figsize=(6, 3.5), layout="constrained")
    nodes = [row.num_nodes for row in bench.rows]
    for label, color, times_s in (
        ("first cut", "#c44e52", [row.first_s for row in bench.rows]),
        ("further cuts (median)", "#4c72b0", [row.median_s for row in bench.rows]),
    ):
        axes.plot(nodes, [time_s * 1e3 for time_s in times_s], "o", color=color, label=label)
    axes.set_xlabel("nodes")
    axes.set_ylabel("both parts of a cut (ms)")
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False, fontsize=8)
    axes.set_title("Putting head and tail together", loc="left", fontsize=10)
    figure.savefig(path, dpi=120)
    pyplot().close(figure)
