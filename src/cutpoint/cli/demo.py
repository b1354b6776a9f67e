"""``cutpoint demo``: the main job, on this machine, in two minutes."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from cutpoint.cli.output import err, out, print_json, table
from cutpoint.lab.demo import DemoResult, run_demo
from cutpoint.lab.demo_plot import plot_demo
from cutpoint.lab.demo_report import Check, checks, policy_rows, write_records, write_table
from cutpoint.units import format_duration, format_size


def demo(
    report: Annotated[
        Path, typer.Option(help="Folder for the model, the plot and the records.")
    ] = Path("demo-report"),
    model: Annotated[str, typer.Option(help="A model of the zoo.")] = "squeezenet",
    slowdown: Annotated[
        float | None,
        typer.Option(help="Device's slow-down (default: so that the model takes 0.3 s)."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """
    Run one model on two machines while the link changes and the server dies.

    Starts a server, a link with 10 ms round trip that goes through several rates, and
    a device slowed by a stated factor. In the middle the server is killed with
    SIGKILL, later restarted. cutpoint, device-only and server-only run in turn, each
    on a link of its own. Exits with 1 if a promise below the table was not kept.
    """
    report.mkdir(parents=True, exist_ok=True)

    def say(text: str) -> None:
        (err if json else out).print(text, markup=False, soft_wrap=True)

    result = run_demo(report, model=model, slowdown=slowdown, listener=say)
    plot, records = report / "demo.png", report / "demo.jsonl"
    plot_demo(result, plot)
    write_records(result, records)
    write_table(result, report / "demo.md")
    found = checks(result)
    if json:
        print_json(_document(result, found, plot, records))
    else:
        _print(result, found, plot, records)
    if not all(check.is_kept for check in found):
        raise typer.Exit(1)


def _document(
    result: DemoResult, found: list[Check], plot: Path, records: Path
) -> dict[str, object]:
    return {
        "model": result.model,
        "slowdown": result.slowdown,
        "policies": [asdict(row) for row in policy_rows(result)],
        "checks": [asdict(check) for check in found],
        "plot": str(plot),
        "records": str(records),
    }


def _print(result: DemoResult, found: list[Check], plot: Path, records: Path) -> None:
    cells = [
        [
            row.name,
            str(row.num),
            format_duration(row.mean_s),
            format_duration(row.p50_s),
            format_duration(row.p95_s),
            format_size(row.sent_bytes),
            str(row.num_alone),
        ]
        for row in policy_rows(result)
    ]
    columns = ("", "inferences", "mean", "p50", "p95", "sent", "finished alone")
    out.print()
    out.print(table("latency on the same schedule", columns, cells))
    out.print()
    for check in found:
        mark = "ok  " if check.is_kept else "FAIL"
        out.print(f"{mark} {check.promise}: {check.found}", markup=False)
    out.print(f"plot {plot}", markup=False, soft_wrap=True)
    out.print(f"records {records}", markup=False, soft_wrap=True)
