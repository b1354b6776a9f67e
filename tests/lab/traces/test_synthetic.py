"""The traces of the package."""

from itertools import pairwise

import numpy as np
import pytest

from cutpoint.exceptions import TraceError
from cutpoint.lab.traces import Trace, default_traces
from cutpoint.lab.traces.mahimahi import PACKET_BYTES
from cutpoint.lab.traces.synthetic import DRIVING, synthetic_rates
from cutpoint.simulation.rate_schedule import RateSchedule
from cutpoint.units import from_mbit_per_s, mbit_per_s

DRIVEN, STROLLED = default_traces()


def _per_second_mbit_per_s(trace: Trace) -> np.ndarray:
    edges_s = range(round(trace.duration_s) + 1)
    return np.array([mbit_per_s(trace.up.sent_bytes(*pair)) for pair in pairwise(edges_s)])


def _correlation(values: np.ndarray, lag: int) -> float:
    return float(np.corrcoef(values[:-lag], values[lag:])[0, 1])


@pytest.mark.parametrize(
    ("trace", "duration_s", "mean", "percentiles"),
    [
        (DRIVEN, 120, 1.92, (0.04, 1.58, 5.01)),
        (STROLLED, 140, 13.35, (2.49, 11.78, 27.88)),
    ],
    ids=["driving", "strolling"],
)
def test_a_trace_matches_the_recording_it_stands_for(
    trace: Trace, duration_s: int, mean: float, percentiles: tuple[float, float, float]
) -> None:
    """Length, mean and p5, p50 and p95 per second, within 3 % or one packet in a second."""
    assert trace.duration_s == pytest.approx(duration_s)
    assert mbit_per_s(trace.mean_bytes_per_s) == pytest.approx(mean, rel=0.01)
    found = np.percentile(_per_second_mbit_per_s(trace), [5, 50, 95])
    assert found == pytest.approx(percentiles, rel=0.03, abs=mbit_per_s(PACKET_BYTES))


def test_one_trace_changes_within_a_second_and_the_other_within_half_a_minute() -> None:
    """The recordings' rates of two seconds correlate at 0.40 and 0.89, ten apart at 0.1 and 0.7."""
    driven, strolled = _per_second_mbit_per_s(DRIVEN), _per_second_mbit_per_s(STROLLED)
    assert _correlation(driven, 1) == pytest.approx(0.40, abs=0.1)
    assert _correlation(strolled, 1) == pytest.approx(0.89, abs=0.06)
    assert abs(_correlation(driven, 10)) < 0.25
    assert _correlation(strolled, 10) == pytest.approx(0.69, abs=0.12)


def test_the_traces_are_the_same_everywhere() -> None:
    """They are drawn anew on each machine: a version that draws others must be noticed."""
    assert synthetic_rates(DRIVING) == DRIVEN.up
    packets = [
        [round(length_s * bandwidth / PACKET_BYTES) for length_s, bandwidth in trace.up.phases]
        for trace in (DRIVEN, STROLLED)
    ]
    assert [sum(each) for each in packets] == [19200, 155750]
    weighted = [sum(index * num for index, num in enumerate(each)) for each in packets]
    # Another mathematical library may move single packets by one step.
    assert weighted == pytest.approx([12030260, 90485714], rel=1e-5)


def test_a_trace_must_repeat_and_carry_something() -> None:
    """An error names the trace."""
    with pytest.raises(TraceError, match="'once': up must repeat"):
        Trace("once", RateSchedule.constant(from_mbit_per_s(1)))
    with pytest.raises(TraceError, match="'dead': down carries nothing"):
        Trace("dead", DRIVEN.up, RateSchedule(((1.0, 0.0),), repeat=True))
