"""How far an estimator was off, how late it noticed a step, and what it sent for that."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log

import numpy as np

WITHIN = log(1.2)
"""A step is noticed where an estimate is within 20 % of what is true after it."""


@dataclass(frozen=True)
class Verdict:
    """
    One estimator in one setting.

    Parameters
    ----------
    name
        Of the estimator.
    setting
        Of the link or the load.
    off_s
        What was predicted of a transfer or a tail beside what is true, at each time asked; no sign.
    off_log
        The same as the logarithm of their ratio, no sign.
    lag_s
        After each step, until the estimate was near it; as long as the step lasted if it never was.
    probe_bytes_per_s
        Bytes that were sent for nothing but to learn, frames and payload.
    """

    name: str
    setting: str
    off_s: tuple[float, ...]
    off_log: tuple[float, ...]
    lag_s: tuple[float, ...] = ()
    probe_bytes_per_s: float = 0.0

    @property
    def median_off(self) -> float:
        """Median of the error, as a share: 0.1 is ten per cent."""
        return float(np.expm1(np.median(self.off_log)))

    @property
    def p95_off(self) -> float:
        """95th percentile of the same."""
        return float(np.expm1(np.quantile(self.off_log, 0.95)))

    @property
    def median_lag_s(self) -> float | None:
        """Median lag after a step; ``None`` where there was none."""
        return float(np.median(self.lag_s)) if self.lag_s else None


def lags_s(
    at_s: Sequence[float], off_log: Sequence[float], steps_s: Sequence[float]
) -> tuple[float, ...]:
    """
    Give the lag after each step.

    Parameters
    ----------
    at_s, off_log
        When the estimate was looked at, and how far it was off.
    steps_s
        When what is true changed, ascending; the last step lasts until the end.
    """
    ends_s = [*steps_s[1:], at_s[-1]]
    found = []
    for step_s, end_s in zip(steps_s, ends_s, strict=True):
        near = (
            t_s - step_s
            for t_s, off in zip(at_s, off_log, strict=True)
            if step_s <= t_s < end_s and off <= WITHIN
        )
        found.append(next(near, end_s - step_s))
    return tuple(found)
