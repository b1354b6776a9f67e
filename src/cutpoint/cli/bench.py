"""``cutpoint bench``: every experiment of the lab by its name, each with one form of report."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from inspect import Parameter, Signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cutpoint.cli.bench_agree import agree
from cutpoint.cli.output import err, out, print_json
from cutpoint.cli.progress import ProgressBar
from cutpoint.lab.experiments.registry import EXPERIMENTS, QUICK_BUDGET_S, Entry

if TYPE_CHECKING:
    from cutpoint.lab.experiments.form import Claim

bench = typer.Typer(
    help="Measure cutpoint beside its alternatives; reports in docs/ are made by `make bench`.",
    no_args_is_help=True,
)
bench.command()(agree)


@dataclass(frozen=True)
class _Option:
    """An option of the experiments' commands."""

    name: str
    kind: Any
    default: Any


_COMMON = (
    _Option(
        "quick",
        Annotated[
            bool,
            typer.Option("--quick", help=f"Sample it: under {QUICK_BUDGET_S / 60:g} minutes."),
        ],
        False,
    ),
    _Option(
        "seed",
        Annotated[
            int, typer.Option(min=0, help="Of what is drawn at random.")
        ],
        0,
    ),
    _Option(
        "report",
        Annotated[
            Path | None, typer.Option(help="Folder of the report (default: bench-report/NAME).")
        ],
        None,
    ),
    _Option(
        "json",
        Annotated[bool, typer.Option("--json", help="Print the report as JSON.")],
        False,
    ),
)  # fmt: skip

_CHOICES = {
    "models": _Option(
        "model",
        Annotated[
            list[str] | None,
            typer.Option(help="A model of the zoo (default: its own choice); repeatable."),
        ],
        None,
    ),
    "traces": _Option(
        "traces",
        Annotated[
            Path | None,
            typer.Option(help="Folder of link traces, Mahimahi or CSV (default: the package's)."),
        ],
        None,
    ),
}


def _command(entry: Entry) -> Callable[..., None]:
    """Make the command of an experiment: it has the options that the experiment takes."""

    def command(**given: Any) -> None:
        _run(entry, **given)

    options = (*(_CHOICES[choice] for choice in entry.takes), *_COMMON)
    parameters = [
        Parameter(each.name, Parameter.KEYWORD_ONLY, default=each.default, annotation=each.kind)
        for each in options
    ]
    # Typer reads both: which parameters there are, and of what types.
    command.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {each.name: each.kind for each in options}
    command.__doc__ = (
        f"{entry.summary}\n\nThe whole takes up to {entry.budget_s / 60:g} minutes on two cores. "
        "Exits with 1 if something that it claims does not hold."
    )
    return command


def _run(
    entry: Entry,
    *,
    quick: bool,
    seed: int,
    report: Path | None,
    json: bool,
    model: list[str] | None = None,
    traces: Path | None = None,
) -> None:
    # Experiments reach far; a command that runs none is not to wait for their modules.
    from cutpoint.lab.experiments.experiment import Options
    from cutpoint.lab.experiments.writer import require_writer, write_outcome

    folder = report or Path("bench-report") / entry.name
    models = _models_of(model) if model else None
    require_writer(folder)
    experiment = entry.load()
    with ProgressBar() as progress:
        outcome = experiment.run(Options(quick, seed, traces, models, progress))
    page = write_outcome(outcome, folder)
    if json:
        print_json(outcome.report)
    else:
        out.print(outcome.text.strip(), markup=False, soft_wrap=True)
        out.print()
        for claim in outcome.report.claims:
            out.print(_claim_line(claim), markup=False, soft_wrap=True)
        out.print(f"report {page}", markup=False, soft_wrap=True)
    failed = [claim for claim in outcome.report.claims if not claim.holds]
    if failed and json:
        err.print(*map(_claim_line, failed), sep="\n", markup=False, soft_wrap=True)
    if failed:
        raise typer.Exit(1)


def _models_of(names: Sequence[str]) -> tuple[str, ...]:
    """Give each once; one that is not in the zoo is an error before anything is measured."""
    from cutpoint.lab.zoo.catalogue import entry_of

    return tuple(dict.fromkeys(entry_of(name).name for name in names))


def _claim_line(claim: "Claim") -> str:
    mark = "ok  " if claim.holds else "FAIL"
    return f"{mark} {claim.name}: {claim.value:.4g}, bound {claim.bound:.4g}"


for _entry in EXPERIMENTS:
    bench.command(_entry.name)(_command(_entry))
