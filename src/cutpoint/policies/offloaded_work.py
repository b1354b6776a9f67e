"""What ANS looks at in a cut: the work behind it by type of layer, and what crosses."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cutpoint.graph import Cut, Graph

CONVOLUTION, DENSE, ACTIVATION = "convolution", "dense", "activation"

_TYPES = {
    "Conv": CONVOLUTION,
    "ConvTranspose": CONVOLUTION,
    "Gemm": DENSE,
    "MatMul": DENSE,
    **dict.fromkeys(
        (
            "Relu", "LeakyRelu", "PRelu", "Elu", "Selu", "Celu", "Sigmoid", "HardSigmoid", "Tanh",
            "Softmax", "Softplus", "HardSwish", "Gelu", "Clip", "Mish",
        ),
        ACTIVATION,
    ),
}  # fmt: skip


class OffloadedWork:
    """
    Seven numbers of each cut of a graph, as ANS describes what is offloaded.

    Parameters
    ----------
    graph
        Its sizes bound.

    Notes
    -----
    Operations of convolutions, how many there are; the same of fully connected layers; bytes that
    activations write, how many there are; bytes that cross. The authors' code counts multiply-
    accumulates and bits: factors that a fit takes up.
    """

    NUM = 7

    def __init__(self, graph: Graph) -> None:
        self._nodes = np.zeros((len(graph.nodes), self.NUM - 1))
        for node in graph.nodes:
            kind = _TYPES.get(node.op_type)
            if kind == ACTIVATION:
                self._nodes[node.index, 4:6] = graph.size_bytes(node.outputs), 1.0
            elif kind is not None:
                place = 0 if kind == CONVOLUTION else 2
                self._nodes[node.index, place : place + 2] = node.flops, 1.0

    def of(self, cuts: Sequence[Cut], up_bytes: NDArray[np.float64]) -> NDArray[np.float64]:
        """
        Give the numbers of cuts.

        Parameters
        ----------
        cuts
            Of this graph.
        up_bytes
            What each sends. Shape ``(n_cuts,)``.

        Returns
        -------
        array
            Shape ``(n_cuts, 7)``.
        """
        num = len(self._nodes)
        tails = np.array([[not cut.head >> node & 1 for node in range(num)] for cut in cuts])
        return np.column_stack([tails @ self._nodes, up_bytes])
