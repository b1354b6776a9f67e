"""``cutpoint inspect``: what a model is, and where it can be cut."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer

from cutpoint.cli.output import out, print_json, table
from cutpoint.execution import ModelFile, load_graph
from cutpoint.graph import Cut, Graph, server_only
from cutpoint.planning import graph_cuts, mean_regret, non_dominated, shortlist
from cutpoint.units import format_size


@dataclass(frozen=True)
class CutRow:
    """One candidate cut as it is shown."""

    values: tuple[str, ...]
    cut: str
    share_of_operations: float
    size_bytes: int
    is_kept: bool
    why: str


def inspect(
    model: Annotated[Path, typer.Argument(help="The ONNX file.")],
    all_cuts: Annotated[
        bool, typer.Option("--all", help="List every candidate cut, not only those kept.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """
    Say what a model is and where it can be cut.

    A cut point is a value behind which the rest of the model may run on a server.
    KEPT cuts are those that can ever be the best: the model is held in pieces that
    end there.
    """
    graph = load_graph(ModelFile.open(model))
    candidates = graph_cuts(graph)
    kept = shortlist(graph, candidates)
    rows = [_row(graph, cut, kept, candidates) for cut in candidates]
    if json:
        print_json(_document(graph, rows))
        return
    _print(graph, rows, kept, candidates, all_cuts)


def _row(graph: Graph, cut: Cut, kept: tuple[Cut, ...], candidates: tuple[Cut, ...]) -> CutRow:
    if cut in kept:
        why = "kept"
    elif cut in non_dominated(graph, candidates):
        why = "rarely best: given up to keep the pieces few"
    else:
        why = "another cut computes no more here and sends no more"
    share = graph.flops(cut.head) / max(graph.flops(graph.all_nodes), 1.0)
    return CutRow(cut.crossing, cut.id, share, graph.size_bytes(cut.crossing), cut in kept, why)


def _document(graph: Graph, rows: list[CutRow]) -> dict[str, object]:
    return {
        "model": graph.name,
        "sha256": graph.sha256,
        "nodes": len(graph.nodes),
        "flops": graph.flops(graph.all_nodes),
        "inputs": [_described(graph, name) for name in graph.inputs],
        "outputs": [_described(graph, name) for name in graph.outputs if name in graph.values],
        "candidates": [asdict(row) for row in rows],
    }


def _described(graph: Graph, name: str) -> dict[str, object]:
    value = graph.values[name]
    return {
        "name": name,
        "dtype": value.dtype,
        "shape": value.shape,
        "size_bytes": value.size_bytes,
    }


def _print(
    graph: Graph, rows: list[CutRow], kept: tuple[Cut, ...], found: tuple[Cut, ...], all_cuts: bool
) -> None:
    out.print(f"[bold]{graph.name}[/bold]  sha256 {graph.sha256[:12]}")
    flops = graph.flops(graph.all_nodes)
    out.print(f"{len(graph.nodes)} nodes once optimised, {flops / 1e9:.2f} GFLOP")
    for kind, names in (("input", graph.inputs), ("output", graph.outputs)):
        for name in names:
            value = graph.values.get(name)
            if value is not None:
                shape = list(value.shape or ())
                size = format_size(value.size_bytes)
                out.print(f"{kind} {name}: {value.dtype}{shape}, {size}", markup=False)
    shown = [row for row in rows if all_cuts or row.is_kept]
    cells = [
        [
            ", ".join(row.values),
            row.cut,
            f"{row.share_of_operations:.1%}",
            format_size(row.size_bytes),
            "kept" if row.is_kept else row.why,
        ]
        for row in shown
    ]
    columns = ("cut at", "id", "operations before it", "sends", "")
    out.print(table(f"{len(found)} candidate cuts, {len(kept)} kept", columns, cells))
    if not kept:
        size = format_size(graph.size_bytes(server_only(graph).crossing))
        out.print(f"No cut sends less than the input ({size}): only the two ends are worth it.")
    elif len(non_dominated(graph, found)) > len(kept):
        regret = mean_regret(graph, kept, non_dominated(graph, found))
        out.print(f"Giving up the others costs {regret:.2%} on average.")
