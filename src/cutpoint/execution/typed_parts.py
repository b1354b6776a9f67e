"""The two sides of a cut with the codec in them: a head that encodes, a tail that decodes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import onnx
from onnx import helper

from cutpoint.exceptions import CodecError, InvalidCutError
from cutpoint.execution.element_types import numpy_name
from cutpoint.execution.scopes import scopes_of
from cutpoint.execution.typed_nodes import FIRST_OPSET, TypedNodes
from cutpoint.graph.element_types import onnx_type
from cutpoint.graph.typed_value import TYPED_CODECS, is_encoded, typed_tensors


@dataclass(frozen=True)
class TypedCrossing:
    """
    Which crossing values travel as typed tensors, and as which.

    Parameters
    ----------
    codec
        One of `TYPED_CODECS`.
    values
        Descriptions of the values that are encoded.
    opset
        Version of ONNX's own operators in the model.
    """

    codec: str
    values: tuple[onnx.ValueInfoProto, ...]
    opset: int

    @cached_property
    def names(self) -> frozenset[str]:
        """Of the values."""
        return frozenset(value.name for value in self.values)

    def nodes_of(self, value: onnx.ValueInfoProto) -> TypedNodes:
        """Give what takes nodes about a value."""
        return TypedNodes(value.name, value.type.tensor_type.elem_type, self.codec, self.opset)


def typed_crossing(
    model: onnx.ModelProto, crossing: Sequence[onnx.ValueInfoProto], codec: str, where: str
) -> TypedCrossing:
    """
    Tell which values a codec encodes.

    Parameters
    ----------
    model
        The whole.
    crossing
        Descriptions of the crossing values.
    where
        Name of the model, for errors.

    Raises
    ------
    CodecError
        If ONNX has no operators for the codec, or the model's version of it has none.
    InvalidCutError
        If no value can be encoded, or the model has a name that is needed.
    """
    opset = checked_opset(model, codec, where)
    values = tuple(value for value in crossing if is_encoded(_dtype(value), codec))
    if not values:
        types = ", ".join(f"{value.name!r} is {_dtype(value)}" for value in crossing)
        raise InvalidCutError(f"{codec} encodes nothing that crosses here in {where!r}: {types}")
    typed = TypedCrossing(codec, values, opset)
    _check_free(model, typed, where)
    return typed


def checked_opset(model: onnx.ModelProto, codec: str, where: str) -> int:
    """
    Give the version of ONNX's own operators, if it has those that a codec needs.

    Raises
    ------
    CodecError
        If it has not, or there are none for the codec.
    """
    if codec not in TYPED_CODECS:
        raise CodecError(
            f"no operator of ONNX undoes codec {codec!r}: split with {' or '.join(TYPED_CODECS)}, "
            "or let `cutpoint serve` decode it"
        )
    opset = max((each.version for each in model.opset_import if not each.domain), default=0)
    if opset < FIRST_OPSET[codec]:
        raise CodecError(
            f"{where!r} is of ONNX's operator set {opset} and {codec} needs "
            f"{FIRST_OPSET[codec]}: convert it with onnx.version_converter first"
        )
    return opset


def encode_head(head: onnx.ModelProto, typed: TypedCrossing, kept: Iterable[str]) -> None:
    """
    Let a head give typed tensors.

    Parameters
    ----------
    head
        Makes the values, or takes those that are inputs of the model; is changed.
    kept
        Values it goes on giving as they are: outputs of the model.
    """
    graph, kept = head.graph, frozenset(kept)
    others = [v for v in graph.output if v.name not in typed.names or v.name in kept]
    del graph.output[:]
    graph.output.extend(others)
    for value in typed.values:
        encoding = typed.nodes_of(value).encode()
        graph.node.extend(encoding.nodes)
        graph.initializer.extend(encoding.weights)
        graph.output.extend(_infos(value, typed.codec))


def decode_tail(tail: onnx.ModelProto, typed: TypedCrossing) -> None:
    """
    Let a tail take typed tensors.

    Parameters
    ----------
    tail
        Takes the values; is changed.
    """
    graph = tail.graph
    inputs, nodes = [*graph.input], [*graph.node]
    del graph.input[:], graph.node[:]
    for value in inputs:
        graph.input.extend(_infos(value, typed.codec) if value.name in typed.names else (value,))
    for value in typed.values:
        graph.node.extend(typed.nodes_of(value).decode().nodes)
    graph.node.extend(nodes)


def _infos(value: onnx.ValueInfoProto, codec: str) -> list[onnx.ValueInfoProto]:
    """Describe the typed tensors of a value; open dimensions keep their names."""
    described = []
    for tensor in typed_tensors(value.name, codec):
        info = onnx.ValueInfoProto()
        type_ = onnx_type(tensor.dtype)
        if tensor.shape is None:
            info.CopyFrom(value)
            info.name = tensor.name
            info.type.tensor_type.elem_type = type_
        else:
            info.CopyFrom(helper.make_tensor_value_info(tensor.name, type_, tensor.shape))
        described.append(info)
    return described


def _check_free(model: onnx.ModelProto, typed: TypedCrossing, where: str) -> None:
    """Refuse a model that has a name which is needed here."""
    needed: set[str] = set()
    for value in typed.values:
        for made in (typed.nodes_of(value).encode(), typed.nodes_of(value).decode()):
            needed.update(name for node in made.nodes for name in (*node.input, *node.output))
    graphs = (scope.graph for scope in scopes_of(model) if scope.graph is not None)
    taken = (needed - typed.names) & {name for graph in graphs for name in _names(graph)}
    if taken:
        raise InvalidCutError(
            f"{min(taken)!r} of {where!r} is what a tensor of a typed value would be called: "
            "rename it, or cut elsewhere"
        )


def _names(graph: onnx.GraphProto) -> Iterable[str]:
    for node in graph.node:
        yield from node.output
    yield from (value.name for value in graph.input)
    yield from (weight.name for weight in graph.initializer)


def _dtype(value: onnx.ValueInfoProto) -> str:
    return numpy_name(value.type.tensor_type.elem_type)
