"""A node: one operator call of the graph."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Node:
    """
    One operator call.

    Parameters
    ----------
    index
        Position in topological order.
    name
        Unique in its graph.
    op_type
        Operator, for example ``Conv``.
    inputs
        Names of the values it needs that are computed or fed: weights are not among them.
        Values that a sub-graph captures are.
    outputs
        Names of the values it makes.
    flops
        Floating-point operations, counted from the shapes (multiply and add are two).
    weight_bytes
        Bytes of the weights it reads.
    """

    index: int
    name: str
    op_type: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    flops: float
    weight_bytes: int = 0
