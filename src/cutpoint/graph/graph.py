"""The graph of a model: nodes in topological order, values, and who needs what."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import onnx_ir as ir

from cutpoint.graph.dimensions import Dimension
from cutpoint.graph.node import Node
from cutpoint.graph.trial import Trial
from cutpoint.graph.value import Value


@dataclass(frozen=True)
class Graph:
    """
    An immutable DAG, its open dimensions bound.

    Parameters
    ----------
    name
        Of the model, as it is served.
    sha256
        Hex digest of the model *file*: hosts agree by it.
    nodes
        In topological order. Nodes that only depend on weights are not among them:
        each part that needs their value takes its own copy along.
    values
        Computed and fed values by name; no weights.
    inputs, outputs
        Names, in the model's order.
    constants
        Names of outputs that depend on weights alone.
    original_names
        Names of the values in the model file, before it was optimised: a cut is
        named by these, so that hosts with different runtimes mean the same.
    source
        The optimised model the parts are extracted from; its open dimensions stay open, so
        that a part runs at every size.
    dimensions
        The open dimensions of the inputs.
    sizes
        What binds them, by name; shapes and operations hold for these.
    trial
        What a trial run showed of values that shape inference knows too little of.
    """

    name: str
    sha256: str
    nodes: tuple[Node, ...]
    values: Mapping[str, Value]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    constants: tuple[str, ...]
    original_names: frozenset[str]
    source: ir.Model
    dimensions: tuple[Dimension, ...] = ()
    sizes: Mapping[str, int] = field(default_factory=dict)
    trial: Mapping[str, Trial] = field(default_factory=dict)

    @cached_property
    def descendants(self) -> tuple[int, ...]:
        """Per node, the set of nodes that need it, itself included, as a bit mask."""
        masks = [0] * len(self.nodes)
        for node in reversed(self.nodes):
            mask = 1 << node.index
            for name in node.outputs:
                for consumer in self.values[name].consumers:
                    mask |= masks[consumer]
            masks[node.index] = mask
        return tuple(masks)

    @cached_property
    def ancestors(self) -> tuple[int, ...]:
        """Per node, the set of nodes it needs, itself included, as a bit mask."""
        masks = [0] * len(self.nodes)
        for node in self.nodes:
            mask = 1 << node.index
            for name in node.inputs:
                producer = self.values[name].producer
                if producer is not None:
                    mask |= masks[producer]
            masks[node.index] = mask
        return tuple(masks)

    @property
    def all_nodes(self) -> int:
        """The set of all nodes as a bit mask."""
        return (1 << len(self.nodes)) - 1

    @property
    def is_bound(self) -> bool:
        """Whether every dimension of the inputs is bound."""
        return all(
            value.shape is not None or not value.can_travel
            for value in (self.values[name] for name in self.inputs)
        )

    @property
    def unranked(self) -> tuple[str, ...]:
        """Inputs of which not even the number of dimensions is known."""
        return tuple(
            name
            for name in self.inputs
            if self.values[name].can_travel and self.values[name].open_shape is None
        )

    def may_cross(self, name: str) -> bool:
        """Tell whether a plan may send a value: hosts know its name, and what it costs is known."""
        value = self.values[name]
        return value.can_travel and value.has_known_size and name in self.original_names

    def consumers_of(self, name: str) -> int:
        """Give the nodes that use a value, as a bit mask."""
        mask = 0
        for consumer in self.values[name].consumers:
            mask |= 1 << consumer
        return mask

    def size_bytes(self, names: tuple[str, ...]) -> int:
        """Sum the raw sizes of values."""
        return sum(self.values[name].size_bytes for name in names)

    def flops(self, nodes: int) -> float:
        """Sum the operations of a set of nodes given as a bit mask."""
        return sum(node.flops for node in self.nodes if nodes >> node.index & 1)
