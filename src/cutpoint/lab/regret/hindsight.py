"""What can be had at most by who knows only what has passed."""

import numpy as np
from numpy.typing import NDArray

from cutpoint.simulation.exact_run import ExactReplay, ExactRun

_NUM_BINS = 20


def best_by_past_rate(replay: ExactReplay, name: str, past_s: float) -> ExactRun:
    """
    Give the run of the best rule that looks at nothing but the rate a moment ago and the load.

    Positions are sorted by the mean rate of the link over what has just passed into bins of
    equal size, those under load apart, and in each the row is taken that is the best there on
    average: found in hindsight, so no rule that learns can do better by these bins.

    Parameters
    ----------
    past_s
        Over which the rate is a mean.
    """
    at_s = replay.positions_s
    curve = replay.world.up_curve
    from_s = np.maximum(at_s - past_s, 0.0)
    passed = [
        curve.carried_bytes(float(end)) - curve.carried_bytes(float(begin))
        for begin, end in zip(from_s, at_s, strict=True)
    ]
    waits_s = replay.world.load.waits_s_at(at_s)
    rows = np.zeros(len(at_s), np.intp)
    for wait_s in np.unique(waits_s):
        of_load = np.flatnonzero(waits_s == wait_s)
        for chosen in _bins(of_load, np.array(passed)):
            rows[chosen] = replay.latency_s[chosen].mean(axis=0).argmin()
    latency_s = replay.latency_s[np.arange(len(rows)), rows]
    return ExactRun(name, at_s, rows, latency_s, replay.oracle_rows, replay.oracle_s)


def _bins(indices: NDArray[np.intp], passed: NDArray[np.float64]) -> list[NDArray[np.intp]]:
    ordered = indices[np.argsort(passed[indices], kind="stable")]
    return [part for part in np.array_split(ordered, _NUM_BINS) if part.size]
