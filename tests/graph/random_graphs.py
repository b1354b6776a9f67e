"""Graphs drawn at random, with all that candidates and cuts have to tell apart."""

from functools import cache

import onnx_ir as ir
from hypothesis import strategies as st

from cutpoint.graph import Graph
from cutpoint.graph.node import Node
from cutpoint.graph.value import Value

_OPERATORS = ("Conv", "Relu", "Tanh", "Add", "Mul", "Cast", "Shape", "Gather", "Sin", "Identity")
_LARGEST = 4


@cache
def _operands(num_values: int, fewest: int) -> st.SearchStrategy[list[int]]:
    """Give up to three positions, late ones more often; making a strategy costs more than it."""
    late = st.integers(max(num_values - 3, 0), num_values - 1)
    every = st.integers(0, num_values - 1)
    return st.lists(late | every, min_size=fewest, max_size=3, unique=True)


@cache
def _outputs(num_values: int) -> st.SearchStrategy[set[int]]:
    """Give up to two positions."""
    return st.sets(st.integers(0, num_values - 1), max_size=2)


@st.composite
def graphs(draw: st.DrawFn, most_nodes: int = 14) -> Graph:
    """
    Draw a graph: inputs of numbers and of indices, skips, dead ends, outputs on the way.

    Some nodes make two values, some need no input, some values are of no known size or of
    a name that the file has not.
    """
    kinds = {f"x{i}": draw(_dtypes) for i in range(draw(st.integers(1, 3)))}
    inputs = tuple(kinds)
    nodes: list[Node] = []
    for index in range(draw(st.integers(2, most_nodes))):
        names = list(kinds)
        drawn = draw(_operands(len(names), draw(_fewest)))
        needed = [names[position] for position in drawn]
        made = tuple(f"v{index}{end}" for end in draw(_ends))
        operator = draw(st.sampled_from(_OPERATORS)) if needed else "RandomNormal"
        nodes.append(Node(index, f"n{index}", operator, tuple(needed), made, 1.0, 0))
        kinds.update(dict.fromkeys(made, "int64" if operator == "Shape" else draw(_dtypes)))
    used = {name for node in nodes for name in node.inputs}
    made = [name for node in nodes for name in node.outputs]
    also = {made[position] for position in draw(_outputs(len(made)))}
    return Graph(
        name="random",
        sha256="ab" * 32,
        nodes=tuple(nodes),
        values={name: _value(draw, name, kind, nodes) for name, kind in kinds.items()},
        inputs=inputs,
        outputs=tuple(name for name in made if name not in used or name in also),
        constants=(),
        original_names=frozenset(name for name in kinds if draw(_mostly)),
        source=ir.Model(ir.Graph([], [], nodes=[]), ir_version=8),
    )


_dtypes = st.sampled_from(["float32", "float32", "int64"])
_fewest = st.sampled_from([0, 1, 1, 1, 1, 1, 1, 1])
_ends = st.sampled_from([("",), ("",), ("",), ("", "b")])
_mostly = st.sampled_from([True] * 11 + [False])


def _value(draw: st.DrawFn, name: str, dtype: str, nodes: list[Node]) -> Value:
    shape = (draw(st.integers(1, _LARGEST)),) if draw(_mostly) else None
    producer = next((node.index for node in nodes if name in node.outputs), None)
    consumers = tuple(node.index for node in nodes if name in node.inputs)
    return Value(name, dtype, shape, producer, consumers, shape)
