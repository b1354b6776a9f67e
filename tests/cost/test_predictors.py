import builtins
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from math import inf, nan
from typing import Any

import numpy as np
import pytest

from cutpoint.cost import Predictor, fit, fold
from cutpoint.cost.features import FEATURES, features_of, kinds_of
from cutpoint.cost.predictors import MIN_SAMPLES
from cutpoint.exceptions import CostError, MissingDependencyError, ProfileMismatchError
from cutpoint.graph import Graph, candidate_cuts
from cutpoint.records import Profile, Sample

Law = dict[str, Sequence[float]]

LAW: Law = {
    "MatMul": (1e-5, 2e-10, 1e-10, 3e-10, 5e-11),
    "Relu": (2e-6, 1e-9, 0.0, 4e-10, 0.0),
    "Softmax": (4e-6, 3e-9, 2e-10, 0.0, 0.0),
}
"""Seconds per unit of each feature, of a made-up host."""


def timed(graph: Graph, profile_of: Callable[..., Profile], law: Law = LAW) -> Profile:
    """Give the profile a host with this law would measure, exactly."""
    rows = zip(graph.nodes, kinds_of(graph), features_of(graph), strict=True)
    times_s = {node.name: float(row @ np.array(law[kind])) for node, kind, row in rows}
    samples = [Sample("node", name, time_s) for name, time_s in times_s.items()]
    return profile_of(graph, [Sample("whole", "", sum(times_s.values())), *samples])


@pytest.fixture(scope="module")
def perceptron_of(graph_of: Callable[..., Graph]) -> Callable[..., Graph]:
    """Give the writer of layers of these widths, each MatMul, Relu and at last a Softmax."""

    def write(widths: Sequence[int], rows: int = 1) -> Graph:
        pairs = list(pairwise(widths))
        weights = ", ".join(f"float[{a},{b}] w{i}" for i, (a, b) in enumerate(pairs))
        nodes = [
            f"m{i} = MatMul({f'r{i - 1}' if i else 'x'}, w{i}) r{i} = Relu(m{i})"
            for i in range(len(pairs))
        ]
        graph = graph_of(
            f"(float[{rows},{widths[0]}] x, {weights}) => (float[{rows},{widths[-1]}] y) "
            f"{{ {' '.join(nodes)} y = Softmax(r{len(pairs) - 1}) }}"
        )
        # Weights nobody has to write down: the predictor sees no more of them than bytes.
        held = (replace(n, weight_bytes=n.index * 7919 % 5000 * 100) for n in graph.nodes)
        return replace(graph, nodes=tuple(held))

    return write


@pytest.fixture(scope="module")
def measured(
    perceptron_of: Callable[..., Graph], profile_of: Callable[..., Profile]
) -> tuple[tuple[Graph, Profile], ...]:
    """Give seven models of drawn widths on the made-up host."""
    rng = np.random.default_rng(3)
    graphs = [
        perceptron_of(np.exp(rng.uniform(2, 7, 6)).astype(int).tolist(), int(rows))
        for rows in rng.integers(1, 64, 7)
    ]
    return tuple((graph, timed(graph, profile_of)) for graph in graphs)


def test_one_law_for_all_is_recovered(
    measured: tuple[tuple[Graph, Profile], ...],
    perceptron_of: Callable[..., Graph],
    profile_of: Callable[..., Profile],
) -> None:
    """Where times are one non-negative sum of the features, a new model's are foretold."""
    law = dict.fromkeys(LAW, LAW["MatMul"])
    predictor = fit((graph, timed(graph, profile_of, law)) for graph, _ in measured)
    unseen = perceptron_of([300, 500, 70, 9], 17)
    truth = {s.subject: s.duration_s for s in timed(unseen, profile_of, law).samples if s.subject}
    assert predictor.node_s(unseen) == pytest.approx(truth, rel=1e-6)
    assert predictor.of_all == pytest.approx(LAW["MatMul"], rel=1e-4)


def test_each_kind_has_its_law(
    perceptron_of: Callable[..., Graph], profile_of: Callable[..., Profile]
) -> None:
    """With nodes enough a kind follows its own law, though all kinds are pooled a little."""
    rng = np.random.default_rng(3)
    drawn = [
        perceptron_of(np.exp(rng.uniform(2, 7, 6)).astype(int).tolist(), int(rows))
        for rows in rng.integers(1, 64, 60)
    ]
    predictor = fit((graph, timed(graph, profile_of)) for graph in drawn)
    assert set(predictor.by_kind) == set(LAW)
    unseen = perceptron_of([300, 500, 70, 9], 17)
    node_s = predictor.node_s(unseen)
    truth = {s.subject: s.duration_s for s in timed(unseen, profile_of).samples if s.subject}
    for node in unseen.nodes:
        assert node_s[node.name] == pytest.approx(truth[node.name], rel=0.1, abs=2e-6)


