"""``cutpoint export``: a model and its tails as a repository of another inference server."""

from pathlib import Path
from typing import Annotated

import typer

from cutpoint.cli.chosen_model import ChosenModel, chosen_model
from cutpoint.cli.cut_choice import values_at
from cutpoint.cli.model_options import InputsOption, SizesOption, UntrustedOption
from cutpoint.cli.output import err, out, print_json
from cutpoint.cost import read_cut_table
from cutpoint.graph import Cut, Graph
from cutpoint.server.named_cut import named_cut
from cutpoint.server.triton import (
    Backend,
    ExportSettings,
    Layout,
    TritonRepository,
    export_repository,
)
from cutpoint.server.triton.export import DEFAULT_CUTS, default_cuts
from cutpoint.units import format_size


def export(
    model: Annotated[Path, typer.Argument(help="The ONNX file.")],
    triton: Annotated[
        Path,
        typer.Option(
            metavar="FOLDER",
            help="Model repository of NVIDIA Triton; made if need be.",
        ),
    ],
    layout: Annotated[
        Layout,
        typer.Option(
            help="segments: each segment is one model and each tail an ensemble of them, so that "
            "weights are held once; tails: each tail is one model with its own weights.",
        ),
    ] = "segments",
    backend: Annotated[
        Backend,
        typer.Option(
            help="onnxruntime, or python for a Triton that has no such backend: ONNX Runtime runs "
            "in its Python backend then.",
        ),
    ] = "onnxruntime",
    at: Annotated[
        list[str] | None,
        typer.Option(
            metavar="VALUE[,VALUE...]|ID",
            help="Cut here: the values that cross, or the id of a cut that `cutpoint inspect` "
            "shows; may be repeated, once for each cut.",
        ),
    ] = None,
    table: Annotated[
        Path | None, typer.Option(help="Cut as a compiled table says (`cutpoint plan --table`).")
    ] = None,
    cuts: Annotated[
        int, typer.Option(min=0, help="Without --at and --table: how many cuts, at most.")
    ] = DEFAULT_CUTS,
    max_batch: Annotated[
        int, typer.Option(min=1, help="Requests that may run as one; 1 for none.")
    ] = 8,
    instances: Annotated[
        int, typer.Option(min=1, help="Copies of each model that run at the same time.")
    ] = 1,
    threads: Annotated[
        int | None, typer.Option(min=1, help="Threads inside one operator (default: all).")
    ] = None,
    size: SizesOption = None,
    inputs: InputsOption = None,
    untrusted: UntrustedOption = False,
    force: Annotated[bool, typer.Option("--force", help="Replace models that are there.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """
    Write a model and its tails as a model repository of NVIDIA Triton.

    The names are those that a session asks for: one that is pointed at that Triton finds the
    whole and the tails by itself, checks each by its answer, and offloads to them.
    """
    chosen = chosen_model(model, size, inputs, is_untrusted=untrusted)
    graph = chosen.load()
    settings = ExportSettings(layout, backend, max_batch, instances, threads)
    found = export_repository(
        graph,
        triton,
        _wanted(chosen, graph, at, table, cuts),
        settings,
        example=chosen.feed,
        overwrite=force,
    )
    if json:
        print_json(_document(found, settings))
    else:
        _print(found, settings)


def _wanted(
    chosen: ChosenModel, graph: Graph, at: list[str] | None, table: Path | None, most: int
) -> tuple[Cut, ...]:
    if at:
        names = graph.original_names
        found = [named_cut(graph, values_at(chosen, names, [text])) for text in at]
        return tuple({cut.id: cut for cut in found}.values())
    if table is not None:
        return tuple(read_cut_table(table, graph).splits)
    return default_cuts(graph, most) if most else ()


def _document(found: TritonRepository, settings: ExportSettings) -> dict[str, object]:
    return {
        "folder": str(found.folder),
        "layout": settings.layout,
        "backend": settings.backend,
        "whole": found.whole,
        "models": found.models,
        "tails": [
            {"cut": cut.id, "crossing": cut.crossing, "name": name}
            for cut, name in found.tails.items()
        ],
        "left_out": [
            {"cut": cut.id, "crossing": cut.crossing, "why": why}
            for cut, why in found.left_out.items()
        ],
        "size_bytes": found.size_bytes,
    }


def _print(found: TritonRepository, settings: ExportSettings) -> None:
    out.print(
        f"wrote {found.folder}: {len(found.models)} models ({settings.layout}, backend "
        f"{settings.backend}), {format_size(found.size_bytes)}",
        markup=False,
        soft_wrap=True,
    )
    out.print(f"whole model: {found.whole}", markup=False, soft_wrap=True)
    for cut, name in found.tails.items():
        out.print(f"tail behind {', '.join(cut.crossing)}: {name}", markup=False, soft_wrap=True)
    for cut, why in found.left_out.items():
        err.print(
            f"note: no tail behind {', '.join(cut.crossing)}: {why}", markup=False, soft_wrap=True
        )
    out.print(
        f"start: tritonserver --model-repository={found.folder}", markup=False, soft_wrap=True
    )
