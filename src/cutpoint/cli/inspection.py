"""What ``cutpoint inspect`` finds out of a model, and as one document."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from cutpoint.cli.looked_at import LookedAt
from cutpoint.execution import ModelFile
from cutpoint.execution.model_facts import ModelFacts, model_facts
from cutpoint.graph import Cut
from cutpoint.graph.reasons import Reason, reasons
from cutpoint.planning import non_dominated, shortlist

UNKNOWN = "?"

_GIVEN_UP = "rarely best: given up to keep the pieces few"
_DOMINATED = "another cut computes no more here and sends no more"


@dataclass(frozen=True)
class CutRow:
    """
    One candidate cut as it is shown.

    Parameters
    ----------
    values
        What crosses.
    cut
        Its id.
    share_of_operations, size_bytes
        Before it, and sent; ``None`` where sizes are not known.
    is_kept, why
        Whether models are held in pieces that end there; if not, why.
    """

    values: tuple[str, ...]
    cut: str
    share_of_operations: float | None
    size_bytes: int | None
    is_kept: bool
    why: str


@dataclass(frozen=True)
class Inspection:
    """
    Everything that is said of a model.

    Parameters
    ----------
    looked_at
        Its graph.
    facts
        Of its file.
    kept
        Cuts it is held at.
    rows
        All candidates.
    reasons
        Of every other value.
    """

    looked_at: LookedAt
    facts: ModelFacts
    kept: tuple[Cut, ...]
    rows: tuple[CutRow, ...]
    reasons: Mapping[str, Reason]


def inspection(file: ModelFile, looked_at: LookedAt) -> Inspection:
    """Find out everything that is said of a model."""
    graph, cuts = looked_at.graph, looked_at.cuts
    kept = shortlist(graph, cuts) if looked_at.is_bound and cuts else ()
    best = non_dominated(graph, cuts) if looked_at.is_bound and cuts else cuts
    rows = tuple(_row(looked_at, cut, kept, best) for cut in cuts)
    crossing_alone = {cut.crossing[0] for cut in cuts if len(cut.crossing) == 1}
    why_not = {k: reason for k, reason in reasons(graph).items() if k not in crossing_alone}
    return Inspection(looked_at, model_facts(file), kept, rows, why_not)


def inspection_document(found: Inspection) -> dict[str, object]:
    """Give everything as one document; sizes that are not known are null."""
    graph, looked_at = found.looked_at.graph, found.looked_at
    bound = graph.sizes if looked_at.is_bound else {}
    return {
        "model": graph.name,
        "sha256": graph.sha256,
        "file": asdict(found.facts),
        "nodes": len(graph.nodes),
        "flops": graph.flops(graph.all_nodes) if looked_at.is_bound else None,
        "is_bound": looked_at.is_bound,
        "dimensions": [{**d._asdict(), "size": bound.get(d.name)} for d in graph.dimensions],
        "obstacle": looked_at.obstacle or None,
        "inputs": [_described(looked_at, name) for name in graph.inputs],
        "outputs": [_described(looked_at, name) for name in graph.outputs if name in graph.values],
        "candidates": [asdict(row) for row in found.rows],
        "no_cuts": [
            {"value": name, "kind": reason.kind, "reason": reason.text}
            for name, reason in found.reasons.items()
        ],
    }


def shape_of(looked_at: LookedAt, name: str) -> list[int | str] | None:
    """Give a shape, its open dimensions by name where it is an input's, else as ``?``."""
    value = looked_at.graph.values[name]
    if looked_at.is_bound and value.shape is not None:
        return list(value.shape)
    if value.open_shape is None:
        return None
    names = {d.position: d.name for d in looked_at.graph.dimensions if d.input == name}
    return [
        size if size >= 0 else names.get(position, UNKNOWN)
        for position, size in enumerate(value.open_shape)
    ]


def _row(looked_at: LookedAt, cut: Cut, kept: tuple[Cut, ...], best: tuple[Cut, ...]) -> CutRow:
    graph = looked_at.graph
    if not looked_at.is_bound:
        return CutRow(cut.crossing, cut.id, None, None, False, "sizes are not known")
    why = "kept" if cut in kept else _GIVEN_UP if cut in best else _DOMINATED
    share = graph.flops(cut.head) / max(graph.flops(graph.all_nodes), 1.0)
    return CutRow(cut.crossing, cut.id, share, graph.size_bytes(cut.crossing), cut in kept, why)


def _described(looked_at: LookedAt, name: str) -> dict[str, object]:
    value = looked_at.graph.values[name]
    is_known = looked_at.is_bound and value.has_known_size
    return {
        "name": name,
        "dtype": value.dtype,
        "shape": shape_of(looked_at, name),
        "size_bytes": value.size_bytes if is_known else None,
    }
