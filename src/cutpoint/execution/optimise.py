"""Optimise a model once, at the level whose nodes a cut may go between."""

import hashlib
import shutil
import tempfile
import weakref
from pathlib import Path
from typing import Any

import onnx
import onnx_ir as ir
from google.protobuf.message import DecodeError
from onnx_ir.serde import SerdeError

from cutpoint.exceptions import ModelError
from cutpoint.execution.model_file import ModelFile, file_digest
from cutpoint.execution.runtime import onnxruntime_module, quiet_options
from cutpoint.graph import Graph, graph_from_model, value_names

_DATA_FILE = "weights.data"
_INLINE_BYTES = "1024"
"""Weights below this size stay in the model itself: shape inference reads them there."""


def load_graph(file: ModelFile) -> Graph:
    """
    Load a model: optimised once at the basic level, read as a graph.

    ONNX Runtime's basic level folds constants and merges batch norms but keeps
    standard operators and the names of values, so cuts of its result can be named
    by the model file's values and run on any host. A part loaded with all
    optimisations equals the whole model bit for bit (measured).

    The optimised model's weights lie in a private temporary file that goes away
    with the graph; segments refer to it, so that no part holds a copy.

    Raises
    ------
    ModelError
        If the file is not an ONNX model that ONNX Runtime can load.
    UnknownShapeError
        If an input has a dimension that nothing binds.
    """
    original = _parse(file)
    names = value_names(original)
    sha256 = _digest_with_external_data(file, original)
    del original
    folder = tempfile.mkdtemp(prefix="cutpoint-")
    try:
        path = Path(folder) / "optimised.onnx"
        _write_optimised(file, path)
        model = ir.load(path)
        graph = graph_from_model(model, name=file.name, sha256=sha256, original_names=names)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    weakref.finalize(graph, shutil.rmtree, folder, ignore_errors=True)
    return graph


def _digest_with_external_data(file: ModelFile, original: ir.Model) -> str:
    """Give the digest hosts agree by: of the file, and of the data files it refers to."""
    tensors = (value.const_value for value in original.graph.initializers.values())
    locations = sorted({str(t.location) for t in tensors if isinstance(t, ir.ExternalTensor)})
    if not locations:
        return file.sha256
    if isinstance(file.source, bytes):
        raise ModelError(
            f"the model given as bytes keeps weights in {locations}: give its path instead"
        )
    digest = hashlib.sha256(file.sha256.encode())
    for location in locations:
        path = Path(file.source).parent / location
        digest.update(f"\n{location} {file_digest(path)}".encode())
    return digest.hexdigest()


def weights_folder(graph: Graph) -> str | None:
    """Give the folder whose data file the graph's weights are in; ``None`` if they are inline."""
    for value in graph.source.graph.initializers.values():
        tensor = value.const_value
        if isinstance(tensor, ir.ExternalTensor):
            return str(tensor.base_dir)
    return None


def _parse(file: ModelFile) -> ir.Model:
    try:
        if isinstance(file.source, bytes):
            return ir.from_proto(onnx.load_model_from_string(file.source))
        # Named, or onnx guesses from the suffix and reads a .json by another parser.
        model = onnx.load_model(file.source, format="protobuf", load_external_data=False)
        return ir.from_proto(model)
    except (DecodeError, SerdeError, OSError, ValueError, TypeError, AttributeError) as error:
        raise ModelError(
            f"{_where(file)} is not an ONNX model, or is cut short ({error}): "
            "check the file, or export it again"
        ) from error


def _write_optimised(file: ModelFile, path: Path) -> None:
    runtime = onnxruntime_module()
    options: Any = quiet_options()
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(path)
    prefix = "session.optimized_model_external_initializers"
    options.add_session_config_entry(f"{prefix}_file_name", _DATA_FILE)
    options.add_session_config_entry(f"{prefix}_min_size_in_bytes", _INLINE_BYTES)
    options.add_session_config_entry("session.disable_prepacking", "1")
    try:
        runtime.InferenceSession(file.source, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime raises a class per status, none of them public
        raise ModelError(f"ONNX Runtime cannot load {_where(file)}: {error}") from error


def _where(file: ModelFile) -> str:
    return "the model given as bytes" if isinstance(file.source, bytes) else str(file.source)
