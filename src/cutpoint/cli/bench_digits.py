"""``cutpoint bench digits``: what codecs cost a network that was really trained."""

from pathlib import Path
from typing import Annotated

import typer

from cutpoint.cli.output import err, out, print_json
from cutpoint.lab.digits.bench import run_digits_bench
from cutpoint.lab.digits.report import digits_text, write_digits_report


def digits(
    report: Annotated[
        Path | None, typer.Option(help="Folder for digits.md, .png and .json.")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="One session of each kind.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """
    Train a small network on digits, see what every codec costs it, and change its inputs.

    The sessions run against a server process; each goes on until the codec is withdrawn.
    """
    result = run_digits_bench(
        quick=quick, listener=lambda text: err.print(f"{text} ...", markup=False)
    )
    if report is not None:
        write_digits_report(result, report)
    if json:
        print_json(result)
        return
    out.print(digits_text(result), markup=False)
