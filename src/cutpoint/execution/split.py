"""Split a model file into two plain ones: what is before a cut, and what is behind it."""

import logging
import os
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import onnx

from cutpoint.exceptions import FeedError, InvalidCutError
from cutpoint.execution.comparison import Comparison, compare
from cutpoint.execution.model_file import ModelFile
from cutpoint.execution.original import Original, is_described
from cutpoint.execution.part_file import PartFile, write_part
from cutpoint.execution.seen_types import seen_types
from cutpoint.execution.typed_comparison import TypedParts, compare_typed
from cutpoint.execution.typed_parts import (
    TypedCrossing,
    checked_opset,
    decode_tail,
    encode_head,
    typed_crossing,
)
from cutpoint.graph import Cut, Graph, Sizes

_log = logging.getLogger(__name__)

_HEAD, _TAIL = "head.onnx", "tail.onnx"
_WRITTEN = (_HEAD, _TAIL, f"{_HEAD}.data", f"{_TAIL}.data")


@dataclass(frozen=True)
class SplitFiles:
    """
    A model in two files.

    Parameters
    ----------
    head, tail
        The files. The tail takes what crosses, by the names that the head, or the model's
        caller, gives it; together they give every output of the model.
    cut
        Id of the cut, by which hosts name the tail.
    crossing
        Names of the values that cross, sorted.
    comparison
        What came of running both beside the whole; ``None`` if that was not wanted.
    """

    head: PartFile
    tail: PartFile
    cut: str
    crossing: tuple[str, ...]
    comparison: Comparison | None


class _Sides(NamedTuple):
    """What each part takes and gives, and what of that is encoded."""

    taken: list[onnx.ValueInfoProto]
    given: list[onnx.ValueInfoProto]
    crossing: list[onnx.ValueInfoProto]
    late: list[onnx.ValueInfoProto]
    typed: TypedCrossing | None
    kept: list[str]


def split_model(
    file: ModelFile,
    at: Iterable[str],
    folder: str | os.PathLike[str],
    *,
    codec: str | None = None,
    sizes: Sizes | None = None,
    feed: Mapping[str, Any] | None = None,
    options: Any = None,
    overwrite: bool = False,
    verify: bool = True,
) -> SplitFiles:
    """
    Write what a model computes before a cut as ``head.onnx``, the rest as ``tail.onnx``.

    Of the model as it is in its file, not optimised: nodes, names, weights, open dimensions,
    opset imports, metadata and the functions that a part needs stay as they are. Weights go
    to the part that needs them, to both if both do. They go from file to file: but for the
    comparison, the memory it takes does not depend on how many there are.

    Parameters
    ----------
    file
        The model.
    at
        Names of the values that cross.
    folder
        Where the files go; made if need be.
    codec
        ``"uint8"`` or ``"float16"``: the head ends in what encodes the values, the tail begins
        with what decodes them, so that standard typed tensors cross. Values that it does
        not encode (whole numbers) cross as they are.
    sizes
        Binds open dimensions of the inputs that are made up for the comparison.
    feed
        Inputs for the comparison, instead of made-up ones.
    options
        Session options of ONNX Runtime with whatever custom operators the model needs.
    overwrite
        Whether files of these names may be replaced.
    verify
        Whether to run both parts and the whole. If made-up inputs do not suit the model,
        that is no error.

    Raises
    ------
    InvalidCutError
        If the values do not separate the model, or one cannot cross; names it.
    CodecError
        If there is no such codec, or the model is of a version of ONNX without it.
    ModelError
        If the model cannot be used, or the parts do not compute what it does, but for what
        the codec loses. Then nothing is written.
    FeedError
        If `feed` does not suit the model.
    FileExistsError
        If a file is there and is not to be replaced.
    """
    return split_original(
        Original(file),
        at,
        folder,
        codec=codec,
        sizes=sizes,
        feed=feed,
        options=options,
        overwrite=overwrite,
        verify=verify,
    )


def split_original(
    original: Original,
    at: Iterable[str],
    folder: str | os.PathLike[str],
    *,
    codec: str | None = None,
    sizes: Sizes | None = None,
    feed: Mapping[str, Any] | None = None,
    options: Any = None,
    overwrite: bool = False,
    verify: bool = True,
) -> SplitFiles:
    """
    Split a model that is read already.

    Parameters
    ----------
    original
        The model.
    at, folder, codec, sizes, feed, options, overwrite, verify
        As for `split_model`.

    Raises
    ------
    InvalidCutError, CodecError, ModelError, FeedError, FileExistsError
        As `split_model`.
    """
    folder = Path(folder)
    _check_is_other(original, folder)
    if not overwrite:
        _check_free(folder)
    cut = original.cut_at(at)
    sides = _sides(original, cut, codec, sizes, feed, options)
    folder.mkdir(parents=True, exist_ok=True)
    # Beside their place, so that they appear there whole, and only if they are right.
    with tempfile.TemporaryDirectory(prefix=".cutpoint-", dir=folder) as name:
        unfinished = Path(name)
        written = _written(original, sides, unfinished)
        comparison = None
        if verify:
            asked = {"sizes": sizes, "feed": feed, "options": options}
            comparison = _compared(original, sides, written, unfinished, asked)
        head, tail = (_moved(each, folder) for each in written)
    return SplitFiles(head, tail, cut.id, cut.crossing, comparison)


