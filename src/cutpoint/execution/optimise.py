"""Optimise a model once, at the level whose nodes a cut may go between."""

import logging
import shutil
import tempfile
import weakref
from collections.abc import Collection
from pathlib import Path
from typing import Any

import onnx
import onnx_ir as ir
from onnx_ir.serde import SerdeError

from cutpoint.exceptions import ModelError, UnsafeModelError
from cutpoint.execution.content import Content, content_of
from cutpoint.execution.external_data import external_locations
from cutpoint.execution.load_limits import LoadLimits
from cutpoint.execution.model_file import ModelFile, described
from cutpoint.execution.parse import parse_model
from cutpoint.execution.quarantine import try_trusted, vetted_copy
from cutpoint.execution.runtime import for_optimising, onnxruntime_module
from cutpoint.execution.trial_run import try_out, unclear_values
from cutpoint.graph import (
    Arrays,
    Graph,
    Sizes,
    bind,
    check_runnable,
    checked_feed,
    graph_from_model,
    plain_model,
    sample_feed,
    sizes_of,
    value_names,
    with_trial,
)

_log = logging.getLogger(__name__)

_DATA_FILE = "weights.data"
_INLINE_BYTES = "1024"
"""Weights below this size stay in the model itself: shape inference reads them there."""

_WIDENED = "InsertedPrecisionFreeCast_"
"""How ONNX Runtime names values that it keeps in float32 instead of float16."""


def load_graph(
    file: ModelFile,
    *,
    sizes: Sizes | None = None,
    options: Any = None,
    feed: Arrays | None = None,
    trusted: bool = True,
    full_check: bool = True,
    limits: LoadLimits | None = None,
) -> Graph:
    """
    Load a model: optimised once at the basic level, read as a graph.

    ONNX Runtime's basic level folds constants and merges batch norms but keeps
    standard operators and the names of values, so cuts of its result can be named
    by the model file's values and run on any host. A part loaded with all
    optimisations equals the whole model bit for bit (measured).

    The optimised model's weights lie in a private temporary file that goes away
    with the graph; segments refer to it, so that no part holds a copy.

    Where shape inference knows too little (operators of other domains, shapes that
    depend on the data) one trial run on made-up inputs tells types and sizes; it is no
    error if that fails, such values are then no candidates for a cut.

    Parameters
    ----------
    file
        The model.
    sizes
        Binds open dimensions by name.
    options
        Session options of ONNX Runtime with whatever custom operators the model needs.
    feed
        Inputs that bind open dimensions, and for the trial run; made up by default.
    trusted
        Whether somebody vouches for the file. If not it is copied to a private folder, and
        the copy is taken through all of this, and run once, in a worker process under
        `limits` before this process touches it. That copy is what is loaded.
    full_check
        Whether to call onnx's checker, so that ONNX Runtime, which may crash of it, does
        not see here what is not valid ONNX. What the checker refuses is tried out in a
        worker process; if ONNX Runtime runs it there, a warning is logged and it is loaded.
    limits
        What the file may take; the defaults of `LoadLimits`.

    Raises
    ------
    ModelError
        If the file is not an ONNX model that ONNX Runtime can load, or no two hosts could
        share it.
    UnknownShapeError
        If an input has a dimension that nothing binds.
    UnsafeModelError
        If it breaks a limit, reaches outside its folder, or changes meanwhile.
    """
    graph = load_open_graph(
        file,
        sizes=sizes,
        options=options,
        trusted=trusted,
        full_check=full_check,
        limits=limits,
    )
    return completed(graph, feed, options)


def completed(graph: Graph, feed: Arrays | None = None, options: Any = None) -> Graph:
    """
    Bind what a feed binds, and find out by a trial run what shape inference does not tell.

    Parameters
    ----------
    graph, feed, options
        As for `load_graph`.

    Raises
    ------
    ModelError, UnknownShapeError
        As `load_graph`.
    """
    if feed is not None:
        feed = checked_feed(graph, feed)
        graph = bind(graph, {**graph.sizes, **sizes_of(graph, feed)})
    check_runnable(graph)
    unclear = unclear_values(graph)
    if not unclear:
        return graph
    return with_trial(graph, try_out(graph, unclear, feed or sample_feed(graph), options))


def load_open_graph(
    file: ModelFile,
    *,
    sizes: Sizes | None = None,
    options: Any = None,
    trusted: bool = True,
    full_check: bool = True,
    limits: LoadLimits | None = None,
) -> Graph:
    """
    Load a model as `load_graph` does, whatever is open in it, and without a trial run.

    Raises
    ------
    UnsafeModelError
        If it breaks a limit, reaches outside its folder, or changes meanwhile.
    ModelError
        If the file is not an ONNX model that ONNX Runtime can load.
    UnknownShapeError
        If a size is of no dimension of the model.
    """
    if trusted:
        proto = _checked(file, limits, sizes) if full_check else _parsed(file, limits)
        return _optimised(file, proto, sizes, options)
    with vetted_copy(file, limits, sizes, full_check=full_check) as copy:
        return _optimised(copy, parse_model(copy, limits, full_check=full_check), sizes, options)


