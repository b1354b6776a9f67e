"""Split a model file into two plain ones: what is before a cut, and what is behind it."""

import logging
import os
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import onnx

from cutpoint.exceptions import FeedError, InvalidCutError
from cutpoint.execution.comparison import Comparison, compare
from cutpoint.execution.model_file import ModelFile
from cutpoint.execution.original import Original, is_described
from cutpoint.execution.part_file import PartFile, write_part
from cutpoint.execution.seen_types import seen_types
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
    crossing
        Names of the values that cross, sorted.
    comparison
        What came of running both beside the whole; ``None`` if that was not wanted.
    """

    head: PartFile
    tail: PartFile
    crossing: tuple[str, ...]
    comparison: Comparison | None


def split_model(
    file: ModelFile,
    at: Iterable[str],
    folder: str | os.PathLike[str],
    *,
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
    ModelError
        If the model cannot be used, or the parts do not compute what it does. Then
        nothing is written.
    FeedError
        If `feed` does not suit the model.
    FileExistsError
        If a file is there and is not to be replaced.
    """
    return split_original(
        Original(file),
        at,
        folder,
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
    at, folder, sizes, feed, options, overwrite, verify
        As for `split_model`.

    Raises
    ------
    InvalidCutError, ModelError, FeedError, FileExistsError
        As `split_model`.
    """
    folder = Path(folder)
    _check_is_other(original, folder)
    if not overwrite:
        _check_free(folder)
    cut = original.cut_at(at)
    parts = _parts(original, cut, sizes, feed, options)
    folder.mkdir(parents=True, exist_ok=True)
    # Beside their place, so that they appear there whole, and only if they are right.
    with tempfile.TemporaryDirectory(prefix=".cutpoint-", dir=folder) as unfinished:
        written = [
            write_part(
                part, original.folder, Path(unfinished) / name, is_apart=bool(original.data_files)
            )
            for part, name in zip(parts, (_HEAD, _TAIL), strict=True)
        ]
        paths = [each.path for each in written]
        comparison = (
            compare(original, paths, sizes=sizes, feed=feed, options=options) if verify else None
        )
        head, tail = (_moved(each, folder) for each in written)
    return SplitFiles(head, tail, cut.crossing, comparison)


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


def _parts(
    original: Original, cut: Cut, sizes: Sizes | None, feed: Mapping[str, Any] | None, options: Any
) -> tuple[onnx.ModelProto, onnx.ModelProto]:
    graph = original.graph
    taken = [name for name in graph.inputs if _is_of_head(graph, cut, name)]
    late = [name for name in graph.outputs if name in (*cut.returned, *graph.constants)]
    early = [name for name in graph.outputs if name not in late]
    sent = [name for name in cut.crossing if name not in graph.inputs]
    given = list(dict.fromkeys((*early, *sent)))
    infos = {name: original.info(name) for name in (*taken, *cut.crossing, *given, *late)}
    unclear = [name for name in (*given, *late) if not is_described(infos[name])]
    if unclear:
        infos.update(_seen(original, unclear, sizes, feed, options))
    for name in cut.crossing:
        _check_can_travel(original, infos[name])
    return (
        original.part([infos[name] for name in taken], [infos[name] for name in given]),
        original.part([infos[name] for name in cut.crossing], [infos[name] for name in late]),
    )


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
