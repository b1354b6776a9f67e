"""Predictors: what a node takes on a host that measured other models, not this one.

Per kind of operator, non-negative least squares on operations and sizes, as LoADPart
predicts (Liu, Zheng, Li, Guo: LoADPart: Load-Aware Dynamic Partition of Deep Neural
Networks for Edge Offloading, ICDCS 2022) and Neurosurgeon before it (Kang, Hauswald,
Gao, Rovinski, Mudge, Mars, Tang: Neurosurgeon: Collaborative Intelligence Between the
Cloud and Mobile Edge, ASPLOS 2017), which fits linear and logarithmic functions of each
layer type's own sizes. A reconstruction: neither text was available. Unknown are
LoADPart's exact features (operations plus sizes chosen per type by importance), its
weighting of errors and its list of types; the features here are the same for all.

Measuring is better: see `leave_one_out` for what predictions are worth on a host.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutpoint.cost.features import FEATURES, features_of, kinds_of
from cutpoint.cost.host_costs import check_is_of
from cutpoint.exceptions import CostError, MissingDependencyError
from cutpoint.graph import Graph
from cutpoint.records import FORMAT_VERSION, Environment, Profile, Sample

Matrix = NDArray[np.float64]

MIN_SAMPLES = 2 * len(FEATURES)
"""Nodes of a kind below which it is predicted by the model of all kinds together."""

_POOLED_SAMPLES = 1
"""
As so many nodes of its own kind count the nodes of all kinds together in each model.

Small nodes alone leave it open which size their time grows with, and a larger model
then finds out: without this, densenet121 was predicted from ten other zoo models at
four times its time, because multiplying by a weight of four bytes had taught what a
byte of weights costs.
"""

_SHORT_S = 1e-5
"""Relative errors count from here: ONNX Runtime's profiler rounds to a tenth of it."""


@dataclass(frozen=True)
class Predictor:
    """
    Seconds of a node as a sum of its features, each times a coefficient not below zero.

    Parameters
    ----------
    by_kind
        Coefficients by kind of node (see `kinds_of`), in the order of `FEATURES`.
    of_all
        Coefficients for every other kind.
    num_profiles
        Profiles it was fitted on.
    environment
        Of the host they were measured on.

    Raises
    ------
    CostError
        If a coefficient is missing, negative, infinite or NaN.
    """

    by_kind: Mapping[str, tuple[float, ...]]
    of_all: tuple[float, ...]
    num_profiles: int
    environment: Environment

    def __post_init__(self) -> None:
        for kind, coefficients in (*self.by_kind.items(), ("all kinds", self.of_all)):
            if len(coefficients) != len(FEATURES) or not all(0 <= c < inf for c in coefficients):
                raise CostError(
                    f"predictor of {kind}: {list(coefficients)} are not {len(FEATURES)} "
                    "coefficients that are finite and not negative: fit it again"
                )

    def node_s(self, graph: Graph) -> dict[str, float]:
        """Predict the seconds of every node, by name."""
        features = features_of(graph)
        coefficients = np.array([self.by_kind.get(kind, self.of_all) for kind in kinds_of(graph)])
        seconds = (features * coefficients).sum(axis=1)
        return {node.name: float(s) for node, s in zip(graph.nodes, seconds, strict=True)}

    def profile(self, graph: Graph, host: str) -> Profile:
        """
        Give the profile this host would measure, for everything that takes a profile.

        Parameters
        ----------
        host
            Name of the machine it stands for.

        Returns
        -------
        Profile
            With ``node`` samples and a ``whole``, no segments; its processor reads
            "predicted from ... profiles".
        """
        node_s = self.node_s(graph)
        nodes = (Sample("node", name, duration_s) for name, duration_s in node_s.items())
        plural = "" if self.num_profiles == 1 else "s"
        predicted = f"predicted from {self.num_profiles} profile{plural}"
        return Profile(
            format_version=FORMAT_VERSION,
            model_sha256=graph.sha256,
            model_name=graph.name,
            host=host,
            environment=replace(self.environment, cpu=predicted),
            cuts=(),
            samples=(Sample("whole", "", sum(node_s.values())), *nodes),
            contention=1.0,
        )


