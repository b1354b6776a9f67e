"""How much a node computes, counted from the shapes."""

from collections.abc import Callable
from math import prod

import onnx_ir as ir

Shape = tuple[int, ...]


def count_flops(node: ir.Node) -> float:
    """
    Count a node's floating-point operations; multiply and add are two.

    Convolutions and matrix products are counted exactly, pooling by its window,
    everything else as one operation per output element. Unknown shapes count 0:
    the figure only ranks cuts before anything was measured.
    """
    output = _shape(node.outputs[0]) if node.outputs else None
    if output is None:
        return 0.0
    count = _COUNTERS.get(node.op_type)
    return count(node, output) if count is not None else float(prod(output))


def _shape(value: ir.Value | None) -> Shape | None:
    if value is None or value.shape is None or not value.shape.is_static():
        return None
    return tuple(value.shape.numpy())


def _convolution(node: ir.Node, output: Shape) -> float:
    weight = _shape(node.inputs[1])
    return 2.0 * prod(output) * prod(weight[1:]) if weight else 0.0


def _transposed_convolution(node: ir.Node, output: Shape) -> float:
    data, weight = _shape(node.inputs[0]), _shape(node.inputs[1])
    return 2.0 * prod(data) * prod(weight[1:]) if data and weight else 0.0


def _matrix_product(node: ir.Node, output: Shape) -> float:
    left = _shape(node.inputs[0])
    return 2.0 * prod(output) * left[-1] if left else 0.0


def _gemm(node: ir.Node, output: Shape) -> float:
    left = _shape(node.inputs[0])
    transposed = node.attributes.get_int("transA", 0)
    return 2.0 * prod(output) * left[0 if transposed else -1] if left else 0.0


def _pool(node: ir.Node, output: Shape) -> float:
    return float(prod(output) * prod(node.attributes.get_ints("kernel_shape", ())))


def _global_pool(node: ir.Node, output: Shape) -> float:
    return float(prod(_shape(node.inputs[0]) or ()))


def _free(node: ir.Node, output: Shape) -> float:
    return 0.0


_COUNTERS: dict[str, Callable[[ir.Node, Shape], float]] = {
    "Conv": _convolution,
    "ConvTranspose": _transposed_convolution,
    "MatMul": _matrix_product,
    "Gemm": _gemm,
    "MaxPool": _pool,
    "AveragePool": _pool,
    "GlobalAveragePool": _global_pool,
    "GlobalMaxPool": _global_pool,
    "Reshape": _free,
    "Flatten": _free,
    "Squeeze": _free,
    "Unsqueeze": _free,
    "Identity": _free,
    "Dropout": _free,
}
