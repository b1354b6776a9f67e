"""What predicting an unmeasured model is worth here: each of the zoo by the others."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cutpoint.cost import PredictionError, leave_one_out
from cutpoint.execution import ModelFile, load_graph
from cutpoint.graph import Graph
from cutpoint.lab.zoo import write
from cutpoint.profiling import measure
from cutpoint.records import Environment, Profile

MODELS = (
    "alexnet", "densenet121", "ghostnet", "googlenet", "inception_v1", "mobilenet_v2",
    "mobilenet_v3_small", "resnet18", "resnet50", "shufflenet", "squeezenet", "xception",
)  # fmt: skip
"""Light and middling nets of every family."""


@dataclass(frozen=True)
class PredictorsBench:
    """
    The errors of every model left out of the fit.

    Parameters
    ----------
    errors
        One per model.
    environment
        Where they were measured.
    """

    errors: tuple[PredictionError, ...]
    environment: Environment

    @property
    def mean_whole_error(self) -> float:
        """Mean relative error of the whole model."""
        return float(np.mean([error.whole_error for error in self.errors]))

    @property
    def median_whole_error(self) -> float:
        """Median relative error of the whole model."""
        return float(np.median([error.whole_error for error in self.errors]))

    @property
    def mean_head_error(self) -> float:
        """Mean error of heads, relative to the whole."""
        return float(np.mean([error.head_error for error in self.errors]))

    @property
    def mean_scaled_head_error(self) -> float:
        """Mean error of heads once scaled to one measured total, relative to the whole."""
        return float(np.mean([error.scaled_head_error for error in self.errors]))


def run_predictors_bench(
    models: Sequence[str] = MODELS,
    repeats: int = 10,
    listener: Callable[[str], None] = lambda _: None,
) -> PredictorsBench:
    """
    Profile models of the zoo on this machine, one thread each, and predict each by the others.

    Raises
    ------
    CostError
        If there are less than two.
    MissingDependencyError
        If SciPy is not installed.
    """
    measured = list(_measured(models, repeats, listener))
    environment = measured[0][1].environment
    return PredictorsBench(leave_one_out(measured), environment)


def _measured(
    models: Sequence[str], repeats: int, listener: Callable[[str], None]
) -> Iterator[tuple[Graph, Profile]]:
    with tempfile.TemporaryDirectory(prefix="cutpoint-bench-") as folder:
        for name in models:
            listener(f"profiling {name}")
            path = write(name, Path(folder) / f"{name}.onnx")
            graph = load_graph(ModelFile.open(path))
            yield graph, measure(graph, cuts=(), num_threads=1, repeats=repeats)
            path.unlink()
