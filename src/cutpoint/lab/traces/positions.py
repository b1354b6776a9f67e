"""Places in a trace at which to look."""

import numpy as np

from cutpoint.lab.traces.trace import Trace


def positions(trace: Trace, num: int, seed: int = 0) -> tuple[float, ...]:
    """
    Choose places in one cycle of a trace: one at random in each of equal parts.

    Parameters
    ----------
    num
        How many.
    seed
        Of the choice.

    Returns
    -------
    tuple of float
        Seconds from the trace's beginning, rising.
    """
    drawn = np.random.default_rng(seed).random(num)
    return tuple(float(each) for each in (np.arange(num) + drawn) / num * trace.duration_s)
