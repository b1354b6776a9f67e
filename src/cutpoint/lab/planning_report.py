"""The planning bench on paper: a table, a plot, and every number as JSON."""

from pathlib import Path

from cutpoint.lab.planning_bench import LONGEST_COMPILE_S, GrowthRow, PlanningBench
from cutpoint.lab.plotting import pyplot

_LINES = {
    "decide_s": ("decision on the table, 3 servers", "#55a868"),
    "dads_s": ("corrected DADS: one minimum cut", "#c44e52"),
    "compile_s": ("compiling the table, once", "#4c72b0"),
}


def planning_text(bench: PlanningBench) -> str:
    """Give the report as Markdown."""
    lines = [
        f"{bench.environment.cpu}, one thread. "
        "A decision reads the conditions of three servers and gives a `Plan` (cut, codec, server, "
        "predicted parts) from the full table; the minimum cut is corrected DADS for one server "
        "and one codec. Both measured in turn, in one process; times of graphs that were not "
        "optimised, costs in proportion to operations.",
        "",
        "| model | nodes | rows | decision, median (p90) | minimum cut | ratio | compiling |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row.model} | {row.num_nodes} | {row.num_rows} | {row.decide_s * 1e6:.1f} "
        f"({row.decide_p90_s * 1e6:.1f}) µs | {row.dads_s * 1e6:.0f} µs | {row.ratio:.0f} x "
        f"| {row.compile_s * 1e3:.0f} ms |"
        for row in bench.decisions
    ]
    lines += [
        "",
        "A network is not compiled where the one before it took over "
        f"{LONGEST_COMPILE_S / 10:.0f} s.",
        "",
        "| made-up network | rows | decision | minimum cut | compiling |",
        "|---|---|---|---|---|",
    ]
    lines += [_growth_line(row) for row in bench.growth]
    return "\n".join(lines) + "\n"


def plot_growth(bench: PlanningBench, path: Path) -> None:
    """Draw seconds over the number of blocks, on logarithmic axes."""
    figure, axes = pyplot().subplots(figsize=(7, 4.5), layout="constrained")
    for name, (label, colour) in _LINES.items():
        points = [(row.num_blocks, getattr(row, name)) for row in bench.growth]
        known = [(size, took_s) for size, took_s in points if took_s is not None]
        if known:
            axes.loglog(*zip(*known, strict=True), "o-", color=colour, label=label)
    axes.set_xlabel("blocks of a made-up network")
    axes.set_ylabel("seconds")
    axes.set_title("What planning takes", loc="left")
    axes.grid(visible=True, which="major", alpha=0.3)
    axes.legend(frameon=False)
    figure.savefig(path, dpi=120)
    pyplot().close(figure)


def _growth_line(row: GrowthRow) -> str:
    cells = [
        f"{row.num_blocks:,}",
        "-" if row.num_rows is None else str(row.num_rows),
        "-" if row.decide_s is None else f"{row.decide_s * 1e6:.1f} µs",
        f"{row.dads_s * 1e3:.1f} ms",
        "-" if row.compile_s is None else f"{row.compile_s:.2f} s",
    ]
    return f"| {' | '.join(cells)} |"