def _compared(
    original: Original,
    sides: _Sides,
    written: list[PartFile],
    unfinished: Path,
    asked: Mapping[str, Any],
) -> Comparison:
    """Run the parts beside the whole; those with a codec beside the same without one, too."""
    paths = [each.path for each in written]
    if sides.typed is None:
        return compare(original, paths, **asked)
    plain = unfinished / "plain"
    plain.mkdir()
    exact = [each.path for each in _written(original, sides._replace(typed=None), plain)]
    names = tuple(value.name for value in sides.typed.values)
    typed = TypedParts(sides.typed.codec, names, *paths)
    return compare_typed(original, exact, typed, **asked)


def _check_is_other(original: Original, folder: Path) -> None:
    """Refuse to write a part over the model it is cut out of."""
    source = original.file.source
    if isinstance(source, bytes):
        return
    files = (Path(source).name, *original.data_files)
    read = {(Path(source).parent / each).resolve() for each in files}
    for name in _WRITTEN:
        if (folder / name).resolve() in read:
            raise FileExistsError(
                f"{folder / name} is the model itself, or its weights: name another folder"
            )


def _check_free(folder: Path) -> None:
    for name in _WRITTEN:
        if (folder / name).exists():
            raise FileExistsError(
                f"{folder / name} is there already: name another folder, or let it be replaced "
                "(overwrite=True, on the command line --force)"
            )


def _sides(
    original: Original,
    cut: Cut,
    codec: str | None,
    sizes: Sizes | None,
    feed: Mapping[str, Any] | None,
    options: Any,
) -> _Sides:
    graph = original.graph
    if codec is not None:
        checked_opset(original.proto, codec, graph.name)  # before anything is run
    late = [name for name in graph.outputs if name in (*cut.returned, *graph.constants)]
    early = [name for name in graph.outputs if name not in late]
    sent = [name for name in cut.crossing if name not in graph.inputs]
    given = list(dict.fromkeys((*early, *sent)))
    infos = {name: original.info(name) for name in (*graph.inputs, *cut.crossing, *given, *late)}
    unclear = [name for name in (*given, *late) if not is_described(infos[name])]
    if unclear:
        infos.update(_seen(original, unclear, sizes, feed, options))
    for name in cut.crossing:
        _check_can_travel(original, infos[name])
    crossing = [infos[name] for name in cut.crossing]
    typed = None if codec is None else typed_crossing(original.proto, crossing, codec, graph.name)
    encoded = frozenset() if typed is None else typed.names
    return _Sides(
        [infos[n] for n in graph.inputs if n in encoded or _is_of_head(graph, cut, n)],
        [infos[name] for name in given],
        crossing,
        [infos[name] for name in late],
        typed,
        early,
    )


def _written(original: Original, sides: _Sides, folder: Path) -> list[PartFile]:
    head = original.part(sides.taken, sides.given)
    tail = original.part(sides.crossing, sides.late)
    if sides.typed is not None:
        encode_head(head, sides.typed, sides.kept)
        decode_tail(tail, sides.typed)
    return [
        write_part(part, original.folder, folder / name, is_apart=bool(original.data_files))
        for part, name in ((head, _HEAD), (tail, _TAIL))
    ]


def _is_of_head(graph: Graph, cut: Cut, name: str) -> bool:
    """Tell whether the head takes an input; one that nothing uses stays with it."""
    users = graph.consumers_of(name)
    return not users or bool(users & cut.head)


def _seen(
    original: Original,
    names: Iterable[str],
    sizes: Sizes | None,
    feed: Mapping[str, Any] | None,
    options: Any,
) -> dict[str, onnx.ValueInfoProto]:
    """Try to see what types values have; whoever needs one that was not seen says so."""
    try:
        return seen_types(original, names, sizes=sizes, feed=feed, options=options)
    except FeedError as error:
        if feed is not None:
            raise
        _log.warning("%s: a trial run on made-up inputs failed: %s", original.file.name, error)
        return {}


def _check_can_travel(original: Original, info: onnx.ValueInfoProto) -> None:
    kind = info.type.WhichOneof("value")
    where = f"{info.name!r} of {original.file.name!r}"
    if kind not in (None, "tensor_type"):
        word = kind.removesuffix("_type").replace("_", " ")
        raise InvalidCutError(
            f"{where} is of kind {word}, no tensor: it cannot cross; cut before or behind it"
        )
    if not is_described(info):
        raise InvalidCutError(
            f"what {where} is, nobody knows before it runs (element type and number of "
            "dimensions), and made-up inputs did not show it: give inputs that the model runs on"
        )


def _moved(part: PartFile, folder: Path) -> PartFile:
    """Put a part into its place, its data file first; that of an older one goes."""
    (folder / f"{part.path.name}.data").unlink(missing_ok=True)
    for path in (part.data, part.path):
        if path is not None:
            path.replace(folder / path.name)
    data = None if part.data is None else folder / part.data.name
    return replace(part, path=folder / part.path.name, data=data)
