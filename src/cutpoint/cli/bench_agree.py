"""``cutpoint bench agree``: does a second run rank the policies as the first did."""

from pathlib import Path
from typing import Annotated

import typer

from cutpoint.cli.output import out, print_json


def agree(
    first: Annotated[Path, typer.Argument(help="NAME.json of one run.")],
    second: Annotated[Path, typer.Argument(help="NAME.json of another, with the same seed.")],
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """
    Look in a second report for every ranking of the first whose intervals do not overlap.

    Exits with 1 if one of them came the other way round, or not at all.
    """
    from cutpoint.lab.experiments.agreement import agreement, read_saved

    found = agreement(read_saved(first), read_saved(second))
    if json:
        print_json(found)
    else:
        num_repeated = found.num_rankings - len(found.broken) - len(found.missing)
        out.print(
            f"{num_repeated} of {found.num_rankings} rankings came again"
            if found.num_rankings
            else "the first report ranks nothing: no two intervals at one place lie apart"
        )
        for words, rankings in (("other way round", found.broken), ("not there", found.missing)):
            for ranking in rankings:
                out.print(f"{words}: {ranking}", markup=False, soft_wrap=True)
    if not found.is_repeated:
        raise typer.Exit(1)
