"""The program ``cutpoint``: one verb per command."""

import logging
import signal
import sys
from importlib.metadata import version
from typing import Annotated

import typer

from cutpoint.cli.advise import advise
from cutpoint.cli.bench import bench
from cutpoint.cli.calibrate import calibrate
from cutpoint.cli.demo import demo
from cutpoint.cli.embed import embed
from cutpoint.cli.export import export
from cutpoint.cli.fit import fit
from cutpoint.cli.inspect import inspect
from cutpoint.cli.log_lines import LineFormatter, Sparing
from cutpoint.cli.output import err
from cutpoint.cli.plan import plan
from cutpoint.cli.profile import profile
from cutpoint.cli.run import run
from cutpoint.cli.serve import serve
from cutpoint.cli.split import split
from cutpoint.cli.zoo import zoo
from cutpoint.exceptions import CutpointError

_LOG_LEVELS = ("debug", "info", "warning", "error")

app = typer.Typer(
    help="Run one ONNX model on a weak device and on edge servers at once; for every inference "
    "pick the cut that answers soonest.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
for command in (
    inspect, split, export, embed, profile, calibrate, fit, serve, plan, advise, run, zoo, demo,
):  # fmt: skip
    app.command()(command)

app.add_typer(bench, name="bench")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(version("cutpoint"))
        raise typer.Exit


@app.callback()
def _settings(
    ctx: typer.Context,
    _: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version and exit.", callback=_print_version, is_eager=True
        ),
    ] = False,
    log_level: Annotated[
        str | None,
        typer.Option(help="debug, info, warning (what serve logs by default) or error (others)."),
    ] = None,
) -> None:
    # Who leaves a server running wants to know what it warns of; a command says it by its result.
    level = log_level or ("warning" if ctx.invoked_subcommand == "serve" else "error")
    if level.lower() not in _LOG_LEVELS:
        raise typer.BadParameter(f"{level!r}: write one of {', '.join(_LOG_LEVELS)}")
    handler = logging.StreamHandler()
    handler.setFormatter(LineFormatter("%(levelname)s %(name)s: %(message)s"))
    handler.addFilter(Sparing())
    logging.basicConfig(level=level.upper(), handlers=[handler])


def _end(number: int, frame: object) -> None:
    """End on SIGTERM as on Ctrl-C: what is temporary is cleaned up."""
    sys.exit(128 + number)


def main() -> None:
    """Run the program; an error of ours or of a file is one line (stderr) and exit code 1."""
    signal.signal(signal.SIGTERM, _end)
    try:
        app()
    except (CutpointError, OSError) as error:
        err.print(f"[red]error:[/red] {type(error).__name__}: ", end="")
        # ONNX Runtime's own words, which some errors quote, are of several lines.
        err.print(" ".join(str(error).split()), markup=False, soft_wrap=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
