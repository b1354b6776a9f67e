"""A net without its weights: what is computed, which weights it takes, and how much that is."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import onnx
from onnx import helper

from cutpoint.lab.zoo.weights import Role

OPSET = 17
"""Opset of the nets built here: the first with LayerNormalization."""

IR_VERSION = 8
"""From IR version 4 on, initializers need not be inputs; 8 is read by every current runtime."""

Shape = tuple[int, ...]

_STATISTICS: tuple[Role, ...] = (("BatchNormalization", 3), ("BatchNormalization", 4))
"""Measured, not learned; published parameter counts leave them out."""


def _default_opset() -> tuple[onnx.OperatorSetIdProto, ...]:
    return (helper.make_opsetid("", OPSET),)


@dataclass(frozen=True)
class Architecture:
    """
    A graph and the weights it is waiting for.

    Parameters
    ----------
    graph
        Nodes, inputs, outputs, and the initializers that are no weights (shapes, constants).
    shapes
        Shape of every weight by value name.
    roles
        Which operator takes each weight, and where: decides its distribution.
    opset_imports
        Operator sets of the graph.
    """

    graph: onnx.GraphProto
    shapes: Mapping[str, Shape]
    roles: Mapping[str, Role]
    opset_imports: tuple[onnx.OperatorSetIdProto, ...] = field(default_factory=_default_opset)

    @property
    def num_parameters(self) -> int:
        """Learned weights; means and variances of batch norms are not among them."""
        return num_parameters(self.shapes, self.roles)

    @property
    def num_macs(self) -> int:
        """Multiply-accumulates of convolutions and matrix products, for one image."""
        return num_macs(self.graph.node, self._value_shapes())

    @property
    def image_shape(self) -> Shape:
        """Shape of the input: one, channels, height, width."""
        return _dims(self.graph.input[0])

    def _value_shapes(self) -> dict[str, Shape]:
        """Infer the shape of every value, the weights standing as inputs."""
        graph = onnx.GraphProto()
        graph.CopyFrom(self.graph)
        graph.input.extend(
            helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)
            for name, shape in self.shapes.items()
        )
        model = helper.make_model(graph, opset_imports=self.opset_imports, ir_version=IR_VERSION)
        inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True).graph
        known = [*inferred.input, *inferred.value_info, *inferred.output]
        return {value.name: _dims(value) for value in known}


def num_parameters(shapes: Mapping[str, Shape], roles: Mapping[str, Role]) -> int:
    """Count the learned numbers among weights of the given shapes and roles."""
    return sum(math.prod(shape) for name, shape in shapes.items() if roles[name] not in _STATISTICS)


def num_macs(nodes: Iterable[onnx.NodeProto], shapes: Mapping[str, Shape]) -> int:
    """Count the multiply-accumulates of every Conv, Gemm and MatMul, as papers publish them."""
    return sum(
        math.prod(shapes[node.output[0]]) * _terms_per_output(node, shapes)
        for node in nodes
        if node.op_type in ("Conv", "Gemm", "MatMul")
    )


def _terms_per_output(node: onnx.NodeProto, shapes: Mapping[str, Shape]) -> int:
    if node.op_type == "Conv":
        return math.prod(shapes[node.input[1]][1:])
    attributes = {attribute.name: attribute.i for attribute in node.attribute}
    return shapes[node.input[0]][-2 if attributes.get("transA") else -1]


def _dims(value: onnx.ValueInfoProto) -> Shape:
    return tuple(dim.dim_value for dim in value.type.tensor_type.shape.dim)
