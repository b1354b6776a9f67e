from collections.abc import Callable

from cutpoint.cost.features import FEATURES, features_of, kinds_of
from cutpoint.graph import Graph


def test_a_node_is_its_operations_and_bytes(graph_of: Callable[..., Graph]) -> None:
    """A row holds 1, the operations, and bytes read, written and of weights."""
    weights = f"<float[4,2] w = {{{', '.join('1' * 8)}}}>"
    graph = graph_of(
        f"(float[1,4] x) => (float[1,2] y) {weights} {{ a = Relu(x) y = MatMul(a, w) }}"
    )
    assert features_of(graph).tolist() == [[1, 4, 16, 16, 0], [1, 16, 16, 8, 32]]
    assert features_of(graph).shape == (2, len(FEATURES))


def test_grouped_convolutions_are_a_kind_of_their_own(graph_of: Callable[..., Graph]) -> None:
    """A depth-wise convolution is told from an ordinary one."""
    graph = graph_of(
        f"""(float[1,2,4,4] x) => (float[1,2,4,4] y)
        <float[2,2,1,1] w = {{{", ".join("1" * 4)}}}, float[2,1,1,1] d = {{1, 1}}>
        {{ a = Conv(x, w) b = Conv <group = 2> (a, d) y = Relu(b) }}"""
    )
    assert kinds_of(graph) == ("Conv", "grouped Conv", "Relu")