def fit(samples: Iterable[tuple[Graph, Profile]]) -> Predictor:
    """
    Fit a predictor on the nodes of models measured on one host.

    Parameters
    ----------
    samples
        Models and their profiles, with ``node`` samples; those are scaled to the whole
        as it was measured, and so are the predictions.

    Raises
    ------
    CostError
        If there is no profile, one has no timings of nodes, or they are of hosts or
        settings that differ.
    ProfileMismatchError
        If a profile is of another model than its graph.
    MissingDependencyError
        If SciPy is not installed.
    """
    given = tuple(samples)
    _check_one_host([profile for _, profile in given])
    timed = [_timed_nodes(graph, profile) for graph, profile in given]
    kinds = np.array([kind for each, _, _ in timed for kind in each])
    features = np.concatenate([each for _, each, _ in timed])
    times_s = np.concatenate([each for _, _, each in timed])
    pooled = np.full(len(kinds), _POOLED_SAMPLES / len(kinds))
    by_kind = {}
    for kind in sorted(set(kinds.tolist())):
        of_kind = kinds == kind
        if of_kind.sum() >= MIN_SAMPLES:
            by_kind[kind] = _coefficients(features, times_s, of_kind + pooled)
    of_all = _coefficients(features, times_s, pooled)
    return Predictor(by_kind, of_all, len(given), given[0][1].environment)


def _check_one_host(profiles: list[Profile]) -> None:
    if not profiles:
        raise CostError("no profiles to fit a predictor on: run `cutpoint profile` on some models")
    first = profiles[0]
    for profile in profiles[1:]:
        if _setting(profile.environment) != _setting(first.environment):
            raise CostError(
                f"the profiles of {first.model_name!r} and {profile.model_name!r} were measured "
                f"on hosts or with settings that differ ({_setting(first.environment)} and "
                f"{_setting(profile.environment)}): fit one predictor for each"
            )


def _setting(environment: Environment) -> tuple[str, tuple[str, ...], int, float]:
    """Give what makes times differ: processor, providers, threads, slow-down."""
    return (
        environment.cpu,
        environment.providers,
        environment.num_threads,
        environment.emulated_slowdown,
    )


def _timed_nodes(graph: Graph, profile: Profile) -> tuple[list[str], Matrix, Matrix]:
    """Give kinds, features and seconds of the nodes that were timed."""
    check_is_of(graph, profile)
    times_s = {
        sample.subject: sample.duration_s for sample in profile.samples if sample.kind == "node"
    }
    timed = [node.index for node in graph.nodes if node.name in times_s]
    if not timed:
        raise CostError(
            f"the profile of {profile.model_name!r} on {profile.host!r} has no timings of nodes: "
            "run `cutpoint profile` on it again, or leave it out"
        )
    kinds = kinds_of(graph)
    seconds = np.array([times_s[graph.nodes[index].name] for index in timed])
    return [kinds[index] for index in timed], features_of(graph)[timed], seconds


def _coefficients(features: Matrix, times_s: Matrix, counts: Matrix) -> tuple[float, ...]:
    """Fit so that relative errors count, each as often as `counts` says."""
    weights = np.sqrt(counts) / np.maximum(times_s, _SHORT_S)
    # Operations are counted in billions, constants in ones: columns are brought level.
    scale = features.max(axis=0)
    scale[scale == 0] = 1.0
    solution, _ = nnls_solver()(features / scale * weights[:, None], times_s * weights)
    return tuple((solution / scale).tolist())


def nnls_solver() -> Callable[[Matrix, Matrix], Any]:
    """
    Give SciPy's non-negative least squares.

    Raises
    ------
    MissingDependencyError
        If SciPy is not installed.
    """
    try:
        from scipy.optimize import nnls
    except ImportError as error:
        raise MissingDependencyError(
            "fitting predictors needs SciPy: pip install 'cutpoint[plan]'"
        ) from error
    solve: Callable[[Matrix, Matrix], Any] = nnls
    return solve
