"""``cutpoint bench``: speed and accuracy, measured in one run and written down."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from cutpoint.cli.bench_codecs import codecs
from cutpoint.cli.bench_digits import digits
from cutpoint.cli.bench_shares import shares
from cutpoint.cli.output import err, out, print_json, table
from cutpoint.lab.batching_bench import MODELS as BATCHING_MODELS
from cutpoint.lab.batching_bench import run_batching_bench
from cutpoint.lab.batching_report import batching_text, write_batching_report
from cutpoint.lab.extraction_bench import run_extraction_bench
from cutpoint.lab.extraction_report import extraction_text, write_extraction_report
from cutpoint.lab.overhead_bench import MODELS as OVERHEAD_MODELS
from cutpoint.lab.overhead_bench import run_overhead_bench
from cutpoint.lab.overhead_report import overhead_text, write_overhead_report
from cutpoint.lab.overload_bench import run_overload_bench
from cutpoint.lab.overload_report import overload_text, write_overload_report
from cutpoint.lab.planning_bench import SIZES, PlanningBench, run_planning_bench
from cutpoint.lab.planning_report import write_planning_report
from cutpoint.lab.predictors_bench import MODELS, run_predictors_bench
from cutpoint.lab.predictors_report import write_predictors_report
from cutpoint.lab.shapes_bench import run_shapes_bench
from cutpoint.lab.shapes_report import shapes_text, write_shapes_report
from cutpoint.units import format_duration

bench = typer.Typer(help="Measure cutpoint itself; reports in docs/ are made by `make bench`.")
for _command in (codecs, digits, shares):
    bench.command()(_command)

_MOST_DECISION_S = 10e-6
"""A decision's goal: median, every model."""


