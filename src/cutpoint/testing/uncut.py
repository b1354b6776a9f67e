"""A model as ONNX Runtime runs it by itself: what a cut is judged beside."""

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import onnx

from cutpoint.execution.element_types import as_ort_value, fetched, from_runtime, is_fetchable
from cutpoint.execution.element_types import to_fed as fed_to
from cutpoint.execution.runtime import onnxruntime_module, quiet_options

_TENSOR = re.compile(r"tensor\((\w+)\)")
_NEWEST_IR = re.compile(r"max supported IR version: (\d+)")
_BEYOND_ANY = 1 << 20
_RELEASED_ONLY = "ALLOW_RELEASED_ONNX_OPSET_ONLY"


@contextmanager
def development_opsets() -> Iterator[None]:
    """Let ONNX Runtime load models of an operator set that is not released yet."""
    before = os.environ.get(_RELEASED_ONLY)
    os.environ[_RELEASED_ONLY] = "0"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_RELEASED_ONLY]
        else:
            os.environ[_RELEASED_ONLY] = before


def readable(model: onnx.ModelProto) -> onnx.ModelProto:
    """
    Give the model with an IR version and operator set this ONNX Runtime reads.

    The suite stamps its newest tests with versions of which most use nothing. One that does
    is answered differently uncut, and says nothing of cutting.
    """
    newest_ir, newest_opset = _newest_ir_version(), _newest_opset()
    opset = next((each.version for each in model.opset_import if not each.domain), 0)
    if model.ir_version <= newest_ir and opset <= newest_opset:
        return model
    lowered = onnx.ModelProto()
    lowered.CopyFrom(model)
    lowered.ir_version = min(model.ir_version, newest_ir)
    imports = [*lowered.opset_import, *(e for f in lowered.functions for e in f.opset_import)]
    for each in imports:
        if not each.domain:
            each.version = min(each.version, newest_opset)
    return lowered


def run_uncut(model: onnx.ModelProto, inputs: Sequence[Any]) -> tuple[Any, ...]:
    """Run a model in one plain session; errors are ONNX Runtime's own."""
    options: Any = quiet_options(1)
    options.log_severity_level = 4  # what fails is told by the exception
    session: Any = onnxruntime_module().InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    names = [each.name for each in session.get_inputs()]
    feed = {name: _fed(value) for name, value in zip(names, inputs, strict=True)}
    if all(_is_given_plain(each.type) for each in session.get_outputs()):
        return tuple(session.run(None, feed))
    given = {name: as_ort_value(value) for name, value in feed.items()}
    return tuple(fetched(value) for value in session.run_with_ort_values(None, given))


def _fed(value: Any) -> Any:
    return fed_to(value) if hasattr(value, "dtype") else value


def _is_given_plain(kind: str) -> bool:
    match = _TENSOR.fullmatch(kind)
    dtype = from_runtime(match[1]) if match else None
    return match is None or (dtype is not None and is_fetchable(dtype))


@cache
def _newest_ir_version() -> int:
    """Ask by loading a model of the far future: ONNX Runtime then says what it reads."""
    graph = onnx.helper.make_graph([], "empty", [], [])
    future = onnx.helper.make_model(graph, ir_version=_BEYOND_ANY)
    try:
        onnxruntime_module().InferenceSession(future.SerializeToString())
    except Exception as error:  # a class per status, none of them public
        match = _NEWEST_IR.search(str(error))
        if match is not None:
            return int(match[1])
    return _BEYOND_ANY


@cache
def _newest_opset() -> int:
    """Ask by loading a model of each operator set, from the newest that onnx has."""
    kind = onnx.helper.make_tensor_type_proto(onnx.TensorProto.FLOAT, [1])
    given, made = (onnx.helper.make_value_info(name, kind) for name in "xy")
    nodes = [onnx.helper.make_node("Identity", ["x"], ["y"])]
    graph = onnx.helper.make_graph(nodes, "identity", [given], [made])
    with development_opsets():
        for version in range(onnx.defs.onnx_opset_version(), 1, -1):
            opset = [onnx.helper.make_opsetid("", version)]
            model = onnx.helper.make_model(graph, opset_imports=opset, ir_version=10)
            if _loads(model):
                return version
    return 1


def _loads(model: onnx.ModelProto) -> bool:
    options: Any = quiet_options(1)
    options.log_severity_level = 4
    try:
        onnxruntime_module().InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
    except Exception:  # a class per status, none of them public
        return False
    return True
