"""What requests meet at a loaded server, request by request."""

from pathlib import Path

import numpy as np
import pytest

from cutpoint.lab.load_series import LoadSeries, measure_series
from cutpoint.lab.zoo import write

_SERIES = LoadSeries(
    level=0.9,
    idle_s=0.01,
    at_s=np.array([0.0, 1.0, 3.0]),
    wait_s=np.array([0.0, 0.02, 0.04]),
    run_s=np.array([0.009, 0.02, 0.03]),
    num_refused=1,
)


def test_a_series_is_told_in_idle_requests() -> None:
    """Slow-downs are 1 at least, waits in what a request takes on the idle server."""
    assert _SERIES.slowdowns.tolist() == pytest.approx([1.0, 2.0, 3.0])
    assert _SERIES.mean_slowdown == pytest.approx(2.0)
    assert _SERIES.mean_waits == pytest.approx(2.0)


def test_longer_requests_wait_longer_and_their_queue_changes_as_slowly() -> None:
    """At ten times the time: ten times the waits, at ten times the times; the same slow-downs."""
    schedule = _SERIES.schedule_for(0.1)
    assert [length_s for length_s, _ in schedule.phases] == pytest.approx([10.0, 20.0, 20.0])
    assert schedule.at(15.0).wait_s == pytest.approx(0.2)
    assert schedule.at(15.0).slowdown == pytest.approx(2.0)
    assert schedule.at(55.0) == schedule.at(5.0)  # it begins anew


@pytest.mark.soak
def test_a_real_server_runs_slower_the_more_others_ask(tmp_path: Path) -> None:
    """Requests that share one core take longer, and none is lost at half of its capacity."""
    path = write("squeezenet", tmp_path / "net.onnx")
    idle, half, most = measure_series(path, (0.0, 0.5, 0.9), 6.0)
    assert idle.mean_slowdown < half.mean_slowdown < most.mean_slowdown
    assert half.num_refused == 0