@bench.command()
def planning(
    report: Annotated[
        Path | None, typer.Option(help="Folder for planning.md, .png and .json.")
    ] = None,
    model: Annotated[
        list[str] | None, typer.Option(help="A model of the zoo (default: all); repeatable.")
    ] = None,
    largest: Annotated[
        int, typer.Option(min=100, help="Blocks of the largest made-up network.")
    ] = SIZES[-1],
    rounds: Annotated[int, typer.Option(min=1, help="Interleaved rounds per model.")] = 20,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """
    Measure a decision, compiling a table, and one minimum cut beside them.

    Nothing but the networks' shapes is needed: no model file, no server.
    """
    result = run_planning_bench(
        model,
        [size for size in SIZES if size <= largest],
        rounds,
        listener=lambda text: err.print(f"{text} ...", markup=False),
    )
    if report is not None:
        write_planning_report(result, report)
    if json:
        print_json(result)
        return
    _print(result)


@bench.command()
def predictors(
    report: Annotated[
        Path | None, typer.Option(help="Folder for predictors.md, .png and .json.")
    ] = None,
    model: Annotated[
        list[str] | None, typer.Option(help="A model of the zoo (default: twelve); repeatable.")
    ] = None,
    repeats: Annotated[int, typer.Option(min=2, help="Timed runs per model.")] = 10,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Profile models here and predict each from the others, to see how far off that is."""
    result = run_predictors_bench(
        model or MODELS, repeats, listener=lambda text: err.print(f"{text} ...", markup=False)
    )
    if report is not None:
        write_predictors_report(result, report)
    if json:
        print_json(result)
        return
    rows = [
        [
            error.model,
            format_duration(error.measured_s),
            format_duration(error.predicted_s),
            f"{error.whole_error:.0%}",
            f"{error.head_error:.1%}",
            f"{error.scaled_head_error:.1%}",
        ]
        for error in result.errors
    ]
    columns = ("left out", "measured", "predicted", "error", "heads", "heads, scaled")
    out.print(table("each model predicted by the others", columns, rows))
    out.print(
        f"whole models are {result.median_whole_error:.0%} off (median); heads, once scaled to one "
        f"measured total, {result.mean_scaled_head_error:.1%} of the whole (mean)"
    )


@bench.command()
def extraction(
    report: Annotated[
        Path | None, typer.Option(help="Folder for extraction.md, .png and .json.")
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(help="A model of the zoo (default: all of 100 nodes or more); repeatable."),
    ] = None,
    cuts: Annotated[int, typer.Option(min=1, help="Cuts per model.")] = 20,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure how long it takes to write both parts of a cut as models of their own."""
    result = run_extraction_bench(
        model, cuts, listener=lambda text: err.print(f"{text} ...", markup=False)
    )
    if report is not None:
        write_extraction_report(result, report)
    if json:
        print_json(result)
    else:
        out.print(extraction_text(result), markup=False)


@bench.command()
def shapes(
    report: Annotated[
        Path | None, typer.Option(help="Folder for shapes.md, .png and .json.")
    ] = None,
    calls: Annotated[int, typer.Option(min=1, help="Inputs, each of another length.")] = 120,
    slowdown: Annotated[
        float, typer.Option(min=1.0, help="Emulate a device this many times slower.")
    ] = 3.0,
    seed: Annotated[int, typer.Option(min=0, help="Of lengths and tokens.")] = 0,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Run inputs of 8 to 512 tokens: does the plan follow the shape, is every answer right."""
    with TemporaryDirectory(prefix="cutpoint-") as folder:
        result = run_shapes_bench(
            Path(folder),
            num_calls=calls,
            slowdown=slowdown,
            seed=seed,
            listener=lambda text: err.print(text, markup=False),
        )
    if report is not None:
        write_shapes_report(result, report)
    if json:
        print_json(result)
    else:
        out.print(shapes_text(result), markup=False)


@bench.command()
def overhead(
    report: Annotated[
        Path | None, typer.Option(help="Folder for overhead.md, .png and .json.")
    ] = None,
    model: Annotated[
        list[str] | None, typer.Option(help="A model of the zoo (default: three); repeatable.")
    ] = None,
    pairs: Annotated[int, typer.Option(min=20, help="Interleaved pairs, at least.")] = 1000,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Compare a session with ONNX Runtime's, and with the least a client of a server can do."""
    with TemporaryDirectory(prefix="cutpoint-") as folder:
        result = run_overhead_bench(
            Path(folder),
            model or OVERHEAD_MODELS,
            pairs,
            listener=lambda text: err.print(f"{text} ...", markup=False),
        )
    if report is not None:
        write_overhead_report(result, report)
    if json:
        print_json(result)
    else:
        out.print(overhead_text(result), markup=False)


@bench.command()
def overload(
    report: Annotated[
        Path | None, typer.Option(help="Folder for overload.md, .png and .json.")
    ] = None,
    model: Annotated[
        str, typer.Option(help="A model of the zoo that takes an image.")
    ] = "mobilenet_v2",
    seconds: Annotated[float, typer.Option(min=0.1, help="Of one load in one round.")] = 5.0,
    rounds: Annotated[int, typer.Option(min=1, help="Interleaved rounds.")] = 4,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Offer a server up to four times what it can do: goodput, refusals, attempts per request."""
    with TemporaryDirectory(prefix="cutpoint-") as folder:
        result = run_overload_bench(
            Path(folder),
            model,
            seconds,
            rounds,
            listener=lambda text: err.print(text, markup=False),
        )
    if report is not None:
        write_overload_report(result, report)
    if json:
        print_json(result)
    else:
        out.print(overload_text(result), markup=False)


@bench.command()
def batching(
    report: Annotated[
        Path | None, typer.Option(help="Folder for batching.md, .png and .json.")
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(help="text_encoder or a model of the zoo (default: three); repeatable."),
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Interleaved rounds per model.")] = 9,
    seconds: Annotated[
        float, typer.Option(min=0.1, help="How long each server is asked in a round.")
    ] = 4.0,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Let eight clients enter models at three cuts: batches across cuts, per tail, and none."""
    with TemporaryDirectory(prefix="cutpoint-") as folder:
        result = run_batching_bench(
            Path(folder),
            model or BATCHING_MODELS,
            num_rounds=rounds,
            duration_s=seconds,
            listener=lambda text: err.print(text, markup=False),
        )
    if report is not None:
        write_batching_report(result, report)
    if json:
        print_json(result)
    else:
        out.print(batching_text(result), markup=False)


def _print(result: PlanningBench) -> None:
    rows = [
        [
            row.model,
            str(row.num_nodes),
            str(row.num_rows),
            f"{row.decide_s * 1e6:.1f} µs",
            f"{row.dads_s * 1e6:.0f} µs",
            f"{row.ratio:.0f} x",
            f"{row.compile_s * 1e3:.0f} ms",
        ]
        for row in result.decisions
    ]
    columns = ("model", "nodes", "rows", "decision", "minimum cut", "ratio", "compiling")
    out.print(table("planning, per model", columns, rows))
    growth = [
        [
            f"{row.num_blocks:,}",
            f"{row.dads_s * 1e3:.1f} ms",
            "-" if row.compile_s is None else f"{row.compile_s:.2f} s",
        ]
        for row in result.growth
    ]
    out.print(table("made-up networks", ("blocks", "minimum cut", "compiling"), growth))
    late = [row.model for row in result.decisions if row.decide_s > _MOST_DECISION_S]
    slowest_s = max((row.decide_s for row in result.decisions), default=0.0)
    out.print(
        f"slowest decision (median): {slowest_s * 1e6:.1f} µs; "
        + (f"over 10 µs: {', '.join(late)}" if late else "every model within 10 µs")
    )
