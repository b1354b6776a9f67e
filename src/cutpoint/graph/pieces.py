"""A model taken apart once, so that its parts are put together without reading it again."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import onnx
import onnx_ir as ir

from cutpoint.exceptions import InvalidCutError
from cutpoint.graph.uses import OperatorId, names_needed, operators_of

_FIRST_IR_VERSION_WITH_WEIGHTS_APART = 4
"""Before it a weight had to be listed among the inputs; a part lists what is fed, no more."""

_KEPT_BYTES = 4096
"""Weights up to this size are kept written: larger ones, if inline, would be held twice."""

_CACHE = "cutpoint.pieces"


class _Piece(NamedTuple):
    """A node as it is written, the names it needs, and the functions it calls itself."""

    proto: onnx.NodeProto
    needed: tuple[str, ...]
    called: frozenset[OperatorId]


class Pieces:
    """
    The nodes, weights and descriptions of a model, each written once.

    They refer to what the model is made of, never to the model, which may keep them: its
    weights' folder goes when the last reference to it does, not when circles are collected.

    Parameters
    ----------
    model
        Not changed any more.
    """

    def __init__(self, model: ir.Model) -> None:
        self._graph = model.graph
        self._known_functions = model.functions
        self._ir_version = max(model.ir_version, _FIRST_IR_VERSION_WITH_WEIGHTS_APART)
        self._opsets = dict(model.opset_imports)
        self._pieces = [
            _Piece(ir.serde.serialize_node(node), tuple(names_needed(node)), operators_of(node))
            for node in model.graph
        ]
        self._values = dict(_named(model.graph))
        self._makers = {
            value.name: index
            for index, node in enumerate(model.graph)
            for value in node.outputs
            if value.name
        }
        self._weights: dict[str, onnx.TensorProto] = {}
        self._infos: dict[str, onnx.ValueInfoProto] = {}
        self._functions: dict[OperatorId, onnx.FunctionProto] = {}

    @classmethod
    def of(cls, model: ir.Model) -> "Pieces":
        """Give a model's pieces: made at the first call, kept with the model."""
        kept = model.meta.get(_CACHE)
        if not isinstance(kept, cls):
            kept = model.meta[_CACHE] = cls(model)
        return kept

    def part(
        self, inputs: Sequence[onnx.ValueInfoProto], outputs: Sequence[onnx.ValueInfoProto]
    ) -> onnx.ModelProto:
        """
        Put together the nodes between inputs and outputs.

        What depends on weights alone is taken along, as far as it is needed, and of the
        functions those that are called.

        Raises
        ------
        InvalidCutError
            If the outputs need a value that is neither an input nor made of weights.
        """
        fed, given = [info.name for info in inputs], [info.name for info in outputs]
        nodes, weights = self._between(fed, given)
        part = self._empty()
        part.graph.input.extend(inputs)
        part.graph.output.extend(outputs)
        part.graph.node.extend(self._pieces[index].proto for index in nodes)
        part.graph.initializer.extend(self._weight(name) for name in weights)
        made = [name for index in nodes for name in self._made_by(index)]
        described = {*fed, *given}
        part.graph.value_info.extend(
            self.info(name) for name in made if name not in described and self._is_typed(name)
        )
        self._annotate(part.graph, (*fed, *weights, *made))
        part.functions.extend(
            self._function(name)
            for name in self._functions_of(self._pieces[index].called for index in nodes)
        )
        return part

    def weight_bytes(self, inputs: Iterable[str], outputs: Iterable[str]) -> int:
        """Give the size of the weights that lie between inputs and outputs."""
        indices, weights = self._between(list(inputs), list(outputs))
        taken = set(indices)
        inner = sum(
            _inner_weight_bytes(node) for index, node in enumerate(self._graph) if index in taken
        )
        return inner + sum(_value_bytes(self._graph.initializers[name]) for name in weights)

    def info(self, name: str) -> onnx.ValueInfoProto:
        """Describe a value as the model does."""
        if name not in self._infos:
            self._infos[name] = ir.serde.serialize_value(self._values[name])
        return self._infos[name]

    def _between(self, fed: Sequence[str], given: Sequence[str]) -> tuple[list[int], list[str]]:
        """Give the nodes that lead from the inputs to the outputs, and the weights they need."""
        nodes: set[int] = set()
        weights: dict[str, None] = {}
        seen, waiting = set(fed), list(given)
        while waiting:
            name = waiting.pop()
            if name in seen:
                continue
            seen.add(name)
            maker = self._makers.get(name)
            if maker is None:
                self._check_weight(name, given)
                weights[name] = None
            elif maker not in nodes:
                nodes.add(maker)
                waiting.extend(self._pieces[maker].needed)
        return sorted(nodes), [name for name in self._graph.initializers if name in weights]

    def _check_weight(self, name: str, given: Sequence[str]) -> None:
        if name not in self._graph.initializers:
            raise InvalidCutError(
                f"{list(given)} cannot be made without {name!r}, which is not among the part's "
                "inputs: name every value that crosses into it"
            )

    def _empty(self) -> onnx.ModelProto:
        part = onnx.ModelProto(
            ir_version=self._ir_version,
            producer_name="cutpoint",
            graph=onnx.GraphProto(name=self._graph.name or "part"),
        )
        part.opset_import.extend(
            onnx.OperatorSetIdProto(domain=domain, version=version)
            for domain, version in self._opsets.items()
        )
        return part

    def _weight(self, name: str) -> onnx.TensorProto:
        if name in self._weights:
            return self._weights[name]
        value = self._graph.initializers[name].const_value
        proto: onnx.TensorProto = ir.serde.serialize_tensor(value)
        proto.name = name
        if isinstance(value, ir.ExternalTensor) or value.nbytes <= _KEPT_BYTES:
            self._weights[name] = proto
        return proto

    def _made_by(self, index: int) -> list[str]:
        return [name for name in self._pieces[index].proto.output if name]

    def _is_typed(self, name: str) -> bool:
        return self.info(name).HasField("type")

    def _annotate(self, graph: onnx.GraphProto, names: Iterable[str]) -> None:
        """Carry over how values are quantised."""
        for name in names:
            parameters = self._values[name].meta.get("quant_parameter_tensor_names")
            if parameters:
                entries = [
                    onnx.StringStringEntryProto(key=key, value=value)
                    for key, value in parameters.items()
                ]
                graph.quantization_annotation.append(
                    onnx.TensorAnnotation(tensor_name=name, quant_parameter_tensor_names=entries)
                )

    def _function(self, name: OperatorId) -> onnx.FunctionProto:
        if name not in self._functions:
            self._functions[name] = ir.serde.serialize_function(self._known_functions[name])
        return self._functions[name]

    def _functions_of(self, called: Iterable[frozenset[OperatorId]]) -> list[OperatorId]:
        """Give the functions that are called, by others too, in the model's order."""
        known = self._known_functions
        if not known:
            return []
        waiting = [name for names in called for name in names]
        needed: set[OperatorId] = set()
        while waiting:
            name = waiting.pop()
            if name in known and name not in needed:
                needed.add(name)
                waiting.extend(each for node in known[name] for each in operators_of(node))
        return [name for name in known if name in needed]


def _named(graph: ir.Graph) -> Iterator[tuple[str, ir.Value]]:
    yield from graph.initializers.items()
    yield from ((value.name, value) for value in graph.inputs if value.name)
    yield from ((value.name, value) for node in graph for value in node.outputs if value.name)


def _inner_weight_bytes(node: ir.Node) -> int:
    """Give the size of the weights that a node's branches and loops keep for themselves."""
    graphs = (
        each.value for each in node.attributes.values() if each.type == ir.AttributeType.GRAPH
    )
    return sum(
        sum(map(_value_bytes, graph.initializers.values())) + sum(map(_inner_weight_bytes, graph))
        for graph in graphs
    )


def _value_bytes(value: ir.Value) -> int:
    return 0 if value.const_value is None else int(value.const_value.nbytes)
