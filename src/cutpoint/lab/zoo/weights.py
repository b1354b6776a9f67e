"""Which weights a light model leaves open, and the seeded numbers that fill them."""

import math
import zlib
from collections.abc import Mapping

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from cutpoint.exceptions import ModelError

Weights = dict[str, NDArray[np.float32]]
"""Float weights by value name."""

Role = tuple[str, int]
"""What a weight is: the operator type that takes it, and as which input; or its own name, and 0."""

_SCALE_INPUT = 1
"""Which input of a BatchNormalization its scale is."""

_RESHAPING = ("Reshape", "Unsqueeze")
"""A weight may pass through these on the way to the operator that gives it its role."""

_MEAN_AND_STD: Mapping[Role, tuple[float, float]] = {
    ("Conv", 2): (0.0, 0.05),
    ("Gemm", 2): (0.0, 0.05),
    ("BatchNormalization", 1): (1.0, 0.1),
    ("BatchNormalization", 2): (0.0, 0.1),
    # The last scale of a branch that is added to its own input: small, as residual nets
    # are commonly initialised. At 1 such a net multiplies rounding errors block by block.
    ("ResidualBatchNormalization", 1): (0.1, 0.01),
    # Around 0 half of what a Relu gets is cut off, and each layer of a net without shortcuts
    # multiplies rounding errors by 1.2; one standard deviation higher it is 1.06.
    ("ShiftedBatchNormalization", 2): (1.0, 0.1),
    # Mean and variance: nothing is known before the calibration.
    ("BatchNormalization", 3): (0.0, 0.0),
    ("BatchNormalization", 4): (1.0, 0.0),
    # Caffe's Scale layer, which follows its batch normalisation as Mul and Add.
    ("Mul", 1): (1.0, 0.1),
    ("Add", 1): (0.0, 0.1),
    ("LayerNormalization", 1): (1.0, 0.1),
    ("LayerNormalization", 2): (0.0, 0.1),
    ("class_token", 0): (0.0, 1.0),
    ("position_embedding", 0): (0.0, 0.2),
}
"""Normal distribution of each kind of weight that has no fan-in."""


def strip_weights(
    source: onnx.GraphProto, name: str
) -> tuple[onnx.GraphProto, dict[str, tuple[int, ...]]]:
    """
    Give a copy of the graph without its float weights, and their shapes.

    The copy has no ConstantOfShape node, no weight among its inputs, and only
    the initializers that a node reads (the shapes of Reshape nodes). Weights that
    ship as numbers go too: a trained bias means nothing beside random weights.

    Parameters
    ----------
    source
        Graph of a light model; left as it is.
    name
        Name of the copy.
    """
    held = {tensor.name: tensor for tensor in source.initializer}
    nodes = [node for node in source.node if node.op_type != "ConstantOfShape"]
    used = {value for node in nodes for value in node.input}
    shapes = {
        node.output[0]: tuple(numpy_helper.to_array(held[node.input[0]]).tolist())
        for node in source.node
        if node.op_type == "ConstantOfShape"
    }
    is_float = onnx.TensorProto.FLOAT
    kept = [tensor for tensor in source.initializer if tensor.name in used]
    shapes |= {tensor.name: tuple(tensor.dims) for tensor in kept if tensor.data_type == is_float}
    graph = helper.make_graph(
        nodes,
        name,
        inputs=[value for value in source.input if value.name not in held],
        outputs=source.output,
        initializer=[tensor for tensor in kept if tensor.data_type != is_float],
    )
    return graph, shapes


def weight_roles(graph: onnx.GraphProto, names: Mapping[str, object]) -> dict[str, Role]:
    """Give each named weight its role, in the order in which the nodes read them."""
    origin = {name: name for name in names}
    residual = _residual_branches(graph)
    roles: dict[str, Role] = {}
    for node in graph.node:
        is_residual = node.op_type == "BatchNormalization" and node.output[0] in residual
        for input_idx, value in enumerate(node.input):
            if value not in origin:
                continue
            if node.op_type in _RESHAPING:
                origin[node.output[0]] = origin[value]
            else:
                is_scale = is_residual and input_idx == _SCALE_INPUT
                operator = "ResidualBatchNormalization" if is_scale else node.op_type
                roles[origin[value]] = (operator, input_idx)
    return roles


def _residual_branches(graph: onnx.GraphProto) -> set[str]:
    """Give the batch-normalised values that are added to something not normalised just before."""
    producer = {value: node.op_type for node in graph.node for value in node.output}
    sums = (node for node in graph.node if node.op_type in ("Sum", "Add"))
    normalised = (
        [value for value in node.input if producer.get(value) == "BatchNormalization"]
        for node in sums
    )
    return {values[0] for values in normalised if len(values) == 1}


def draw_weight(name: str, role: Role, shape: tuple[int, ...], seed: int) -> NDArray[np.float32]:
    """
    Draw one weight from a stream of its own, so that no order of drawing matters.

    Parameters
    ----------
    name
        The weight's value name; with ``seed`` it names the stream.
    role
        Which operator takes it, and where; decides the distribution.
    shape
        Shape of the weight.
    seed
        Not negative.

    Raises
    ------
    ModelError
        If no distribution is known for the role.
    """
    mean, std = _distribution(name, role, shape)
    rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
    weight = rng.standard_normal(shape, dtype=np.float32)
    # In place: vgg19 has one weight of 411 MB.
    weight *= np.float32(std)
    weight += np.float32(mean)
    return weight


def _distribution(name: str, role: Role, shape: tuple[int, ...]) -> tuple[float, float]:
    # He-normal keeps the second moment through Relu. Every Gemm here has transB set,
    # so its fan-in is the last dimension, also before the Reshape of inception_v1.
    if role == ("Conv", 1):
        return 0.0, math.sqrt(2 / math.prod(shape[1:]))
    if role == ("Gemm", 1):
        return 0.0, math.sqrt(2 / shape[-1])
    # No Relu follows the projections of a transformer, so nothing has to be made up for.
    if role == ("MatMul", 1):
        return 0.0, math.sqrt(1 / shape[0])
    if role not in _MEAN_AND_STD:
        raise ModelError(
            f"weight {name!r} is input {role[1]} of {role[0]}: the zoo knows no distribution "
            "for that; install the onnx release that cutpoint was tested with"
        )
    return _MEAN_AND_STD[role]
