"""``cutpoint split``: two plain ONNX files, of what is before a cut and what is behind it."""

from pathlib import Path
from typing import Annotated

import typer

from cutpoint.cli.chosen_model import chosen_model
from cutpoint.cli.cut_choice import values_at
from cutpoint.cli.model_options import InputsOption, SizesOption, UntrustedOption
from cutpoint.cli.output import err, out, print_json
from cutpoint.execution.comparison import Comparison
from cutpoint.execution.original import Original
from cutpoint.execution.part_file import PartFile
from cutpoint.execution.split import SplitFiles, split_original
from cutpoint.records import RAW
from cutpoint.units import format_size
from cutpoint.wire.names import TailName


def split(
    model: Annotated[Path, typer.Argument(help="The ONNX file.")],
    at: Annotated[
        list[str],
        typer.Option(
            metavar="VALUE[,VALUE...]|ID",
            help="What crosses: values, or the id of a cut that `cutpoint inspect` shows; may be "
            "repeated.",
        ),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder for head.onnx and tail.onnx.")
    ],
    codec: Annotated[
        str | None,
        typer.Option(
            metavar="uint8|float16",
            help="Let the head encode what crosses and the tail decode it: standard typed tensors "
            "travel between them.",
        ),
    ] = None,
    size: SizesOption = None,
    inputs: InputsOption = None,
    untrusted: UntrustedOption = False,
    verify: Annotated[
        bool, typer.Option(help="Run both parts and the whole, and compare their answers.")
    ] = True,
    force: Annotated[bool, typer.Option("--force", help="Replace files that are there.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """
    Write the two sides of a cut as plain ONNX files, for programs of your own.

    The head makes the values that cross, the tail takes them by the same names. Both are
    cut out of the model as it is in its file: weights, open dimensions, functions and
    metadata stay. Sizes and inputs are for the comparison; the files run at any.

    Another inference server that serves the tail under the name told here is offloaded to by
    a session: exact tails always, those with a codec where the session allows it.
    """
    chosen = chosen_model(model, size, inputs, is_untrusted=untrusted)
    original = Original(chosen.file)
    wanted = values_at(chosen, original.graph.original_names, at)
    found = split_original(
        original,
        wanted,
        output,
        codec=codec,
        sizes=chosen.sizes,
        feed=chosen.feed,
        overwrite=force,
        verify=verify,
    )
    name = str(TailName(chosen.file.name, chosen.file.sha256, found.cut, codec or RAW))
    if json:
        print_json(_document(found, name, codec))
        return
    _print(found, name, codec)


def _document(found: SplitFiles, name: str, codec: str | None) -> dict[str, object]:
    comparison = found.comparison
    return {
        "crossing": found.crossing,
        "codec": codec,
        "tail_name": name,
        "head": _described(found.head),
        "tail": _described(found.tail),
        "largest_difference": None if comparison is None else comparison.largest_difference,
        "coded_difference": None if comparison is None else comparison.coded_difference,
        "compared_at": None if comparison is None else dict(comparison.sizes),
        "not_compared_because": None if comparison is None else comparison.why_not or None,
    }


def _described(part: PartFile) -> dict[str, object]:
    return {
        "path": str(part.path),
        "data": None if part.data is None else str(part.data),
        "size_bytes": part.size_bytes,
        "nodes": part.num_nodes,
        "inputs": part.inputs,
        "outputs": part.outputs,
    }


def _print(found: SplitFiles, name: str, codec: str | None) -> None:
    for part in (found.head, found.tail):
        data = "" if part.data is None else f" with {part.data.name}"
        out.print(
            f"wrote {part.path}{data}: {part.num_nodes} nodes, {format_size(part.size_bytes)}, "
            f"{', '.join(part.inputs) or 'nothing'} -> {', '.join(part.outputs)}",
            markup=False,
            soft_wrap=True,
        )
    out.print(f"a server has the tail as {name}", markup=False, soft_wrap=True)
    comparison = found.comparison
    if comparison is None:
        return
    if comparison.why_not:
        err.print(
            f"note: not compared with the whole: {' '.join(comparison.why_not.split())}",
            markup=False,
            soft_wrap=True,
        )
        return
    sizes = ", ".join(f"{name}={size}" for name, size in comparison.sizes.items())
    out.print(
        f"tail(head(inputs)) and the whole{f' at {sizes}' if sizes else ''}: largest difference "
        f"{comparison.largest_difference:.3g} of the largest element{_lost(comparison, codec)}",
        markup=False,
        soft_wrap=True,
    )


def _lost(comparison: Comparison, codec: str | None) -> str:
    if comparison.coded_difference is None:
        return ""
    return f" without {codec}, {comparison.coded_difference:.3g} with it"
