"""The digits bench on paper."""

from pathlib import Path
from statistics import median

import numpy as np

from cutpoint.lab.digits.bench import DigitsBench
from cutpoint.lab.digits.losses import TOLERANCES, CodecLoss
from cutpoint.lab.digits.shift import ShiftRun
from cutpoint.lab.plotting import pyplot

_SHOWN_AFTER = 150
_FLOOR = 1e-4


def digits_text(bench: DigitsBench) -> str:
    """Give the report as Markdown."""
    lines = [
        f"A network of three convolutions, trained by `docs/make_digits.py` on {bench.num_train} "
        f"of scikit-learn's digits, reads {bench.accuracy:.2%} of {bench.num_held_out} others "
        "right. What is left of that when a value crosses encoded:",
        "",
        "| cut at | codec | bytes | read right | same class | relative L2 (95 %) | struck by |",
        "|---|---|---|---|---|---|---|",
        *(_loss_line(loss) for loss in bench.losses),
        "",
        f"Judged by {' and '.join(f'`{text}`' for text in TOLERANCES)}. Entropy coding loses "
        "nothing beside what quantising does.",
        "",
        f"Sessions against a server process, each {bench.runs[0].before} inferences with "
        "pictures as calibrated, then with others until the codec is withdrawn, then 50 more:",
        "",
        "| what changes | codec | tolerance | checked | sessions | withdrawn before | inferences "
        "until withdrawn, median (least - most) | of them checked | answers of another class | "
        "exact afterwards |",
        "|" + "---|" * 10,
        *(_run_line(runs) for runs in _grouped(bench.runs)),
    ]
    return "\n".join(lines) + "\n"


def _loss_line(loss: CodecLoss) -> str:
    struck = ", ".join(loss.struck_by) or "-"
    return (
        f"| {loss.at} | {loss.codec} | {loss.ratio:.3f} | {loss.accuracy:.2%} | "
        f"{loss.agreement:.2%} | {loss.relative_l2:.1e} | {struck} |"
    )


def _grouped(runs: tuple[ShiftRun, ...]) -> list[list[ShiftRun]]:
    groups: dict[tuple[str, float], list[ShiftRun]] = {}
    for run in runs:
        groups.setdefault((run.shift, run.check_rate), []).append(run)
    return list(groups.values())


def _run_line(runs: list[ShiftRun]) -> str:
    first = runs[0]
    until = sorted(run.until_withdrawn for run in runs if run.until_withdrawn is not None)
    spread = f"{median(until):g} ({until[0]} - {until[-1]})" if until else "never"
    return (
        f"| {first.shift} | {first.codec} | {first.tolerance} | {first.check_rate:.0%} | "
        f"{len(runs)} | {sum(run.is_false for run in runs)} | {spread} | "
        f"{median(run.checks for run in runs):g} | {median(run.other_class for run in runs):g} | "
        f"{sum(run.is_exact_after for run in runs)} of {len(runs)} |"
    )


def plot_digits(bench: DigitsBench, path: Path) -> None:
    """Draw the errors of one session."""
    run = bench.runs[0]
    before = min(run.before, 100)
    until = before + (run.until_withdrawn or 0)
    errors = np.array(run.errors[: until + _SHOWN_AFTER])
    figure, axes = pyplot().subplots(figsize=(6.5, 3.2), layout="constrained")
    axes.semilogy(np.arange(len(errors)) - before, np.maximum(errors, _FLOOR), ".", markersize=3)
    axes.axvline(-0.5, color="#c44e52")
    axes.axvline(until - before - 0.5, color="#55a868")
    axes.text(0, 1.6, f" {run.shift}", color="#c44e52", fontsize=8)
    axes.text(until - before, 0.8, f" {run.codec} withdrawn", color="#55a868", fontsize=8)
    axes.set_ylim(_FLOOR / 2, 3)
    axes.set_xlabel("inferences")
    axes.set_ylabel("relative L2 of the answer\n(exact: at the bottom)")
    axes.set_title(
        f"{run.check_rate:.0%} of the inferences checked, tolerance {run.tolerance}",
        loc="left",
        fontsize=10,
    )
    figure.savefig(path, dpi=120)
    pyplot().close(figure)
