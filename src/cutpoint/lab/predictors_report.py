"""The predictors' bench on paper."""

from pathlib import Path

from cutpoint.lab.plotting import pyplot
from cutpoint.lab.predictors_bench import PredictorsBench


def predictors_text(bench: PredictorsBench) -> str:
    """Give the report as Markdown."""
    environment = bench.environment
    lines = [
        f"Each model predicted by a fit on the others: {environment.cpu}, one thread, ONNX Runtime "
        f"{environment.runtime}. Errors of heads are means over the candidate cuts, relative to "
        "the measured whole.",
        "",
        "| left out | measured | predicted | error of the whole | of heads "
        "| of heads, scaled to one measured total |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {error.model} | {error.measured_s * 1e3:.1f} ms | {error.predicted_s * 1e3:.1f} ms "
        f"| {error.whole_error:.0%} | {error.head_error:.1%} | {error.scaled_head_error:.1%} |"
        for error in bench.errors
    ]
    lines += [
        f"| **mean** | | | {bench.mean_whole_error:.0%} (median {bench.median_whole_error:.0%}) "
        f"| {bench.mean_head_error:.1%} | {bench.mean_scaled_head_error:.1%} |",
    ]
    return "\n".join(lines) + "\n"


def plot_predictors(bench: PredictorsBench, path: Path) -> None:
    """Draw predicted over measured times."""
    figure, axes = pyplot().subplots(figsize=(5.5, 5), layout="constrained")
    measured = [error.measured_s * 1e3 for error in bench.errors]
    predicted = [error.predicted_s * 1e3 for error in bench.errors]
    ends = [min(measured + predicted) / 1.5, max(measured + predicted) * 1.5]
    axes.loglog(ends, ends, color="#999999", linewidth=1)
    axes.loglog(measured, predicted, "o", color="#4c72b0")
    for error, x, y in zip(bench.errors, measured, predicted, strict=True):
        axes.annotate(error.model, (x, y), xytext=(4, 3), textcoords="offset points", fontsize=7)
    axes.set_xlim(*ends)
    axes.set_ylim(*ends)
    axes.set_xlabel("measured (ms)")
    axes.set_ylabel("predicted without having seen it (ms)")
    axes.set_title("Whole models, each left out of the fit", loc="left", fontsize=10)
    figure.savefig(path, dpi=120)
    pyplot().close(figure)
