"""``cutpoint calibrate``: see what codecs do to a model on data of yours."""

from pathlib import Path
from typing import Annotated

import typer

from cutpoint.cli.chosen_model import chosen_model
from cutpoint.cli.codec_options import (
    MeasuredCodecsOption,
    ToleranceOption,
    codec_names,
    tolerance_text,
)
from cutpoint.cli.cut_names import MOST_NAMED
from cutpoint.cli.model_options import CustomOpsOption, InputsOption, SizesOption, UntrustedOption
from cutpoint.cli.output import err, out, print_json, progress_bar, table
from cutpoint.client.codec_choice import codecs_named, installed_codecs
from cutpoint.cost import read_cut_table
from cutpoint.cost.calibration import CalibratedRow, Calibration
from cutpoint.cost.tolerance import L2, TOP1, Tolerance, tolerance_named
from cutpoint.execution import Segments, completed, load_open_graph
from cutpoint.execution.runtime import quiet_options
from cutpoint.graph import SERVER_ONLY, Cut, Graph, checked_feed, cut_at
from cutpoint.planning import cuts_to_hold
from cutpoint.profiling.calibrate import calibrate as calibrated
from cutpoint.profiling.calibration_feeds import MOST_FEEDS, read_feeds
from cutpoint.profiling.calibration_file import save_calibration


def calibrate(
    model: Annotated[Path, typer.Argument(help="The ONNX file.")],
    data: Annotated[
        Path,
        typer.Option(
            help="Folder of inputs like those of later: .npz (an array per input), .npy (a model "
            "of one input), or pictures, where the model takes them as bytes."
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Where the calibration goes.")],
    tolerance: ToleranceOption = None,
    codec: MeasuredCodecsOption = None,
    fixed_ranges: Annotated[
        bool,
        typer.Option(
            "--fixed-ranges",
            help="Quantise each value by one range, seen over all inputs, not by its own.",
        ),
    ] = False,
    cut: Annotated[
        list[str] | None,
        typer.Option(
            metavar="VALUE[,VALUE...]",
            help="Cut at these values; may be repeated. Default: the cuts a session holds.",
            show_default=False,
        ),
    ] = None,
    table_file: Annotated[
        Path | None,
        typer.Option("--table", help="Take the cuts of this table (`cutpoint plan --table`)."),
    ] = None,
    most: Annotated[int, typer.Option(min=1, help="Use so many inputs at most.")] = MOST_FEEDS,
    threads: Annotated[
        int | None, typer.Option(min=1, help="Threads inside one operator (default: all).")
    ] = None,
    size: SizesOption = None,
    inputs: InputsOption = None,
    custom_ops: CustomOpsOption = None,
    untrusted: UntrustedOption = False,
    json: Annotated[bool, typer.Option("--json", help="Print the calibration as JSON.")] = False,
) -> None:
    """
    Find out how small codecs make a model's values, and what they do to its outputs.

    Every crossing value of every cut is encoded and decoded with every codec, and the rest of
    the model computed on what is left. Give the file to `cutpoint run --calibration` with a
    tolerance: cuts and codecs that break it are not used.
    """
    judge = tolerance and tolerance_named(tolerance_text(tolerance) or "")
    names = codec_names(codec)
    codecs = installed_codecs(are_lossy=True) if names is None else codecs_named(names)
    chosen = chosen_model(model, size, inputs, custom_ops, is_untrusted=untrusted)
    options = quiet_options(threads, chosen.custom_ops)
    graph = load_open_graph(chosen.file, sizes=chosen.sizes, options=options)
    feeds = read_feeds(data, graph, most)
    graph = completed(graph, chosen.feed or checked_feed(graph, feeds[0]), options)
    segments = Segments(graph, _cuts(graph, cut, table_file), options=options)
    with progress_bar(f"calibrating {graph.name}") as listener:
        found = calibrated(
            segments,
            codecs,
            feeds,
            tolerance=judge or None,
            fixes_ranges=fixed_ranges,
            progress=listener,
        )
    save_calibration(found, output)
    if json:
        print_json(found)
        return
    _print(found, judge or None, output)


def _cuts(graph: Graph, texts: list[str] | None, table_file: Path | None) -> tuple[Cut, ...]:
    if texts:
        at = (text if text in graph.values else text.split(",") for text in texts)
        return tuple(cut_at(graph, [each] if isinstance(each, str) else each) for each in at)
    if table_file is not None:
        return read_cut_table(table_file, graph).splits
    return tuple(cuts_to_hold(graph))


def _print(found: Calibration, tolerance: Tolerance | None, path: Path) -> None:
    sizes = {(each.value, each.codec): each for each in found.values}
    rows = []
    for row in found.rows:
        sent = [sizes[value, row.codec] for value in row.crossing if (value, row.codec) in sizes]
        ratio = sum(each.sent_bytes for each in sent) / max(sum(e.raw_bytes for e in sent), 1.0)
        verdict = [] if tolerance is None else [_verdict(found, row, tolerance)]
        rows.append([_where(row), row.codec, f"{ratio:.3f}", *_errors(row), *verdict])
    columns = ("cut at", "codec", "bytes", "same class", "relative L2 (95 %)")
    last = () if tolerance is None else (str(tolerance),)
    out.print(table(f"on {found.num_feeds} inputs", (*columns, *last), rows, left=2))
    if tolerance is not None and found.num_feeds < tolerance.telling_feeds:
        err.print(
            f"note: {found.num_feeds} inputs in which nothing breaks {tolerance} do not show that "
            f"nothing will; {tolerance.telling_feeds} would",
            markup=False,
        )
    out.print(f"wrote {path}", markup=False)


def _where(row: CalibratedRow) -> str:
    if row.cut == SERVER_ONLY:
        return "inputs"
    more = len(row.crossing) - MOST_NAMED
    if more <= 0:
        return ", ".join(row.crossing)
    return f"{row.crossing[0]} and {len(row.crossing) - 1} more"


def _errors(row: CalibratedRow) -> list[str]:
    if row.is_lossless:
        return ["exact", "exact"]
    l2 = tolerance_named(f"{L2}:1")
    classes = row.errors.get(TOP1)
    same = "" if classes is None else f"{1 - sum(classes) / len(classes):.2%}"
    return [same, f"{l2.summary(row.errors[L2]):.2g}"]


def _verdict(found: Calibration, row: CalibratedRow, tolerance: Tolerance) -> str:
    return "struck" if found.is_struck(row.cut, row.codec, tolerance) else "kept"
