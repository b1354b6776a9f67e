from collections.abc import Callable
from dataclasses import replace

import pytest

from cutpoint.graph import Graph, candidate_cuts

Read = Callable[..., Graph]


def names(graph: Graph) -> list[str]:
    """Give the values at which a graph may be cut."""
    return [cut.crossing[0] for cut in candidate_cuts(graph)]


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("chain", ["a", "b", "c"]),
        ("diamond", ["a", "d"]),
        ("two_inputs_two_outputs", ["c"]),
        ("skip", ["a", "c"]),
        ("input_in_tail", ["c"]),
        ("output_in_head", ["a", "b"]),
        ("shared_weight", ["b"]),
        ("output_used", ["a", "b"]),
        ("side_branch", ["a"]),
    ],
)
def test_single_values_that_separate(
    model: str, expected: list[str], request: pytest.FixtureRequest
) -> None:
    """Candidates are the single values that separate a head from a tail, in their order."""
    assert expected == names(request.getfixturevalue(model))


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("Conv(x, w)", "Relu(v)", []),
        ("Conv(x, w)", "LeakyRelu(v)", []),
        ("Conv(x, w)", "Clip(v)", []),
        ("Conv(x, w)", "Mul(v, s)", []),
        ("Add(x, s)", "Relu(v)", []),
        ("Conv(x, w)", "Conv(v, w)", ["v"]),
        ("Conv(x, w)", "MaxPool<kernel_shape = [2, 2]>(v)", ["v"]),
        ("Relu(x)", "Add(v, s)", ["v"]),
        ("MaxPool<kernel_shape = [2, 2]>(x)", "Relu(v)", ["v"]),
        ("Identity(x)", "Exp(v)", []),
        ("Dropout(x)", "Conv(v, w)", []),
    ],
)
def test_what_is_fused_is_not_cut(
    first: str, second: str, expected: list[str], graph_of: Read
) -> None:
    """No cut goes between nodes that ONNX Runtime merges, nor behind one that costs nothing."""
    weights = "<float[2,2,1,1] w = {1, 2, 3, 4}, float s = {2}>"
    graph = graph_of(
        f"(float[1,2,4,4] x) => (float[1,2,H,W] y) {weights} {{ v = {first} y = {second} }}"
    )
    assert expected == names(graph)


def test_a_value_used_twice_is_not_fused(graph_of: Read) -> None:
    """A value that two nodes use is made in any case: a cut may go there."""
    graph = graph_of(
        """(float[1,4] x) => (float[1,4] y) <float[4] w = {1, 2, 3, 4}>
        { v = Add(x, w) a = Relu(v) b = Sigmoid(v) y = Sub(a, b) }"""
    )
    assert names(graph) == ["v"]


def test_a_name_the_file_has_not_is_no_candidate(chain: Graph) -> None:
    """A cut is named by the model file's values: what the optimiser made up is left out."""
    assert names(replace(chain, original_names=frozenset({"x", "a", "c", "y"}))) == ["a", "c"]


def test_a_value_of_unknown_size_is_no_candidate(chain: Graph) -> None:
    """A value whose shape is not known cannot travel."""
    values = {**chain.values, "b": replace(chain.values["b"], shape=None)}
    assert names(replace(chain, values=values)) == ["a", "c"]


def test_no_candidate_is_an_end(chain: Graph) -> None:
    """Every candidate leaves nodes on both sides."""
    for cut in candidate_cuts(chain):
        assert cut.placement == "split"
        assert 0 < cut.head < chain.all_nodes
