"""How far predictions are off, told by leaving out each measured model in turn."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from cutpoint.cost.host_costs import fold
from cutpoint.cost.predictors import Predictor, fit
from cutpoint.exceptions import CostError
from cutpoint.graph import Graph, candidate_cuts
from cutpoint.records import Profile


@dataclass(frozen=True)
class PredictionError:
    """
    What predicting one model would have been worth.

    Parameters
    ----------
    model
        Name of the model that was left out.
    measured_s, predicted_s
        The whole model.
    num_cuts
        Candidate cuts it has.
    head_error
        Mean absolute error of the head's time at these cuts, relative to the measured
        whole; 0 where there is no cut.
    scaled_head_error
        The same once predictions are scaled to the one measured total: what remains
        is the error of their proportions.
    """

    model: str
    measured_s: float
    predicted_s: float
    num_cuts: int
    head_error: float
    scaled_head_error: float

    @property
    def whole_error(self) -> float:
        """Absolute error of the whole, relative to what was measured."""
        return abs(self.predicted_s - self.measured_s) / self.measured_s


def leave_one_out(samples: Iterable[tuple[Graph, Profile]]) -> tuple[PredictionError, ...]:
    """
    Predict each model by the others.

    Parameters
    ----------
    samples
        Models and their profiles, as for `fit`; at least two.

    Returns
    -------
    tuple of PredictionError
        In the order of the samples.

    Raises
    ------
    CostError
        If there are less than two models, one took no time at all, or as `fit`.
    ProfileMismatchError
        If a profile is of another model than its graph.
    MissingDependencyError
        If SciPy is not installed.
    """
    given = tuple(samples)
    if len(given) < 2:
        raise CostError(
            f"{len(given)} profiles: leaving one out takes at least two models; profile another"
        )
    found = []
    for index, (graph, profile) in enumerate(given):
        predictor = fit(given[:index] + given[index + 1 :])
        found.append(_error(predictor, graph, profile))
    return tuple(found)


def _error(predictor: Predictor, graph: Graph, profile: Profile) -> PredictionError:
    cuts = candidate_cuts(graph)
    measured = fold(graph, profile, cuts)
    predicted = fold(graph, predictor.profile(graph, profile.host), cuts)
    if measured.whole_s == 0:
        raise CostError(
            f"{graph.name!r} took no time on {profile.host!r}, so that no error is relative to it: "
            "leave it out"
        )
    measured_s = np.array([measured.head_s[cut.id] for cut in cuts])
    predicted_s = np.array([predicted.head_s[cut.id] for cut in cuts])
    scale = measured.whole_s / predicted.whole_s if predicted.whole_s else 0.0
    plain = np.abs(predicted_s - measured_s) / measured.whole_s
    scaled = np.abs(predicted_s * scale - measured_s) / measured.whole_s
    return PredictionError(
        model=graph.name,
        measured_s=measured.whole_s,
        predicted_s=predicted.whole_s,
        num_cuts=len(cuts),
        head_error=float(plain.mean()) if cuts else 0.0,
        scaled_head_error=float(scaled.mean()) if cuts else 0.0,
    )