def _optimised(file: ModelFile, proto: onnx.ModelProto, sizes: Sizes | None, options: Any) -> Graph:
    content = content_of(file, external_locations(proto))
    original = _plain(file, proto)
    names = value_names(original)
    fed = {value.name for value in original.graph.inputs if not value.is_initializer()}
    del original, proto
    folder = tempfile.mkdtemp(prefix="cutpoint-")
    try:
        model = _written(file, folder, content, options)
        _drop_left_over_inputs(model, fed)
        graph = graph_from_model(
            model, name=file.name, sha256=content.sha256, original_names=names, sizes=sizes
        )
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    # Of the model, not of the graph: a graph bound to other sizes has the same one.
    weakref.finalize(model, shutil.rmtree, folder, ignore_errors=True)
    return graph


def _written(file: ModelFile, folder: str, content: Content, options: Any) -> ir.Model:
    """Give the optimised model, whose weights are written to a folder."""
    path = Path(folder) / "optimised.onnx"
    _write_optimised(file, path, options)
    model = _read_written(path, folder)
    if _is_widened(model):
        _write_as_it_is(file, path)
        model = _read_written(path, folder)
    content.check_unchanged()  # ONNX Runtime has opened the files anew, by their names
    return model


def _read_written(path: Path, folder: str) -> ir.Model:
    return plain_model(
        onnx.load_model(str(path), format="protobuf", load_external_data=False), folder
    )


def _is_widened(model: ir.Model) -> bool:
    """Tell whether the runtime has no kernels for float16 here and computes in float32 instead."""
    return any(
        (value.name or "").startswith(_WIDENED) for node in model.graph for value in node.outputs
    )


def _write_as_it_is(file: ModelFile, path: Path) -> None:
    """
    Write the file's own graph where the optimised one was, weights outside.

    A widened graph has other values than the file and than hosts with such kernels have.
    Each part is widened by its own session, between whose ends values are float16.
    """
    if isinstance(file.source, bytes):
        original = plain_model(onnx.load_model_from_string(file.source))
    else:
        folder = str(Path(file.source).absolute().parent)
        original = plain_model(
            onnx.load_model(file.source, format="protobuf", load_external_data=False), folder
        )
    path.with_name(_DATA_FILE).unlink(missing_ok=True)
    ir.save(original, path, external_data=_DATA_FILE, size_threshold_bytes=int(_INLINE_BYTES))


def _drop_left_over_inputs(model: ir.Model, fed: Collection[str | None]) -> None:
    """Drop what old files list as inputs for weights that ONNX Runtime has folded away."""
    inputs = model.graph.inputs
    for value in [each for each in inputs if each.name not in fed and not each.is_initializer()]:
        inputs.remove(value)


def _parsed(file: ModelFile, limits: LoadLimits | None) -> onnx.ModelProto:
    return parse_model(file, limits, full_check=False, follows_links=True)


def _checked(file: ModelFile, limits: LoadLimits | None, sizes: Sizes | None) -> onnx.ModelProto:
    """Parse and check a file; what the checker refuses may be tried out in a worker instead."""
    try:
        return parse_model(file, limits, follows_links=True)
    except UnsafeModelError:
        raise
    except ModelError as refusal:
        proto = _parsed(file, limits)  # what cannot even be parsed raises
        try:
            try_trusted(file, limits, sizes)
        except ModelError:
            raise refusal from None
        _log.warning("%s; ONNX Runtime ran it all the same, in a trial", refusal)
        return proto


def _plain(file: ModelFile, proto: onnx.ModelProto) -> ir.Model:
    try:
        return plain_model(proto)
    except (SerdeError, ValueError, TypeError, AttributeError, KeyError) as error:
        raise ModelError(
            f"{described(file)} is not an ONNX model, or is cut short ({error}): "
            "check the file, or export it again"
        ) from error


def _write_optimised(file: ModelFile, path: Path, options: Any) -> None:
    runtime = onnxruntime_module()
    prefix = "session.optimized_model_external_initializers"
    entries = {
        f"{prefix}_file_name": _DATA_FILE,
        f"{prefix}_min_size_in_bytes": _INLINE_BYTES,
    }
    try:
        with for_optimising(options, path, entries) as lent:
            runtime.InferenceSession(file.source, lent, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime raises a class per status, none of them public
        why = str(error)
        if isinstance(file.source, str):  # of a copy nobody knows the path
            why = why.replace(file.source, described(file))
        raise ModelError(f"ONNX Runtime cannot load {described(file)}: {why}") from error
