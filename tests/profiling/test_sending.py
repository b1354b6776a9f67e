"""What a model takes while the host sends."""

from pathlib import Path

import numpy as np
import pytest

from cutpoint.execution import ModelFile, Segments, load_graph
from cutpoint.profiling.sending import sending_samples, sending_slowdown
from cutpoint.records import Sample


def test_samples_are_scaled_to_the_whole(six_convs: Path) -> None:
    """A slow-down that was measured beside quiet runs, whatever those took."""
    segments = Segments(load_graph(ModelFile.open(six_convs)), ())
    samples = sending_samples(segments, {"image": np.ones((1, 3, 64, 64), np.float32)}, 1000.0)
    assert {sample.kind for sample in samples} == {"sending"}
    assert all(sample.duration_s > 10 for sample in samples)


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        ((), 1.0),
        ((Sample("whole", "", 1.0),), 1.0),
        ((Sample("whole", "", 1.0), Sample("sending", "", 1.25)), 1.25),
        ((Sample("whole", "", 1.0), Sample("sending", "", 0.9)), 1.0),
        ((Sample("whole", "", 8.0, batch=8), Sample("sending", "", 2.0)), 1.0),
    ],
)
def test_the_slow_down_of_a_profile(samples: tuple[Sample, ...], expected: float) -> None:
    """None where it was not measured, and none below one."""
    assert sending_slowdown(samples) == expected
