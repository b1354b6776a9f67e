"""Side values: sizes, positions and masks, which say how to compute, not on what."""

from cutpoint.graph.graph import Graph
from cutpoint.graph.node import Node

_SIZES_ONLY = frozenset({"Shape", "Size"})
"""Look at how large a value is, never at what is in it."""

_LOOKS_UP = "Gather"

_ARITHMETIC = frozenset(
    {
        "Abs", "Add", "And", "Cast", "CastLike", "Ceil", "Clip", "Concat", "ConstantOfShape",
        "CumSum", "Div", "Equal", "Expand", "EyeLike", "Flatten", "Floor", "Gather",
        "GatherElements", "GatherND", "Greater", "GreaterOrEqual", "Identity", "IsNaN", "Less",
        "LessOrEqual", "Log", "Max", "Min", "Mod", "Mul", "Neg", "Not", "OneHot", "Or", "Pow",
        "Range", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceSum", "Reshape", "ScatterND",
        "Slice", "Split", "Sqrt", "Squeeze", "Sub", "Tile", "Transpose", "Trilu", "Unsqueeze",
        "Where", "Xor",
    }
)  # fmt: skip
"""What exporters write sizes, positions and masks with."""

_COUNTING = frozenset({"bool", "int32", "int64"})


def side_values(graph: Graph) -> frozenset[str]:
    """
    List the values made of nothing but sizes, positions and masks.

    Exports with open dimensions compute each reshape's target from the sizes of a value,
    and text models a mask from an input of whole numbers; every layer takes them. What
    a table of weights holds for a whole number of an input is no side value: there
    the computing begins (an embedding). What it holds for a position is one.
    """
    sizes: set[str] = set()
    side = {name for name in graph.inputs if graph.values[name].dtype in _COUNTING}
    for node in graph.nodes:
        if node.op_type in _SIZES_ONLY or (_is_arithmetic(node) and sizes.issuperset(node.inputs)):
            sizes.update(node.outputs)
            side.update(node.outputs)
        elif _is_arithmetic(node) and side.issuperset(node.inputs) and not _embeds(graph, node):
            side.update(node.outputs)
    return frozenset(side)


def _is_arithmetic(node: Node) -> bool:
    return node.op_type in _ARITHMETIC


def _embeds(graph: Graph, node: Node) -> bool:
    """Tell whether a node looks numbers up: of its inputs only the index is computed."""
    looks_up = node.op_type == _LOOKS_UP and len(node.inputs) == 1
    return looks_up and any(graph.values[name].dtype not in _COUNTING for name in node.outputs)
