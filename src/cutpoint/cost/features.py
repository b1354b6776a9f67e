"""What a predictor looks at in a node: its kind, and the sizes its time grows with."""

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from cutpoint.graph import Graph

FEATURES = ("constant", "flops", "input_bytes", "output_bytes", "weight_bytes")
"""Names of the columns of `features_of`, in order."""


def features_of(graph: Graph) -> NDArray[np.float64]:
    """
    Give one row per node: 1, its operations, and bytes read, written and held.

    Returns
    -------
    array
        Shape ``(n_nodes, n_features)``, columns as `FEATURES`.
    """
    return np.array(
        [
            (
                1.0,
                node.flops,
                graph.size_bytes(node.inputs),
                graph.size_bytes(node.outputs),
                node.weight_bytes,
            )
            for node in graph.nodes
        ],
        dtype=float,
    )


def kinds_of(graph: Graph) -> tuple[str, ...]:
    """
    Give the kind of every node: its operator, grouped convolutions apart from others.

    A depth-wise convolution computes little on much data: operations cost it several
    times what they cost an ordinary one, and LoADPart, too, predicts it apart.
    """
    grouped = {node.name for node in graph.source.graph if _is_grouped(node)}
    return tuple(
        f"grouped {node.op_type}" if node.name in grouped else node.op_type for node in graph.nodes
    )


def _is_grouped(node: ir.Node) -> bool:
    is_convolution = node.op_type in ("Conv", "ConvTranspose")
    return is_convolution and node.attributes.get_int("group", 1) > 1
