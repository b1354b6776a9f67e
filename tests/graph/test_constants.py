from collections.abc import Callable

from cutpoint.graph import Graph, constant_outputs

Read = Callable[..., Graph]


def test_outputs_of_weights_alone(graph_of: Read) -> None:
    """An output that is a weight is given without running anything; the others are not there."""
    graph = graph_of(
        """(float[1,4] x) => (float[1,4] y, float[2] k, float[2] m)
        <float[2] k = {1, 2}, float[2] w = {3, 4}> { y = Neg(x) m = Neg(w) }"""
    )
    constants = constant_outputs(graph)
    assert {name: array.tolist() for name, array in constants.items()} == {"k": [1, 2]}


def test_most_models_have_none(chain: Graph) -> None:
    """Where every output is computed there is nothing to give."""
    assert constant_outputs(chain) == {}
