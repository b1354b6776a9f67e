"""What ``cutpoint inspect`` says to people."""

from collections import Counter
from collections.abc import Iterator

from cutpoint.cli.inspection import UNKNOWN, CutRow, Inspection, shape_of
from cutpoint.cli.looked_at import LookedAt
from cutpoint.cli.output import out, table
from cutpoint.execution.model_facts import ModelFacts
from cutpoint.graph import server_only
from cutpoint.graph.reasons import IN_SHORT
from cutpoint.planning import mean_regret, non_dominated
from cutpoint.units import format_size

_MOST_NAMED = 3
_MOST_SHOWN = 12
"""Candidates of a model whose sizes are not known: none of them stands out."""


def print_inspection(found: Inspection, *, list_all: bool) -> None:
    """Tell people; the values that are no cuts one by one only if they are wanted."""
    graph, looked_at = found.looked_at.graph, found.looked_at
    out.print(f"[bold]{graph.name}[/bold]  sha256 {graph.sha256[:12]}")
    flops = graph.flops(graph.all_nodes)
    work = f", {flops / 1e9:.2f} GFLOP" if looked_at.is_bound else ""
    out.print(f"{len(graph.nodes)} nodes once optimised{work}")
    out.print(", ".join(_facts(found.facts)), markup=False, soft_wrap=True)
    ends: tuple[tuple[str, tuple[str, ...]], ...] = (
        ("input", graph.inputs),
        ("output", graph.outputs),
    )
    for kind, names in ends:
        for name in names:
            if name in graph.values:
                out.print(f"{kind} {_in_words(looked_at, name)}", markup=False, soft_wrap=True)
    if looked_at.obstacle:
        out.print(f"not to be shared by two hosts: {looked_at.obstacle}", markup=False)
    else:
        _print_cuts(found, list_all=list_all)
    _print_reasons(found, list_all=list_all)


def _in_words(looked_at: LookedAt, name: str) -> str:
    value, shape = looked_at.graph.values[name], shape_of(looked_at, name)
    if not value.can_travel:
        return f"{name}: {value.kind if value.kind != 'unknown' else 'of unknown type'}"
    sizes = "of any rank" if shape is None else f"[{', '.join(map(str, shape))}]"
    is_known = looked_at.is_bound and value.has_known_size
    size = format_size(value.size_bytes) if is_known else UNKNOWN
    dtype = "text" if value.dtype == "object" else value.dtype
    return f"{name}: {dtype}{'' if shape is not None else ' '}{sizes}, {size}"


def _facts(facts: ModelFacts) -> Iterator[str]:
    yield f"opset {facts.opset}" if facts.opset is not None else "no standard operators"
    if facts.producer:
        yield f"written by {facts.producer}"
    if facts.num_functions:
        yield _counted(facts.num_functions, "function")
    yield from (f"{number} {operator}" for operator, number in facts.control_flow.items())
    for domain, number in facts.domains.items():
        yield f"{_counted(number, 'node')} of {domain}"
    if facts.quantised:
        is_qdq = {"QuantizeLinear", "DequantizeLinear"} <= set(facts.quantised)
        counted = _counted(sum(facts.quantised.values()), "node")
        yield f"quantised ({'QDQ, ' if is_qdq else ''}{counted})"
    if facts.data_bytes:
        yield f"{format_size(facts.data_bytes)} in data files"


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _print_cuts(found: Inspection, *, list_all: bool) -> None:
    graph, cuts, kept = found.looked_at.graph, found.looked_at.cuts, found.kept
    if not found.looked_at.is_bound:
        _print_open(found)
    is_bound = found.looked_at.is_bound
    rows = [row for row in found.rows if list_all or row.is_kept or not is_bound]
    shown = rows if list_all else rows[:_MOST_SHOWN]
    cells = [_cells(row, list_all=list_all) for row in shown]
    columns = ("cut at", "id", "operations before it", "sends", "")
    counted = f"{len(cuts)} candidate cuts" + (f", {len(kept)} kept" if is_bound else "")
    out.print(table(counted, columns, cells))
    if len(shown) < len(rows):
        out.print(f"... and {len(rows) - len(shown)} more (--all)")
    if is_bound and not kept:
        size = format_size(graph.size_bytes(server_only(graph).crossing))
        out.print(f"No cut sends less than the input ({size}): only the two ends are worth it.")
    elif is_bound and len(non_dominated(graph, cuts)) > len(kept):
        regret = mean_regret(graph, kept, non_dominated(graph, cuts))
        out.print(f"Giving up the others costs {regret:.2%} on average.")


def _print_open(found: Inspection) -> None:
    looked_at = found.looked_at
    names = list(dict.fromkeys(dimension.name for dimension in looked_at.graph.dimensions))
    options = " ".join(f"--size {name}=N" for name in names) or "--size INPUT:POSITION=N"
    out.print(
        f"Not bound: {', '.join(names) or 'the rank of an input'}. Bytes and operations are known "
        f"with {options}, or --input FILE.npz.",
        markup=False,
        soft_wrap=True,
    )


def _cells(row: CutRow, *, list_all: bool) -> list[str]:
    share, size_bytes = row.share_of_operations, row.size_bytes
    return [
        _names(row.values, len(row.values) if list_all else _MOST_NAMED),
        row.cut,
        UNKNOWN if share is None else f"{share:.1%}",
        UNKNOWN if size_bytes is None else format_size(size_bytes),
        "kept" if row.is_kept else "" if share is None else row.why,
    ]


def _names(names: tuple[str, ...], most: int) -> str:
    rest = len(names) - most
    return ", ".join(names) if rest <= 0 else f"{', '.join(names[:most])} and {rest} more"


def _print_reasons(found: Inspection, *, list_all: bool) -> None:
    not_kept = Counter(
        row.why for row in found.rows if found.looked_at.is_bound and row.why != "kept"
    )
    if list_all:
        rows = [[name, reason.text] for name, reason in found.reasons.items()]
        if rows:
            out.print(table("no cuts", ("value", "why"), rows, left=2))
        return
    counts = Counter(reason.kind for reason in found.reasons.values())
    if counts or not_kept:
        out.print("Not cut at (--all lists them):")
    for why, number in not_kept.items():
        out.print(f"{number:6d}  {why}", markup=False)
    for kind, number in counts.most_common():
        out.print(f"{number:6d}  {IN_SHORT[kind]}", markup=False)
