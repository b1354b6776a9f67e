from collections.abc import Callable

import numpy as np
import onnx
import pytest

from cutpoint.cost import fold, leave_one_out
from cutpoint.exceptions import CostError
from cutpoint.execution import ModelFile, load_graph
from cutpoint.graph import Graph, candidate_cuts
from cutpoint.profiling import measure
from cutpoint.records import Profile, Sample


def by_operations(
    graph: Graph, profile_of: Callable[..., Profile], s_per_flop: float
) -> tuple[Graph, Profile]:
    """Give a graph with the profile of a host on which operations are all that takes time."""
    samples = [Sample("node", node.name, node.flops * s_per_flop) for node in graph.nodes]
    whole_s = sum(sample.duration_s for sample in samples)
    return graph, profile_of(graph, [Sample("whole", "", whole_s), *samples])


@pytest.fixture(scope="module")
def chains(graph_of: Callable[..., Graph]) -> list[Graph]:
    """Give three chains of different lengths and sizes."""
    written = []
    for num, size in ((3, 1000), (5, 20_000), (6, 300_000)):
        nodes = [f"v{i} = Tanh({f'v{i - 1}' if i else 'x'})" for i in range(num)]
        text = f"(float[1,{size}] x) => (float[1,{size}] y) {{ {' '.join(nodes)} "
        written.append(graph_of(f"{text} y = Neg(v{num - 1}) }}", name=f"chain{num}"))
    return written


def test_a_host_that_keeps_a_law_is_foretold(
    chains: list[Graph], profile_of: Callable[..., Profile]
) -> None:
    """Where times follow the features exactly, no model left out is missed."""
    errors = leave_one_out([by_operations(graph, profile_of, 1e-9) for graph in chains])
    assert [error.model for error in errors] == ["chain3", "chain5", "chain6"]
    for error, graph in zip(errors, chains, strict=True):
        assert error.num_cuts == len(candidate_cuts(graph)) > 0
        assert error.whole_error == pytest.approx(0, abs=1e-6)
        assert error.head_error == pytest.approx(0, abs=1e-6)
        assert error.scaled_head_error == pytest.approx(0, abs=1e-6)


def test_scaling_mends_what_is_wrong_by_a_factor(
    chains: list[Graph], profile_of: Callable[..., Profile]
) -> None:
    """A model that is twice as slow as the others say has right proportions still."""
    samples = [by_operations(graph, profile_of, 1e-9) for graph in chains]
    samples[0] = by_operations(chains[0], profile_of, 2e-9)
    error = leave_one_out(samples)[0]
    assert error.predicted_s == pytest.approx(error.measured_s / 2)
    assert error.whole_error == pytest.approx(0.5)
    graph, profile = samples[0]
    cuts = candidate_cuts(graph)
    costs = fold(graph, profile, cuts)
    shares = [costs.head_s[cut.id] / costs.whole_s for cut in cuts]
    assert error.head_error == pytest.approx(0.5 * np.mean(shares))
    assert error.scaled_head_error == pytest.approx(0, abs=1e-6)


def test_a_model_without_cuts_has_no_error_of_heads(
    chains: list[Graph], graph_of: Callable[..., Graph], profile_of: Callable[..., Profile]
) -> None:
    """Of a model that cannot be cut only the whole is judged."""
    single = graph_of("(float[1,9] x) => (float[1,9] y) { y = Tanh(x) }")
    samples = [by_operations(graph, profile_of, 1e-9) for graph in (single, *chains)]
    error = leave_one_out(samples)[0]
    assert (error.num_cuts, error.head_error, error.scaled_head_error) == (0, 0.0, 0.0)
    assert error.whole_error == pytest.approx(0, abs=1e-6)


def test_what_cannot_be_judged_is_refused(
    chains: list[Graph], profile_of: Callable[..., Profile]
) -> None:
    """One model has no others, and no error is relative to nothing."""
    sample = by_operations(chains[0], profile_of, 1e-9)
    with pytest.raises(CostError, match="at least two models"):
        leave_one_out([sample])
    with pytest.raises(CostError, match="'chain3' took no time"):
        leave_one_out([by_operations(chains[0], profile_of, 0.0), sample])


def test_real_profiles_are_judged(model_of: Callable[..., onnx.ModelProto]) -> None:
    """Profiles that ONNX Runtime measured go in, and finite errors come out."""
    samples = []
    for width in (64, 128, 256):
        nodes = " ".join(f"v{i} = Tanh({f'v{i - 1}' if i else 'x'})" for i in range(6))
        model = model_of(f"(float[{width},512] x) => (float[{width},512] v5) {{ {nodes} }}")
        graph = load_graph(ModelFile.open(model.SerializeToString(), name=f"tanh{width}"))
        samples.append((graph, measure(graph, num_threads=1, repeats=2, warm_up=1)))
    errors = leave_one_out(samples)
    assert [error.model for error in errors] == ["tanh64", "tanh128", "tanh256"]
    for error in errors:
        figures = (error.whole_error, error.head_error, error.scaled_head_error)
        assert np.isfinite(figures).all()
        assert min(figures) >= 0
        assert error.predicted_s > 0
