"""The nets without weights, as graphs: all that planning looks at, in a tenth of a second."""

import hashlib
import math

import onnx
import onnx_ir as ir
from onnx import helper

from cutpoint.graph import Graph, graph_from_model, value_names
from cutpoint.lab.zoo.architecture import Architecture
from cutpoint.lab.zoo.catalogue import entry_of

_NOWHERE = "weights-nobody-drew"
"""Data file that the placeholders of the weights name; there is none."""

_BYTES_PER_WEIGHT = 4


def graph_of(name: str) -> Graph:
    """
    Give the graph of one net as it is written, with no weight drawn and nothing run.

    Operations, shapes and bytes are those of the net that `build` makes. The nodes are
    not quite those that `cutpoint.execution.load_graph` gives: that one is optimised by
    ONNX Runtime, which merges batch norms into convolutions and drops what does nothing,
    so that it has fewer. It can be cut and planned for, but no part of it can run.

    Parameters
    ----------
    name
        A key of `ZOO`.

    Returns
    -------
    Graph
        Its digest is that of the architecture, and of no file.

    Raises
    ------
    ModelError
        If the name is unknown, or the onnx package came without its light models.
    """
    model = _model_without_weights(entry_of(name).make())
    sha256 = hashlib.sha256(model.SerializeToString(deterministic=True)).hexdigest()
    source = ir.from_proto(model)
    return graph_from_model(source, name=name, sha256=sha256, original_names=value_names(source))


def _model_without_weights(net: Architecture) -> onnx.ModelProto:
    """Give a model whose weights have names, types and shapes, and lie in a file that is not."""
    graph = onnx.GraphProto()
    graph.CopyFrom(net.graph)
    offset = 0
    for name, shape in net.shapes.items():
        tensor = graph.initializer.add()
        tensor.name = name
        tensor.data_type = onnx.TensorProto.FLOAT
        tensor.dims.extend(shape)
        tensor.data_location = onnx.TensorProto.EXTERNAL
        length = _BYTES_PER_WEIGHT * math.prod(shape)
        place = {"location": _NOWHERE, "offset": offset, "length": length}
        for key, value in place.items():
            tensor.external_data.add(key=key, value=str(value))
        offset += length
    return helper.make_model(graph, opset_imports=net.opset_imports)
