"""``cutpoint bench codecs``: what every codec makes of what really crosses."""

from pathlib import Path
from typing import Annotated

import typer

from cutpoint.cli.output import err, out, print_json
from cutpoint.lab.codecs_bench import QUICK_MODELS, run_codecs_bench
from cutpoint.lab.codecs_report import codecs_text, write_codecs_report
from cutpoint.lab.codecs_summary import summary_of

_QUICK_ROUNDS, _QUICK_PLACED_S = 2, 3.0


def codecs(
    report: Annotated[
        Path | None, typer.Option(help="Folder for codecs.md, .png and .json.")
    ] = None,
    model: Annotated[
        list[str] | None, typer.Option(help="A model of the zoo (default: all); repeatable.")
    ] = None,
    codec: Annotated[
        list[str] | None,
        typer.Option(help="A codec (default: all, at usual settings); repeatable."),
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Interleaved rounds per model.")] = 5,
    seconds: Annotated[
        float, typer.Option(min=0.0, help="Per model, for codecs as in an inference.")
    ] = 10.0,
    quick: Annotated[
        bool, typer.Option("--quick", help="Three models, few rounds: under three minutes.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """
    Run models on photographs and every codec on what crosses: bytes, speed, times foretold.

    Beside it the libraries underneath, and how often a raw byte is copied.
    """
    result = run_codecs_bench(
        model or (QUICK_MODELS if quick else None),
        codecs=codec,
        rounds=min(rounds, _QUICK_ROUNDS) if quick else rounds,
        placed_s=min(seconds, _QUICK_PLACED_S) if quick else seconds,
        listener=lambda text: err.print(f"{text} ...", markup=False),
    )
    if report is not None:
        write_codecs_report(result, report)
    summary = summary_of(result)
    if json:
        print_json(summary)
    else:
        out.print(codecs_text(summary), markup=False)
