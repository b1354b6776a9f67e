"""One run that shows what shape inference cannot know: types and sizes of some values."""

import logging
import re
from collections.abc import Iterable
from typing import Any

import numpy as np
import onnx
import onnx_ir as ir

from cutpoint.execution.element_types import from_runtime, is_fetchable
from cutpoint.execution.runtime import for_segments, onnxruntime_module, quiet_options
from cutpoint.execution.weights import weights_folder
from cutpoint.graph import TEXT, Arrays, Graph, Kind, Trial

_log = logging.getLogger(__name__)

_KINDS: dict[str, Kind] = {
    "tensor": "tensor",
    "seq": "sequence",
    "optional": "optional",
    "sparse_tensor": "sparse tensor",
}
_TYPE = re.compile(r"(\w+)\((.*)\)")
_LENGTH_BYTES = 4
"""Before each text on the wire."""


def unclear_values(graph: Graph) -> tuple[str, ...]:
    """Give the values whose type or size shape inference does not tell."""
    return tuple(
        name
        for name, value in graph.values.items()
        if value.kind == "unknown" or (value.can_travel and not value.has_known_size)
    )


def try_out(
    graph: Graph, names: Iterable[str], feed: Arrays, options: Any = None
) -> dict[str, Trial]:
    """
    Run the model once with some values as further outputs.

    Parameters
    ----------
    names
        The values.
    feed
        The model's inputs.
    options
        Session options of ONNX Runtime with whatever custom operators the model needs.

    Returns
    -------
    dict
        Types as ONNX Runtime infers them, and the bytes this run made; no bytes if it
        failed, nothing if the model with these outputs cannot even be loaded.
    """
    wanted = [name for name in names if name not in feed]
    if options is None:
        options = quiet_options()
    try:
        with for_segments(options, weights_folder(graph)) as lent:
            session = onnxruntime_module().InferenceSession(
                _with_outputs(graph, wanted), lent, providers=["CPUExecutionProvider"]
            )
    except Exception as error:  # a class per status, none of them public
        _log.warning("%s: %d values stay of unknown size: %s", graph.name, len(wanted), error)
        return {}
    types = {arg.name: arg.type for arg in session.get_outputs()}
    trial = {name: _typed(types[name]) for name in wanted if name in types}
    tensors = [name for name, seen in trial.items() if seen.dtype and is_fetchable(seen.dtype)]
    try:
        made = session.run(tensors, feed) if tensors else []
    except Exception as error:  # made-up inputs need not suit the model
        _log.warning("%s: a trial run on made-up inputs failed: %s", graph.name, error)
        return trial
    for name, array in zip(tensors, made, strict=True):
        trial[name] = trial[name]._replace(size_bytes=_size_bytes(array))
    return trial


def _with_outputs(graph: Graph, names: Iterable[str]) -> bytes:
    proto: onnx.ModelProto = ir.to_proto(graph.source)
    own = {output.name for output in proto.graph.output}
    proto.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names if name not in own)
    return proto.SerializeToString()


def _typed(text: str) -> Trial:
    """Read ONNX Runtime's words for a type, such as ``seq(tensor(float))``."""
    match = _TYPE.fullmatch(text)
    if match is None:
        return Trial(None, "unknown", None)
    kind = _KINDS.get(match[1], "unknown")
    return Trial(from_runtime(match[2]) if kind == "tensor" else None, kind, None)


def _size_bytes(array: Any) -> int:
    if array.dtype == np.dtype(TEXT):
        return sum(len(str(text).encode()) + _LENGTH_BYTES for text in array.reshape(-1))
    return int(array.nbytes)
