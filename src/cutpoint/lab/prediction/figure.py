"""The errors of predictions as a plot."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from cutpoint.lab.plotting import pyplot
from cutpoint.lab.prediction.sample import PredictedSample

_SHOWN = 0.3


def draw_errors(samples: Mapping[str, Sequence[PredictedSample]], path: Path) -> None:
    """Draw the distribution of absolute errors of each net."""
    plt = pyplot()
    figure, axes = plt.subplots(figsize=(7.0, 4.2), layout="constrained")
    for model, each in samples.items():
        errors = sorted(abs(sample.error) for sample in each if sample.is_kept)
        if errors:
            shares = np.arange(1, len(errors) + 1) / len(errors)
            axes.step(100 * np.array(errors), 100 * shares, where="post", lw=1.1, label=model)
    for bound, share in ((5, 50), (15, 95)):
        axes.plot(bound, share, "k+", ms=12, mew=1.5)
    axes.set(
        xlim=(0, 100 * _SHOWN),
        ylim=(0, 100),
        xlabel="error of the predicted latency, % (crosses: what is claimed)",
        ylabel="inferences within it, %",
    )
    axes.grid(alpha=0.3)
    axes.legend(fontsize=6, ncols=3, loc="lower right")
    figure.savefig(path, dpi=150)
    plt.close(figure)
