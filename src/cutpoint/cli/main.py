"""The program ``cutpoint``: one verb per command."""

import logging
import sys
from importlib.metadata import version
from typing import Annotated

import typer

from cutpoint.cli.demo import demo
from cutpoint.cli.inspect import inspect
from cutpoint.cli.output import err
from cutpoint.cli.plan import plan
from cutpoint.cli.profile import profile
from cutpoint.cli.run import run
from cutpoint.cli.serve import serve
from cutpoint.cli.zoo import zoo
from cutpoint.exceptions import CutpointError

app = typer.Typer(
    help="Run one ONNX model on a weak device and on edge servers at once; for every inference "
    "pick the cut that answers soonest.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
for command in (inspect, profile, serve, plan, run, zoo, demo):
    app.command()(command)


@app.callback()
def _settings(
    show_version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", is_eager=True)
    ] = False,
    log_level: Annotated[str, typer.Option(help="debug, info, warning or error.")] = "error",
) -> None:
    if show_version:
        typer.echo(version("cutpoint"))
        raise typer.Exit
    logging.basicConfig(level=log_level.upper(), format="%(levelname)s %(name)s: %(message)s")


def main() -> None:
    """Run the program; an error of ours is one line on standard error and exit code 1."""
    try:
        app()
    except CutpointError as error:
        err.print(f"[red]error:[/red] {type(error).__name__}: ", end="")
        err.print(str(error), markup=False)
        sys.exit(1)


if __name__ == "__main__":
    main()
