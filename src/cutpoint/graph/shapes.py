"""Types and shapes of a model's values, as ONNX's shape inference and a trial run know them."""

import logging
from collections.abc import Mapping

import onnx
import onnx_ir as ir

from cutpoint.graph.dimensions import Sizes, bound_shape_of
from cutpoint.graph.element_types import TEXT, Shape
from cutpoint.graph.trial import Trial
from cutpoint.graph.value import Kind

_log = logging.getLogger(__name__)

_MOST_BYTES_READ = 4096
"""Larger weights are no shapes, and no inference reads them."""

_NO_TYPES = frozenset({ir.DataType.UNDEFINED})


def infer_shapes(model: ir.Model) -> None:
    """
    Write what shape inference finds into the model.

    Not strict: an operator it does not know hides its own outputs, not everybody's. Not
    onnx_ir's pass either: that one notes a sequence as the tensors it holds.
    """
    proto = ir.to_proto(model)
    for weight in proto.graph.initializer:
        if len(weight.raw_data) > _MOST_BYTES_READ:
            weight.ClearField("raw_data")  # its type and shape are all that is looked at
    try:
        found = onnx.shape_inference.infer_shapes(proto, strict_mode=False, data_prop=True)
    except Exception as error:  # whatever its C++ raises: a model without shapes still runs
        _log.warning("shapes of %r stay as they are in the file: %s", model.graph.name, error)
        return
    inferred = ir.from_proto(found)
    for graph, told in zip(model.graphs(), inferred.graphs(), strict=True):
        _take_over(graph, told)


def _take_over(graph: ir.Graph, told: ir.Graph) -> None:
    """Take over types and shapes, by names."""
    by_name = ir.convenience.create_value_mapping(told)
    for name, value in ir.convenience.create_value_mapping(graph).items():
        found = by_name.get(name)
        if found is None:
            continue
        if found.type is not None:
            value.type = found.type
        if found.shape is not None:
            value.shape = found.shape


def bound_model(model: ir.Model, sizes: Sizes) -> ir.Model:
    """Give the model with its inputs' open dimensions bound; the same one if none is open."""
    if all(value.shape is not None and value.shape.is_static() for value in _fed(model)):
        return model
    bound = model.clone()
    for value in _fed(bound):
        shape = bound_shape_of(value, sizes)
        if shape is not None:
            value.shape = ir.Shape(shape)
    infer_shapes(bound)
    return bound


def static_shape_of(value: ir.Value, sizes: Sizes) -> Shape | None:
    """Give a value's shape where every dimension is known or bound by its name."""
    if value.shape is None:
        return None
    shape = []
    for size in value.shape:
        if not isinstance(size, int):
            # A declared name, where inference came no further: the same name, the same size.
            size = sizes.get(size.value) if size.value else None
        if size is None:
            return None
        shape.append(size)
    return tuple(shape)


def dtype_of(value: ir.Value, trial: Mapping[str, Trial]) -> str | None:
    """Give NumPy's name of a tensor's element type; ``None`` for anything else."""
    if _kind(value) != "tensor":
        seen = trial.get(value.name or "")
        return seen.dtype if seen is not None and _kind(value) == "unknown" else None
    assert value.dtype is not None
    return TEXT if value.dtype == ir.DataType.STRING else str(value.dtype.numpy())


def kind_of(value: ir.Value, trial: Mapping[str, Trial]) -> Kind:
    """Tell a tensor from what can be none."""
    kind = _kind(value)
    seen = trial.get(value.name or "")
    return seen.kind if seen is not None and kind == "unknown" else kind


def _kind(value: ir.Value) -> Kind:
    if isinstance(value.type, ir.SequenceType):
        return "sequence"
    if isinstance(value.type, ir.OptionalType):
        return "optional"
    if isinstance(value.type, ir.SparseTensorType):
        return "sparse tensor"
    if value.dtype is None or value.dtype in _NO_TYPES:
        return "unknown"
    return "tensor"


def _fed(model: ir.Model) -> list[ir.Value]:
    return [value for value in model.graph.inputs if not value.is_initializer()]
