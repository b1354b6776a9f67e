"""The overload bench on paper."""

from pathlib import Path

from cutpoint.lab.overload_bench import OverloadBench, OverloadRow
from cutpoint.lab.plotting import pyplot

LEAST_KEPT, MOST_REJECT_S, MOST_ATTEMPTS = 0.95, 10e-3, 1.10
"""Goals: goodput at three times the capacity / peak, 99th percentile of refusals, attempts."""


def overload_text(bench: OverloadBench) -> str:
    """Give the report as Markdown."""
    lines = [
        f"{bench.model} on one server of one worker and one thread ({bench.environment.cpu}), the "
        f"clients in a process of their own on the same machine: Poisson arrivals over four "
        f"connections, an answer is of use for {bench.deadline_s * 1e3:.0f} ms. Capacity, "
        f"measured anew in each of {len(bench.capacity_per_s)} rounds: "
        f"{', '.join(f'{each:.0f}' for each in bench.capacity_per_s)} answers/s.",
        "",
        "| offered | asked/s | in time/s (rounds) | refused | late | failed | answered p50, p99 | "
        "refused p50, p99 | source's lag p99 |",
        "|---|---|---|---|---|---|---|---|---|",
        *(_line(row) for row in bench.rows),
        "",
        f"Goodput at {bench.judged.factor:g} x: {bench.kept:.1%} of the peak (goal: "
        f"{LEAST_KEPT:.0%}); refusals {bench.judged.rejected_s[1] * 1e3:.1f} ms at p99 (goal: "
        f"{MOST_REJECT_S * 1e3:.0f} ms).",
        "",
        "Two servers in a list, counted at the clients:",
        "",
        "| who | requests | attempts | per request (goal: 1.10) | came to nothing | wrong |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {each.who} | {each.num_requests} | {each.num_attempts} | {each.per_request:.3f} | "
        f"{each.refused:.0%} | {each.num_wrong} |"
        for each in bench.attempts
    ]
    return "\n".join(lines) + "\n"


def _line(row: OverloadRow) -> str:
    rounds = ", ".join(f"{each:.0f}" for each in row.goodput_per_s)
    refused = "-" if not row.num_rejected else _pair(row.rejected_s)
    return (
        f"| {row.factor:g} x | {row.offered_per_s:.0f} | {row.mean_goodput_per_s:.1f} ({rounds}) | "
        f"{row.num_rejected} | {row.num_late} | {row.num_failed} | {_pair(row.answered_s)} | "
        f"{refused} | {row.lag_s * 1e3:.1f} ms |"
    )


def _pair(times_s: tuple[float, float]) -> str:
    return f"{times_s[0] * 1e3:.1f}, {times_s[1] * 1e3:.1f} ms"


def plot_overload(bench: OverloadBench, path: Path) -> None:
    """Draw goodput over the offered load."""
    figure, axes = pyplot().subplots(figsize=(6, 3.5), layout="constrained")
    factors = [row.factor for row in bench.rows]
    means = [row.mean_goodput_per_s for row in bench.rows]
    spread = [
        [mean - min(row.goodput_per_s) for mean, row in zip(means, bench.rows, strict=True)],
        [max(row.goodput_per_s) - mean for mean, row in zip(means, bench.rows, strict=True)],
    ]
    axes.errorbar(factors, means, spread, marker="o", capsize=3, color="#4c72b0")
    axes.axhline(LEAST_KEPT * bench.peak_per_s, color="#999999", linewidth=0.8, linestyle="--")
    axes.set_xlabel("offered load / capacity")
    axes.set_ylabel("answers in time per second")
    axes.set_ylim(bottom=0)
    axes.set_title("Answered in time, however much is asked for", loc="left", fontsize=10)
    figure.savefig(path, dpi=120)
    pyplot().close(figure)
