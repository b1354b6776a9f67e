"""``cutpoint bench shares``: where a split wins, and by how much."""

from pathlib import Path
from typing import Annotated

import typer

from cutpoint.cli.output import err, out, print_json
from cutpoint.lab.shares_bench import run_shares_bench
from cutpoint.lab.shares_report import shares_text, write_shares_report


def shares(
    report: Annotated[
        Path | None, typer.Option(help="Folder for shares.md, .png and .json.")
    ] = None,
    model: Annotated[
        list[str] | None, typer.Option(help="A model of the zoo (default: all); repeatable.")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Three small models.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """
    Compare splits with both ends over links, devices, servers and codecs.

    Nets and codecs are measured here; the conditions are computed.
    """
    result = run_shares_bench(
        model, quick=quick, listener=lambda text: err.print(f"{text} ...", markup=False)
    )
    if report is not None:
        write_shares_report(result, report)
    if json:
        print_json(result)
    else:
        out.print(shares_text(result), markup=False)
