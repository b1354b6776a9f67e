"""``cutpoint fit``: from profiles of some models to a predictor of others."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from cutpoint.cli.chosen_model import chosen_model
from cutpoint.cli.model_options import UntrustedOption
from cutpoint.cli.output import err, out, print_json, table
from cutpoint.cost import fit as fit_predictor
from cutpoint.cost import leave_one_out, predictor_to_json
from cutpoint.cost.whole_file import write_whole
from cutpoint.exceptions import ProfileError
from cutpoint.graph import Graph
from cutpoint.profiling import check_profile, load_profile
from cutpoint.records import Profile
from cutpoint.units import format_duration


def fit(
    pairs: Annotated[
        list[Path], typer.Argument(help="MODEL PROFILE MODEL PROFILE ...: two pairs at least.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Where the predictor goes.")],
    untrusted: UntrustedOption = False,
    json: Annotated[bool, typer.Option("--json", help="Print the errors as JSON.")] = False,
) -> None:
    """
    Fit a predictor of what models take on one host, from profiles of others taken there.

    Give the file to `cutpoint plan --device` or `--server` in place of a profile. Says
    how far off each model is when the fit has not seen it. Open dimensions are bound as
    each profile says.
    """
    samples = list(_samples(pairs, is_untrusted=untrusted))
    predictor = fit_predictor(samples)
    write_whole(output, predictor_to_json(predictor))
    errors = leave_one_out(samples)
    if json:
        print_json(errors)
        return
    rows = [
        [
            error.model,
            format_duration(error.measured_s),
            format_duration(error.predicted_s),
            f"{error.whole_error:.0%}",
            f"{error.scaled_head_error:.1%}",
        ]
        for error in errors
    ]
    columns = ("left out", "measured", "predicted", "error", "heads, scaled")
    out.print(table("each model predicted by the others", columns, rows))
    err.print("a measured profile is better wherever there is one", markup=False)
    out.print(f"wrote {output}", markup=False)


def _samples(pairs: Sequence[Path], *, is_untrusted: bool) -> Iterator[tuple[Graph, Profile]]:
    if len(pairs) < 4 or len(pairs) % 2:
        raise ProfileError(
            f"{len(pairs)} files are no pairs of model and profile: write MODEL PROFILE for at "
            "least two models"
        )
    for model, path in zip(pairs[::2], pairs[1::2], strict=True):
        profile = load_profile(path)
        sizes = [f"{name}={size}" for name, size in profile.sizes.items()]
        graph = chosen_model(model, sizes, is_untrusted=is_untrusted).load()
        check_profile(profile, sha256=graph.sha256, host_environment=None)
        yield graph, profile
