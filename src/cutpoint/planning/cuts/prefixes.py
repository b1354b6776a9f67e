"""The best prefix of an order: one scan."""

import numpy as np

from cutpoint.cost import PrefixRows, Setting, predict
from cutpoint.planning.problem import Problem


def best_prefix(problem: Problem, rows: PrefixRows, setting: Setting) -> tuple[int, float] | None:
    """
    Give the prefix with the least latency under a setting; of equals the longest.

    Returns
    -------
    row : int
        How many blocks of the order run on the device.
    latency_s : float
        Under the setting. ``None`` in place of both if no prefix keeps the limits, or
        none that does can be carried out.
    """
    allowed = rows.is_allowed(problem.limits)
    latency_s = predict(rows, setting.seen(problem.conditions)).latency_s
    worth_s = np.where(allowed, latency_s, np.inf)
    row = len(worth_s) - 1 - int(np.argmin(worth_s[::-1]))
    return (row, float(worth_s[row])) if np.isfinite(worth_s[row]) else None
