"""The growing graph beneath a net: nodes, names, shapes, declared weights, constants."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from cutpoint.lab.zoo import architecture
from cutpoint.lab.zoo.architecture import IR_VERSION, OPSET, Architecture, Shape
from cutpoint.lab.zoo.weights import Role

INPUT = "input"
"""Name of the image."""


class GraphWriter:
    """
    Appends nodes, and knows the shape of every value as soon as it is made.

    Parameters
    ----------
    name
        Name of the graph.
    image
        Shape of the input, the batch of one included.
    """

    def __init__(self, name: str, image: Shape) -> None:
        self.name = name
        self._shapes: dict[str, Shape] = {INPUT: image}
        self._nodes: list[onnx.NodeProto] = []
        self._weights: dict[str, Role] = {}
        self._constants: dict[str, onnx.TensorProto] = {}
        self._scopes: list[str] = []
        self._used: Counter[str] = Counter()

    def shape(self, x: str) -> Shape:
        """Give the shape of any value or weight, the batch of one included."""
        return self._shapes[x]

    def num_parameters(self) -> int:
        """Count learned weights; means and variances of batch norms are not among them."""
        return architecture.num_parameters(self._weight_shapes(), self._weights)

    def num_macs(self) -> int:
        """Count the multiply-accumulates of Conv, Gemm and MatMul."""
        return architecture.num_macs(self._nodes, self._shapes)

    def graph(self, outputs: Sequence[str] | Mapping[str, str]) -> Architecture:
        """
        Give the graph and the weights it waits for.

        Parameters
        ----------
        outputs
            Values that are outputs; as a mapping, by the names they shall bear.
        """
        names = outputs if isinstance(outputs, Mapping) else {value: value for value in outputs}
        renamed = {value: name for name, value in names.items()}
        graph = helper.make_graph(
            [_renamed(node, renamed) for node in self._nodes],
            self.name,
            inputs=[_float(INPUT, self._shapes[INPUT])],
            outputs=[_float(name, self._shapes[value]) for name, value in names.items()],
            initializer=list(self._constants.values()),
        )
        return Architecture(graph, self._weight_shapes(), dict(self._weights))

    @contextmanager
    def scope(self, name: str) -> Iterator[None]:
        """Prefix the names of everything made inside with ``name.``; scopes nest."""
        self._scopes.append(name)
        try:
            yield
        finally:
            self._scopes.pop()

    def _node(self, operator: str, inputs: list[str], name: str = "", **attributes: Any) -> str:
        """Append a node with one output, and give that output's name."""
        name = name or self._name(operator.lower())
        self._append(operator, inputs, [name], **attributes)
        return name

    def _append(
        self, operator: str, inputs: list[str], outputs: list[str], **attributes: Any
    ) -> None:
        node = helper.make_node(operator, inputs, outputs, name=outputs[0], **attributes)
        self._shapes |= self._shapes_of(node)
        self._nodes.append(node)

    def _shapes_of(self, node: onnx.NodeProto) -> dict[str, Shape]:
        """Let ONNX infer the shapes of a node's outputs."""
        taken = [name for name in node.input if name]
        data = {name: self._constants[name] for name in taken if name in self._constants}
        types = {
            name: helper.make_tensor_type_proto(data[name].data_type, data[name].dims)
            if name in data
            else helper.make_tensor_type_proto(onnx.TensorProto.FLOAT, self._shapes[name])
            for name in taken
        }
        inferred = onnx.shape_inference.infer_node_outputs(
            onnx.defs.get_schema(node.op_type, OPSET, ""),
            node,
            types,
            data,
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
        )
        return {
            name: tuple(dim.dim_value for dim in value.tensor_type.shape.dim)
            for name, value in inferred.items()
        }

    def _name(self, stem: str) -> str:
        """Give a name nobody has: the scope, the stem, and a number from the second on."""
        name = ".".join([*self._scopes, stem])
        self._used[name] += 1
        return name if self._used[name] == 1 else f"{name}_{self._used[name]}"

    def _weight(self, name: str, shape: Shape, operator: str, input_idx: int) -> str:
        self._shapes[name] = shape
        self._weights[name] = (operator, input_idx)
        return name

    def _weight_shapes(self) -> dict[str, Shape]:
        return {name: self._shapes[name] for name in self._weights}

    def _shape_constant(self, shape: Sequence[int]) -> str:
        """Give a constant that only shapes read: calibration multiplies its first number."""
        return self._integers(shape, "shape")

    def _integers(self, numbers: Sequence[int], stem: str = "integers") -> str:
        name = "_".join([stem, *(str(number) for number in numbers)])
        array = np.array(numbers, dtype=np.int64)
        self._constants.setdefault(name, numpy_helper.from_array(array, name))
        return name

    def _scalar(self, number: float) -> str:
        name = f"number_{number!r}"
        array = np.array(number, dtype=np.float32)
        self._constants.setdefault(name, numpy_helper.from_array(array, name))
        return name


def _float(name: str, shape: Shape) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)


def _renamed(node: onnx.NodeProto, names: Mapping[str, str]) -> onnx.NodeProto:
    copy = onnx.NodeProto()
    copy.CopyFrom(node)
    copy.input[:] = [names.get(value, value) for value in node.input]
    copy.output[:] = [names.get(value, value) for value in node.output]
    return copy
