"""A model file in words that onnx_ir reads: dense weights, each name made once."""

from collections.abc import Iterator

import numpy as np
import onnx
import onnx_ir as ir


def plain_model(model: onnx.ModelProto, folder: str = "") -> ir.Model:
    """
    Read a model, with what onnx_ir would drop or refuse rewritten, in sub-graphs too.

    Sparse weights become dense ones. A constant that ONNX Runtime has written twice, as
    a node and as a weight, stays as a weight.

    Parameters
    ----------
    model
        Is changed.
    folder
        Where its data files are.
    """
    for graph in _graphs(model.graph):
        _make_plain(graph)
    read: ir.Model = ir.from_proto(model)
    ir.external_data.set_base_dir(read.graph, folder)
    return read


def _make_plain(graph: onnx.GraphProto) -> None:
    for sparse in graph.sparse_initializer:
        graph.initializer.append(_dense(sparse, sparse.values.name))
    graph.ClearField("sparse_initializer")
    for node in graph.node:
        _make_constant_dense(node)
    _drop_doubled(graph)


def _graphs(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from _graphs(attribute.g)
            for inner in attribute.graphs:
                yield from _graphs(inner)


def _make_constant_dense(node: onnx.NodeProto) -> None:
    for attribute in node.attribute:
        if node.op_type == "Constant" and attribute.name == "sparse_value":
            dense = _dense(attribute.sparse_tensor, "")
            attribute.CopyFrom(onnx.helper.make_attribute("value", dense))


def _drop_doubled(graph: onnx.GraphProto) -> None:
    weights = {weight.name for weight in graph.initializer}
    doubled = [
        node for node in graph.node if node.op_type == "Constant" and node.output[0] in weights
    ]
    for node in doubled:
        graph.node.remove(node)


def _dense(sparse: onnx.SparseTensorProto, name: str) -> onnx.TensorProto:
    """Write out a sparse tensor, whose indices are flat positions or coordinates."""
    values = onnx.numpy_helper.to_array(sparse.values)
    indices = onnx.numpy_helper.to_array(sparse.indices)
    dense = np.zeros(tuple(sparse.dims), values.dtype)
    if indices.ndim == 1:
        dense.reshape(-1)[indices] = values
    else:
        dense[tuple(indices.T)] = values
    return onnx.numpy_helper.from_array(dense, name)