def test_a_kind_with_few_samples_is_predicted_by_all(
    measured: tuple[tuple[Graph, Profile], ...],
) -> None:
    """Seven Softmaxes are below the number a model of their own takes."""
    graph, _ = measured[0]
    predictor = fit(measured)
    assert len(measured) < MIN_SAMPLES
    last = graph.nodes[-1]
    expected = features_of(graph)[-1] @ np.array(predictor.of_all)
    assert last.op_type == "Softmax"
    assert predictor.node_s(graph)[last.name] == pytest.approx(expected)


def test_coefficients_are_not_negative(measured: tuple[tuple[Graph, Profile], ...]) -> None:
    """Noise never makes more work take less time."""
    rng = np.random.default_rng(8)

    def noisy(profile: Profile) -> Profile:
        samples = (replace(s, duration_s=s.duration_s * rng.lognormal()) for s in profile.samples)
        return replace(profile, samples=tuple(samples))

    predictor = fit((graph, noisy(profile)) for graph, profile in measured)
    for coefficients in (predictor.of_all, *predictor.by_kind.values()):
        assert min(coefficients) >= 0
        assert len(coefficients) == len(FEATURES)


def test_a_predicted_profile_is_used_as_a_measured_one(
    measured: tuple[tuple[Graph, Profile], ...],
) -> None:
    """The fold takes it, heads add up from the predicted nodes, and it says what it is."""
    graph, truth = measured[0]
    predictor = fit(measured[1:])
    profile = predictor.profile(graph, "a server")
    assert profile.environment.cpu == "predicted from 6 profiles"
    assert profile.environment.num_threads == truth.environment.num_threads
    assert (profile.host, profile.model_sha256) == ("a server", graph.sha256)
    node_s = predictor.node_s(graph)
    cuts = candidate_cuts(graph)
    costs = fold(graph, profile, cuts)
    assert cuts
    assert costs.whole_s == pytest.approx(sum(node_s.values()))
    for cut in cuts:
        head_s = sum(node_s[n.name] for n in graph.nodes if cut.head >> n.index & 1)
        assert costs.head_s[cut.id] == pytest.approx(head_s)


def test_times_of_no_length_are_fitted(measured: tuple[tuple[Graph, Profile], ...]) -> None:
    """Nodes below the profiler's tick take no time and break nothing."""
    still = [
        (graph, replace(p, samples=tuple(replace(s, duration_s=0.0) for s in p.samples)))
        for graph, p in measured
    ]
    assert set(fit(still).node_s(measured[0][0]).values()) == {0.0}


def test_profiles_of_one_host_are_fitted(
    measured: tuple[tuple[Graph, Profile], ...],
) -> None:
    """No profile, one without nodes, of another model or of another host is refused."""
    graph, profile = measured[0]
    with pytest.raises(CostError, match="no profiles"):
        fit(())
    with pytest.raises(CostError, match=r"'model' on 'here' has no timings of nodes"):
        fit([(graph, replace(profile, samples=profile.samples[:1]))])
    with pytest.raises(ProfileMismatchError, match="cdcd"):
        fit([(graph, replace(profile, model_sha256="cd" * 32))])
    for changes in ({"cpu": "other"}, {"num_threads": 2}, {"emulated_slowdown": 8.0}):
        other = replace(profile, environment=replace(profile.environment, **changes))
        with pytest.raises(CostError, match="fit one predictor for each"):
            fit([(graph, profile), (graph, other)])


@pytest.mark.parametrize("wrong", [(1.0,), (1.0,) * 6, (-1.0,) * 5, (nan,) * 5, (inf,) * 5])
def test_coefficients_are_checked(
    wrong: tuple[float, ...], measured: tuple[tuple[Graph, Profile], ...]
) -> None:
    """Coefficients that are missing, negative or no numbers are refused by kind."""
    good = (1.0,) * len(FEATURES)
    environment = measured[0][1].environment
    with pytest.raises(CostError, match="predictor of Conv"):
        Predictor({"Conv": wrong}, good, 1, environment)
    with pytest.raises(CostError, match="predictor of all kinds"):
        Predictor({}, wrong, 1, environment)


def test_scipy_is_named_where_it_is_missing(
    measured: tuple[tuple[Graph, Profile], ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without SciPy the message names what to install."""
    found = builtins.__import__

    def without_scipy(name: str, *rest: Any) -> Any:
        if name.startswith("scipy"):
            raise ImportError(name)
        return found(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without_scipy)
    with pytest.raises(MissingDependencyError, match=r"cutpoint\[plan\]"):
        fit(measured)
