"""The open dimensions of a model file, known before it is loaded."""

import onnx_ir as ir

from cutpoint.execution.light_model import light_model
from cutpoint.execution.model_file import ModelFile
from cutpoint.graph import Dimension
from cutpoint.graph.dimensions import dimensions_of


def open_dimensions(file: ModelFile) -> tuple[Dimension, ...]:
    """
    List the dimensions of a model's inputs that nothing in the file binds.

    Raises
    ------
    ModelError
        If the file is not an ONNX model.
    """
    return dimensions_of(_fed(file))


def unranked_inputs(file: ModelFile) -> tuple[str, ...]:
    """
    Name the inputs of which the file does not even tell the number of dimensions.

    Raises
    ------
    ModelError
        If the file is not an ONNX model.
    """
    return tuple(value.name or "" for value in _fed(file) if value.shape is None)


def _fed(file: ModelFile) -> list[ir.Value]:
    graph = light_model(file, reads_small=False).graph
    weights = {weight.name for weight in graph.initializer}
    weights.update(weight.values.name for weight in graph.sparse_initializer)
    fed = [value for value in graph.input if value.name not in weights]
    return [ir.serde.deserialize_value_info_proto(value, None) for value in fed]
