"""The operators that encode a value inside a graph, and those that decode it, by operator set."""

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from cutpoint.graph.typed_value import FLOAT16, UINT8, typed_tensors

FIRST_OPSET = {UINT8: 8, FLOAT16: 6}
"""Of ONNX's own operators, that encodes and decodes; before, Max and Cast do not do for it."""

_DYNAMIC_QUANTISE, _DEQUANTISE, _LIMITS_AS_INPUTS = 11, 10, 11
"""Operator sets since which there is an operator for it, and Clip takes limits as inputs."""

_LARGEST_HALF = 65504.0
_MOST_STEPS = 255.0
_LEAST_SCALE = 1e-36
"""Of a value that is 0 throughout: anything that can be divided by."""

_FLOAT = onnx.TensorProto.FLOAT


class TypedNodes:
    """
    Nodes and weights about one value, their names all beginning with that of its tensor.

    Parameters
    ----------
    name
        Of the value.
    type_
        ONNX's number of its element type.
    codec
        ``"uint8"`` or ``"float16"``.
    opset
        Version of ONNX's own operators in the model.
    """

    def __init__(self, name: str, type_: int, codec: str, opset: int) -> None:
        self._name = name
        self._type = type_
        self._opset = opset
        self._tensors = [each.name for each in typed_tensors(name, codec)]
        self._is_half = codec == FLOAT16
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []

    def __repr__(self) -> str:
        return f"<TypedNodes of {self._name!r}: {[node.op_type for node in self.nodes]}>"

    def encode(self) -> "TypedNodes":
        """Add what makes the tensors of the value; gives itself."""
        source = self._name
        if self._type != _FLOAT:
            source = self._add("Cast", source, "float32", to=_FLOAT)
        if self._is_half:
            # What half precision has no number for would be infinite, and no number behind it.
            clipped = self._clip(source, "clipped", -_LARGEST_HALF, _LARGEST_HALF)
            self._make("Cast", (clipped,), self._tensors, to=onnx.TensorProto.FLOAT16)
        elif self._opset >= _DYNAMIC_QUANTISE:
            numbers, *others = self._tensors
            scalars = [f"{other}.scalar" for other in others]
            self._make("DynamicQuantizeLinear", (source,), (numbers, *scalars))
            self._with_one_dimension(scalars)
        else:
            self._quantise(source)
        return self

    def decode(self) -> "TypedNodes":
        """Add what makes the value of its tensors; gives itself."""
        numbers, *others = self._tensors
        if self._is_half:
            self._make("Cast", (numbers,), (self._name,), to=self._type)
            return self
        scalars = [f"{other}.scalar" for other in others]
        for other, scalar in zip(others, scalars, strict=True):
            self._make("Squeeze", (other,), (scalar,))
        made = self._name if self._type == _FLOAT else f"{numbers}.float32"
        if self._opset >= _DEQUANTISE:
            self._make("DequantizeLinear", (numbers, *scalars), (made,))
        else:
            self._dequantise(numbers, scalars, made)
        if made != self._name:
            self._make("Cast", (made,), (self._name,), to=self._type)
        return self

    def _quantise(self, source: str) -> None:
        """Do as DynamicQuantizeLinear, but for halves, which go up and not to the even number."""
        zero = self._weight("zero", 0.0)
        least = self._add("Min", self._add("ReduceMin", source, "min", keepdims=0), "least", zero)
        most = self._add("Max", self._add("ReduceMax", source, "max", keepdims=0), "most", zero)
        extent = self._add("Sub", most, "extent", least)
        divided = self._add("Div", extent, "divided", self._weight("steps", _MOST_STEPS))
        scale = self._add("Max", divided, "step", self._weight("least_step", _LEAST_SCALE))
        below = self._add("Div", self._add("Sub", zero, "negated", least), "below", scale)
        zero_point = self._clip(self._rounded(below, "below"), "at", 0.0, _MOST_STEPS)
        steps = self._rounded(self._add("Div", source, "quotient", scale), "quotient")
        moved = self._add("Add", steps, "moved", zero_point)
        clipped = self._clip(moved, "clipped", 0.0, _MOST_STEPS)
        self._make("Cast", (clipped,), self._tensors[:1], to=onnx.TensorProto.UINT8)
        whole = self._add("Cast", zero_point, "whole", to=onnx.TensorProto.UINT8)
        self._with_one_dimension((scale, whole))

    def _dequantise(self, numbers: str, scalars: list[str], made: str) -> None:
        scale, zero_point = scalars
        steps = self._add("Cast", numbers, "steps", to=_FLOAT)
        moved = self._add("Cast", zero_point, "moved", to=_FLOAT)
        self._make("Mul", (self._add("Sub", steps, "difference", moved), scale), (made,))

    def _with_one_dimension(self, scalars: Any) -> None:
        shape = self._weight("one", np.ones(1, np.int64))
        for scalar, other in zip(scalars, self._tensors[1:], strict=True):
            self._make("Reshape", (scalar, shape), (other,))

    def _rounded(self, source: str, word: str) -> str:
        up = self._add("Add", source, f"{word}.up", self._weight(f"{word}.half", 0.5))
        return self._add("Floor", up, f"{word}.rounded")

    def _clip(self, source: str, word: str, least: float, most: float) -> str:
        if self._opset < _LIMITS_AS_INPUTS:
            return self._add("Clip", source, word, min=least, max=most)
        limits = [self._weight(f"{word}.{end}", at) for end, at in (("from", least), ("to", most))]
        return self._add("Clip", source, word, *limits)

    def _weight(self, word: str, value: float | NDArray[np.generic]) -> str:
        name = f"{self._tensors[0]}.{word}"
        array = np.array(value, np.float32) if isinstance(value, float) else value
        self.weights.append(numpy_helper.from_array(array, name))
        return name

    def _add(self, operator: str, source: str, word: str, *others: str, **settings: Any) -> str:
        """Add a node of one output, of a name of its own; gives the name."""
        name = f"{self._tensors[0]}.{word}"
        self._make(operator, (source, *others), (name,), **settings)
        return name

    def _make(self, operator: str, inputs: Any, outputs: Any, **settings: Any) -> None:
        name = f"{outputs[0]}/{operator}"
        node = helper.make_node(operator, list(inputs), list(outputs), name=name, **settings)
        self.nodes.append(node)
