"""The shapes' bench on paper."""

from pathlib import Path

from cutpoint.lab.plotting import pyplot
from cutpoint.lab.shapes_bench import POLICIES, ShapesBench

_COLORS = {"cutpoint": "#c44e52", "device-only": "#4c72b0", "server-only": "#55a868"}


def shapes_text(bench: ShapesBench) -> str:
    """Give the report as Markdown."""
    environment = bench.environment
    names = [name for name, _ in POLICIES]
    means = {name: bench.mean_s(name) for name in names}
    lines = [
        f"A text encoder on inputs of 8 to 512 tokens, each run by every policy in turns: "
        f"{environment.cpu}, one thread, ONNX Runtime {environment.runtime}, device slowed "
        f"{bench.slowdown:g} x, link 20 Mbit/s with 20 ms round trip. Both hosts were timed at "
        "64 tokens only.",
        "",
        "| tokens | calls | cutpoint ran it on | " + " | ".join(names) + " |",
        "|---" * (3 + len(names)) + "|",
    ]
    for row in bench.rows:
        where = ", ".join(f"{place} {num}" for place, num in sorted(row.placements.items()))
        medians = " | ".join(f"{row.median_s[name] * 1e3:.0f} ms" for name in names)
        span = f"{row.shortest}-{row.longest}" if row.longest > row.shortest else f"{row.shortest}"
        lines.append(f"| {span} | {row.num_calls} | {where} | {medians} |")
    mean_cells = " | ".join(f"**{means[name] * 1e3:.0f} ms**" for name in names)
    lines += [
        f"| **mean of all** | {len(bench.calls)} | | {mean_cells} |",
        "",
        f"Wrong answers: {bench.num_wrong}. Mean latency over that of the better end per bucket, "
        f"known only afterwards: {means['cutpoint'] / bench.best_fixed_s:.2f}.",
    ]
    return "\n".join(lines) + "\n"


def plot_shapes(bench: ShapesBench, path: Path) -> None:
    """Draw latencies over the length of the input."""
    figure, axes = pyplot().subplots(figsize=(6.5, 4), layout="constrained")
    for name, _ in POLICIES:
        lengths = [call.length for call in bench.calls]
        latencies_ms = [call.latency_s[name] * 1e3 for call in bench.calls]
        size = 26 if name == "cutpoint" else 10
        axes.scatter(lengths, latencies_ms, s=size, color=_COLORS[name], label=name, alpha=0.7)
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_xlabel("tokens")
    axes.set_ylabel("latency (ms)")
    axes.legend(frameon=False, fontsize=8)
    axes.set_title("The plan follows the length of the input", loc="left", fontsize=10)
    figure.savefig(path, dpi=120)
    pyplot().close(figure)
