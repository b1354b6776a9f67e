"""What exact runs by estimates make of a way down that is not like the way up."""

from collections.abc import Callable

import numpy as np
import pytest

from cutpoint.cost import CutTable
from cutpoint.policies import Cutpoint
from cutpoint.simulation.exact_run import ExactReplay
from cutpoint.simulation.rate_schedule import RateSchedule
from cutpoint.simulation.world import World

_UP_BYTES_PER_S, _DOWN_BYTES_PER_S = 125e3, 125e6


def test_a_slow_way_up_is_used_where_the_way_down_is_fast(
    table_of: Callable[..., CutTable],
) -> None:
    """
    Answers of one piece tell it; to send is right, and that is found out by the first trial.

    Sending takes 0.12 s, the device alone 0.15; if the way down were like the way up, 0.17.
    """
    table = table_of((0.15, 0.0, 0.0, 0.0, 0.0), (0.0, 0.15, 0.02, 10_000.0, 6_000.0))
    up, down = (RateSchedule.constant(rate) for rate in (_UP_BYTES_PER_S, _DOWN_BYTES_PER_S))
    replay = ExactReplay(table, World(up, down, 0.007, 0.007), np.arange(0.0, 30.0, 0.25))
    run = replay.run(Cutpoint(), "estimated", gives_up=True)
    assert run.oracle_rows.tolist() == [1] * len(run.rows)
    assert run.rows[0] == 0  # nothing was seen of the way down yet
    assert np.count_nonzero(run.rows == 0) < 30
    assert run.rows[-1] == 1
    assert run.regret == pytest.approx(0.0, abs=0.06)
