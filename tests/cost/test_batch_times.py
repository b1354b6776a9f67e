"""What a batch takes, between and beyond the sizes that were timed."""

import pytest

from cutpoint.cost.batch_times import BatchTimes, batch_times
from cutpoint.records import Sample


def test_sizes_between_lie_on_a_line_and_beyond_nothing_is_saved() -> None:
    """As timed where timed; a piece of one takes its share; twice the largest twice as long."""
    times = BatchTimes({1: 1.0, 2: 1.5, 8: 3.0})
    assert [times.time_s(size) for size in (1, 2, 8)] == [1.0, 1.5, 3.0]
    assert times.time_s(1.5) == pytest.approx(1.25)
    assert times.time_s(5) == pytest.approx(2.25)
    assert times.time_s(16) == 6.0
    assert times.time_s(0.25) == 0.25
    assert times.sizes == (1, 2, 8)


def test_a_segment_timed_alone_saves_nothing() -> None:
    """Without a batch that was timed N requests take N times as long."""
    assert BatchTimes({1: 0.5}).time_s(7) == 3.5


@pytest.mark.parametrize("measured", [{}, {2: 1.0}])
def test_one_request_must_have_been_timed(measured: dict[int, float]) -> None:
    """There is no guessing what one takes from what several took."""
    with pytest.raises(ValueError, match="one of 1 is needed"):
        BatchTimes(measured)


def test_the_quickest_runs_count() -> None:
    """By segment and size; other kinds of samples, and segments never run alone, say nothing."""
    samples = [
        Sample("segment", "a", 3.0),
        Sample("segment", "a", 2.0),
        Sample("segment", "a", 2.5, batch=2),
        Sample("segment", "a", 9.0, batch=2),
        Sample("segment", "b", 1.0, batch=4),
        Sample("whole", "", 1.0),
    ]
    found = batch_times(samples)
    assert set(found) == {"a"}
    assert [found["a"].time_s(size) for size in (1, 2)] == [2.0, 2.5]
