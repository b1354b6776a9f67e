"""``cutpoint zoo``: models to try things with."""

from pathlib import Path
from typing import Annotated

import typer

from cutpoint.cli.output import err, out, print_json, table
from cutpoint.lab.zoo import ZOO, ZooEntry, write


def zoo(
    names: Annotated[
        list[str] | None, typer.Argument(help="Models to write; without any, the list.")
    ] = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder the files go to.")
    ] = Path(),
    seed: Annotated[int, typer.Option(min=0, help="Of the random weights.")] = 0,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """
    List the models of the zoo, or write some of them.

    Real graphs with seeded random weights: times, sizes and shapes are those of the
    published nets, answers mean nothing. Copy one file to both hosts: the last bits
    of the calibrated weights differ between processors, and so would the digests.
    """
    if not names:
        _list(json)
        return
    output.mkdir(parents=True, exist_ok=True)
    written = []
    for name in names:
        if not json:
            err.print(f"making {name} ...")
        written.append(str(write(name, output / f"{name}.onnx", seed)))
    if json:
        print_json({"written": written})
        return
    for path in written:
        out.print(f"wrote {path}", markup=False)


def _list(json: bool) -> None:
    if json:
        print_json([_described(entry) for entry in ZOO.values()])
        return
    columns = ("name", "what it is", "image", "weights", "multiply-adds")
    out.print(table("model zoo", columns, [_row(entry) for entry in ZOO.values()]))


def _described(entry: ZooEntry) -> dict[str, object]:
    return {
        "name": entry.name,
        "summary": entry.summary,
        "image": entry.image,
        "num_parameters": entry.num_parameters,
        "gmacs": float(entry.gmacs),
        "source": entry.source,
    }


def _row(entry: ZooEntry) -> list[str]:
    _, height, width = entry.image
    size, weights = f"{height} x {width}", f"{entry.num_parameters / 1e6:.1f} M"
    return [entry.name, entry.summary, size, weights, f"{entry.gmacs} G"]
