"""A summary of samples for people: the middle and how far the runs spread."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from cutpoint.exceptions import ProfileError
from cutpoint.records import Sample


@dataclass(frozen=True)
class Spread:
    """
    How long the runs of one thing took.

    Parameters
    ----------
    median_s, p25_s, p75_s
        Median and quartiles.
    num
        Runs.
    """

    median_s: float
    p25_s: float
    p75_s: float
    num: int


def spread(samples: Iterable[Sample]) -> Spread:
    """
    Summarise samples of one thing.

    Raises
    ------
    ProfileError
        If there is none.
    """
    durations_s = [sample.duration_s for sample in samples]
    if not durations_s:
        raise ProfileError("there is no sample to summarise: run `cutpoint profile` again")
    p25_s, median_s, p75_s = np.quantile(durations_s, (0.25, 0.5, 0.75))
    return Spread(float(median_s), float(p25_s), float(p75_s), len(durations_s))
